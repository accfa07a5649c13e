//! Containers built by hand: each layout on its own, and damage of every kind, which must never panic.

use fatbin::Error;
use proptest::prelude::*;

const TEXT: &str =
    "//\n.version 7.8\n.target sm_86, debug // x\n.address_size 64\n.visible .entry k() { ret; }\n";
const LZ4: u64 = 0x2000;
const ZSTD: u64 = 0x8000;

/// One entry: 64 bytes of header, then the payload padded to 8.
fn entry(kind: u16, arch: u32, flags: u64, stored: &[u8], unpacked: u64) -> Vec<u8> {
    let padded = stored.len().next_multiple_of(8);
    let mut bytes = Vec::new();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(0x101u16.to_le_bytes());
    bytes.extend(64u32.to_le_bytes());
    bytes.extend((padded as u64).to_le_bytes());
    bytes.extend(if flags == 0 { 0 } else { stored.len() as u32 }.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend([8, 0, 7, 0]);
    bytes.extend(arch.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend((flags | 0x11).to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(if flags == 0 { 0 } else { unpacked }.to_le_bytes());
    bytes.extend(stored);
    bytes.resize(64 + padded, 0);
    bytes
}

fn container(entries: &[Vec<u8>]) -> Vec<u8> {
    let body = entries.concat();
    let mut bytes = Vec::from(0xba55_ed50u32.to_le_bytes());
    bytes.extend([1, 0, 16, 0]);
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(body);
    bytes
}

fn lz4(text: &[u8]) -> Vec<u8> {
    lz4_flex::block::compress(text)
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

/// One of each: what a busy container may hold.
fn mixed() -> Vec<u8> {
    let text = TEXT.as_bytes();
    let size = text.len() as u64;
    container(&[
        entry(1, 50, 0, text, 0),
        entry(2, 60, 0, b"\x7fELF and so on", 0),
        entry(1, 70, LZ4, &lz4(text), size),
        entry(8, 75, 0, b"what is this", 0),
        entry(1, 86, ZSTD, &zstd(text), size),
        entry(1, 80, 0x1000, &lz4(text), size),
    ])
}

#[test]
fn each_kind_of_entry_is_read() {
    let parsed = fatbin::container(&mixed()).unwrap();
    let images = parsed.ptx().unwrap();
    assert_eq!(
        images.iter().map(|image| image.arch).collect::<Vec<_>>(),
        [50, 70, 86, 80]
    );
    for image in &images {
        assert_eq!(image.text, TEXT);
        assert_eq!(image.version, (7, 8));
        assert_eq!(image.target, "sm_86");
    }
    assert_eq!(parsed.best_ptx().unwrap().arch, 86);
    assert_eq!(parsed.machine_code_archs(), [60]);
    assert_eq!(parsed.images().len(), 6);
}

#[test]
fn wrong_sizes_are_errors() {
    let text = TEXT.as_bytes();
    let size = text.len() as u64;
    let refusal = |entry: Vec<u8>| {
        let parsed = fatbin::container(&container(&[entry]))?;
        parsed.best_ptx().map(|_| ())
    };
    let message = |entry: Vec<u8>| refusal(entry).unwrap_err().to_string();
    assert!(message(entry(1, 70, LZ4, &lz4(text), size + 1)).contains("unpacks to"));
    assert!(message(entry(1, 70, LZ4, &lz4(text), size - 1)).contains("do not unpack"));
    assert!(message(entry(1, 70, ZSTD, &zstd(text), size + 1)).contains("unpacks to"));
    assert!(message(entry(1, 70, ZSTD, &zstd(text), size - 1)).contains("unpacks to"));
    assert!(message(entry(1, 70, ZSTD, &zstd(text), u64::MAX)).contains("that are accepted"));
    assert!(message(entry(1, 70, LZ4, &lz4(text), 1 << 27)).contains("cannot unpack"));
    assert!(message(entry(1, 70, ZSTD, text, size)).contains("zstd data do not unpack"));
    assert!(message(entry(1, 70, 0, b"not PTX", 0)).contains("has no `.version`"));
    assert!(matches!(
        refusal(entry(8, 70, 0, b"?", 0)),
        Err(Error::MachineCodeOnly { .. })
    ));
    assert!(fatbin::container(&container(&[])).unwrap().images().is_empty());
    assert!(
        fatbin::container(b"PK")
            .unwrap_err()
            .to_string()
            .contains("goes beyond the end")
    );
}

#[test]
fn a_little_that_unpacks_to_very_much_is_refused_unless_asked_for() {
    // A run of zeros: 300 MiB out of little more than 1 MiB.
    let size = 300 << 20;
    let mut text = TEXT.as_bytes().to_vec();
    text.resize(size, 0);
    let packed = lz4(&text);
    drop(text);
    assert!(packed.len() < 2 << 20, "{}", packed.len());
    let parsed = fatbin::container(&container(&[entry(1, 70, LZ4, &packed, size as u64)])).unwrap();
    let refused = parsed.best_ptx().unwrap_err();
    assert!(matches!(refused, Error::TooLarge { .. }));
    let message = refused.to_string();
    assert!(message.contains("VERNIER_MAX_UNPACKED=314572800"), "{message}");
    // SAFETY: tests read and write the environment through the standard library only, which takes turns.
    unsafe { std::env::set_var("VERNIER_MAX_UNPACKED", "314572800") };
    assert_eq!(parsed.best_ptx().unwrap().text, TEXT);
    // SAFETY: as above.
    unsafe { std::env::remove_var("VERNIER_MAX_UNPACKED") };
}

/// Everything that can be asked of bytes; the answers do not matter, only that they come.
fn ask(bytes: &[u8]) {
    if let Ok(parsed) = fatbin::container(bytes) {
        let _ = parsed.ptx();
        let _ = parsed.best_ptx();
        let _ = parsed.machine_code_archs();
    }
}

const REAL: [&[u8]; 5] = [
    include_bytes!("data/named_concat.fatbin"),
    include_bytes!("data/named.fatbin"),
    include_bytes!("data/concat_lz4.fatbin"),
    include_bytes!("data/zstd.fatbin"),
    include_bytes!("data/program.elf"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutations_never_panic(
        which in 0..=REAL.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = REAL.get(which).map_or_else(mixed, |bytes| bytes.to_vec());
        for (index, value) in changes {
            let place = index.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if bytes.starts_with(b"\x7fELF") {
            if let Ok(containers) = fatbin::executable_bytes("mutated", &bytes) {
                let _ = fatbin::best_ptx(&containers);
            }
        } else {
            ask(&bytes);
        }
    }

    #[test]
    fn headers_with_extreme_numbers_never_panic(
        field in 0usize..24,
        value in prop::sample::select(vec![0u32, 1, 7, 63, 64, 65, 0x7fff_ffff, 0x8000_0000, u32::MAX]),
        which in 0..3usize,
    ) {
        let mut bytes = REAL[which].to_vec();
        bytes[field * 4..field * 4 + 4].copy_from_slice(&value.to_le_bytes());
        ask(&bytes);
        let mut bytes = mixed();
        bytes[16 + field * 4..20 + field * 4].copy_from_slice(&value.to_le_bytes());
        ask(&bytes);
    }
}
