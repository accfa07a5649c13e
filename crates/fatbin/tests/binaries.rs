//! Containers and programs that nvcc wrote (tests/data, made by make.sh there), and programs spoilt on purpose.

use fatbin::{Container, Error, Kind, PtxImage};
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(data(name)).unwrap()
}

/// What cuobjdump took out of the same module.
fn reference(name: &str) -> String {
    String::from_utf8(bytes(name)).unwrap()
}

/// All containers of a section, with padding between them, through the memory interface.
fn section(name: &str) -> Vec<Container> {
    let bytes = bytes(name);
    let mut containers = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        // SAFETY: the data hold whole containers.
        let container = unsafe { fatbin::container_at(rest.as_ptr()) }.unwrap();
        let size = 16 + u64::from_le_bytes(rest[8..16].try_into().unwrap()) as usize;
        rest = &rest[size..];
        if !container.images().is_empty() {
            containers.push(container);
        }
    }
    containers
}

fn archs(images: &[PtxImage]) -> Vec<u32> {
    images.iter().map(|image| image.arch).collect()
}

#[test]
fn text_is_the_same_as_cuobjdump_takes_out_in_every_compression() {
    for name in ["plain", "lz4", "zstd", "concat_lz4", "relocatable"] {
        let containers = section(&format!("{name}.fatbin"));
        assert_eq!(containers.len(), 2, "{name}");
        for (container, module) in containers.iter().zip(["saxpy", "relu"]) {
            let images = container.ptx().unwrap();
            assert_eq!(archs(&images), [75, 90], "{name}");
            assert_eq!(
                images[0].text,
                reference(&format!("{module}.sm_75.ptx")),
                "{name}"
            );
            assert_eq!(images[1].target, "sm_90");
            assert_eq!(images[0].version, (9, 5));
            assert_eq!(container.best_ptx().unwrap(), images[1]);
        }
    }
}

#[test]
fn machine_code_beside_ptx_is_passed_over() {
    for name in ["zstd_size", "concat"] {
        // nvcc puts a container with machine code only before the others when it links.
        let mut containers = section("machine_code.fatbin");
        containers.truncate(1);
        containers.extend(section(&format!("{name}.fatbin")));
        assert_eq!(containers.len(), 3, "{name}");
        assert!(matches!(
            containers[0].best_ptx(),
            Err(Error::MachineCodeOnly { .. })
        ));
        for (container, module) in containers[1..].iter().zip(["saxpy", "relu"]) {
            assert_eq!(container.machine_code_archs(), [75, 120]);
            let images = container.ptx().unwrap();
            assert_eq!(archs(&images), [75, 120]);
            assert_eq!(
                images[0].text,
                reference(&format!("{module}.sm_75.ptx")),
                "{name}"
            );
            assert_eq!(
                images[1].text,
                reference(&format!("{module}.sm_120.ptx")),
                "{name}"
            );
        }
        let best = fatbin::best_ptx(&containers).unwrap();
        assert_eq!(archs(&best), [120, 120]);
    }
}

#[test]
fn names_and_options_are_read() {
    for name in ["named.fatbin", "named_concat.fatbin"] {
        let container = fatbin::container(&bytes(name)).unwrap();
        let images = container.ptx().unwrap();
        assert_eq!(archs(&images), [75, 90]);
        for image in &images {
            assert_eq!(image.name.as_deref(), Some("kernels/saxpy.cu"));
            assert_eq!(image.options.as_deref(), Some("-O1"));
        }
        assert_eq!(images[0].text, reference("saxpy.sm_75.ptx"));
        assert_eq!(images[0].file_name("program", 1), "saxpy.sm_75.ptx");
    }
    let relocatable = section("relocatable.fatbin")[0].best_ptx().unwrap();
    assert_eq!(relocatable.options.as_deref(), Some("-O2 --compile-only"));
    assert_eq!(relocatable.file_name("program", 3), "program.3.sm_90.ptx");
}

#[test]
fn programs_and_libraries_are_read() {
    let containers = fatbin::executable(&data("program.elf")).unwrap();
    assert_eq!(
        containers.len(),
        1,
        "the empty container that nvcc adds is left out"
    );
    let image = containers[0].best_ptx().unwrap();
    assert_eq!((image.arch, image.module), (75, 0));
    assert_eq!(image.text, reference("saxpy.sm_75.ptx"));

    let containers = fatbin::executable(&data("library.elf")).unwrap();
    let images = fatbin::best_ptx(&containers).unwrap();
    assert_eq!(archs(&images), [90]);
    assert!(images[0].text.contains(".entry _Z4relui"));
}

#[test]
fn registered_wrappers_are_followed() {
    let module = bytes("zstd.fatbin");
    let linked = bytes("named.fatbin");
    let list = [linked.as_ptr(), linked.as_ptr(), std::ptr::null()];
    let wrapper = |version: u32, list: *const *const u8| {
        let mut bytes = Vec::from(0x4662_43b1u32.to_le_bytes());
        bytes.extend(version.to_le_bytes());
        bytes.extend((module.as_ptr() as usize).to_le_bytes());
        bytes.extend((list as usize).to_le_bytes());
        bytes
    };
    // SAFETY: the pointers in the wrappers are those of vectors that live on.
    let registered = |bytes: &[u8]| unsafe { fatbin::registered_at(bytes.as_ptr()) };
    let first = registered(&wrapper(1, std::ptr::null())).unwrap();
    assert_eq!(first[0].best_ptx().unwrap().arch, 90);
    let both = registered(&wrapper(2, list.as_ptr())).unwrap();
    assert_eq!(both.len(), 3);
    assert_eq!(both[2].module(), 2);
    let message = registered(&wrapper(7, std::ptr::null())).unwrap_err().to_string();
    assert!(message.contains("version 7"), "{message}");
    let message = registered(&[0u8; 24]).unwrap_err().to_string();
    assert!(message.contains("0x00000000"), "{message}");
}

#[test]
fn machine_code_alone_names_the_option_to_use() {
    let containers = section("machine_code.fatbin");
    assert!(containers.iter().all(|c| {
        c.images()
            .iter()
            .all(|i| i.kind == Kind::MachineCode && i.arch == 75)
    }));
    let message = fatbin::best_ptx(&containers).unwrap_err().to_string();
    assert_eq!(
        message,
        "fat binary in memory: the fat binary at offset 0x0 holds no PTX, only machine code for sm_75; \
         compile with `nvcc -gencode arch=compute_75,code=compute_75`"
    );
}

/// `program.elf` with every occurrence of `from` replaced.
fn spoilt(from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes("program.elf");
    let mut count = 0;
    for start in 0..bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + from.len()].copy_from_slice(to);
            count += 1;
        }
    }
    assert_ne!(count, 0);
    bytes
}

fn refusal(bytes: &[u8]) -> String {
    fatbin::executable_bytes("prog", bytes).unwrap_err().to_string()
}

#[test]
fn a_runtime_linked_statically_names_the_option_to_use() {
    // Needs no shared one, and leaves the function that registers kernels to nobody: it must be inside the program.
    let without = spoilt(b"__cudaRegisterFatBinary\0", b"__cudaRegisterFatBinarY\0");
    // One without kernels, which registers nothing, is no other case: what it needs decides.
    assert!(fatbin::executable_bytes("prog", &without).is_ok());
    let needed = b"libcudart.so.13\0";
    let at = without.windows(needed.len()).position(|w| w == needed).unwrap();
    let mut inside = without;
    inside[at + 3] = b'C';
    let message = refusal(&inside);
    assert_eq!(
        message,
        "prog has the CUDA runtime linked into it (nvcc's default), so Vernier's cannot take its place; \
         link it again with `nvcc --cudart shared`"
    );
}

#[test]
fn files_that_are_no_cuda_programs_are_refused() {
    let message = refusal(&spoilt(b".nv_fatbin\0", b".nv_fatbiX\0"));
    assert!(
        message.starts_with("prog is not a CUDA program: it has no section `.nv_fatbin`"),
        "{message}"
    );
    assert!(refusal(b"").contains("it is empty"));
    assert!(refusal(b"#!/bin/sh\n").contains("it is a script"));
    assert!(refusal(b"hello").contains("it begins with hello"));
    assert!(refusal(b"\x7fELF\x02\x01\x01").contains("is not an executable or shared object"));
    let message = fatbin::executable(&data("absent")).unwrap_err().to_string();
    assert!(
        message.starts_with("cannot read ") && message.contains("absent: No such file"),
        "{message}"
    );
}

#[test]
fn damage_is_reported_with_file_and_offset() {
    let message = refusal(&spoilt(
        b"\x50\xed\x55\xba\x01\x00\x10\x00\xe0",
        b"\x50\xed\x55\xba\x01\x00\x10\x00\xe1",
    ));
    assert!(
        message.starts_with("prog: damaged fat binary at offset 0x"),
        "{message}"
    );
    assert!(message.contains("goes beyond the end"), "{message}");
    let message = refusal(&spoilt(
        b"\x50\xed\x55\xba\x01\x00\x10\x00\xe0",
        b"\x50\xed\x55\xba\x02\x00\x10\x00\xe0",
    ));
    assert!(message.contains("container version 2"), "{message}");
}

#[test]
fn what_a_program_asks_of_its_loader_is_read() {
    let dynamic = fatbin::dynamic(&data("program.elf")).unwrap();
    assert_eq!(
        dynamic.interpreter.as_deref(),
        Some("/lib64/ld-linux-x86-64.so.2")
    );
    assert_eq!(dynamic.cudart(), Some("libcudart.so.13"));
    assert_eq!((dynamic.rpath, dynamic.runpath), (None, None));
    assert_eq!(fatbin::dynamic(&data("saxpy.cu")), None);
}
