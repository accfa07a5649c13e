//! The configurations of this repository, the built-in device, the table, and everything that can be wrong in a file.

use device::{
    Cache, Device, Error, Kind, Mode, Network, OPTIONS, OperationCycles, OptionSpec, Settings, Use,
};
use std::path::{Path, PathBuf};

fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../configs")
        .join(name)
}

fn parse(text: &str) -> Device {
    Device::parse("dir/gpgpusim.config", text).unwrap()
}

fn refusal(text: &str) -> String {
    Device::parse("g.config", text).unwrap_err().to_string()
}

#[test]
fn the_table_is_consistent() {
    let mut names: Vec<&str> = OPTIONS.iter().map(|option| option.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), OPTIONS.len(), "a name occurs twice");
    for option in OPTIONS {
        let default = option.default;
        let none = default.is_empty() && option.kind == Kind::Text;
        assert!(
            none || option.kind.accepts(default),
            "{} = {default}",
            option.name
        );
        assert!(option.name.starts_with('-') && !option.meaning.is_empty());
        assert!(
            !option.meaning.contains('|'),
            "{}: would break the table",
            option.name
        );
    }
}

#[test]
fn the_default_folder_is_the_built_in_device() {
    let file = Device::from_file(&config("default")).unwrap();
    let built_in = Device {
        settings: file.settings.clone(),
        ..Device::default()
    };
    assert_eq!(file, built_in);
    for option in OPTIONS.iter().filter(|option| option.used == Use::Now) {
        let shown = file.settings.is_set(option.name) || option.name == "-gpgpu_ptx_sim_mode";
        assert!(shown, "{} is missing in configs/default", option.name);
    }
}

#[test]
fn the_built_in_device_can_run_todays_programs() {
    let device = Device::default();
    assert_eq!(device.name, "Vernier virtual GPU");
    assert_eq!(device.compute_capability, (7, 5));
    assert_eq!(device.multiprocessors, 40);
    assert_eq!((device.max_threads_per_block, device.warp_size), (1024, 32));
    assert_eq!(device.max_block, [1024, 1024, 64]);
    assert_eq!(
        (device.shared_per_block, device.shared_per_block_optin),
        (48 << 10, 64 << 10)
    );
    assert_eq!(device.memory_size, 16 << 30);
    assert_eq!(device.l2_size, 4 << 20);
    assert_eq!(device.memory_bus_bits, 256);
    assert_eq!(device.memory_clock(), 5000.0);
    assert_eq!(device.mode, None);
    assert!(device.generate_ptx);
    let vp = OperationCycles {
        add: 1,
        max: 1,
        mul: 1,
        mad: 1,
        div: 30,
    };
    assert_eq!(
        (device.latency.vp, device.initiation.vp),
        (vp, OperationCycles { div: 5, ..vp })
    );
}

#[test]
fn the_rtx_2060_is_described() {
    let device = Device::from_file(&config("SM75_RTX2060/gpgpusim.config")).unwrap();
    assert_eq!(device.name, "NVIDIA GeForce RTX 2060");
    assert_eq!(device.multiprocessors, 30);
    assert_eq!(device.l2_size, 3 << 20);
    assert_eq!(device.memory_size, 6 << 30);
    assert_eq!(device.memory_bus_bits, 192);
    assert_eq!(device.memory_clock(), 7000.0);
    assert_eq!(device.latency.shuffle, 23);
    assert_eq!(device.network, None);
    assert!(
        device
            .settings
            .get("-gpgpu_dram_timing_opt")
            .contains(":RC=74:CL=24:")
    );
}

#[test]
fn the_v100_is_described_with_its_network() {
    let device = Device::from_file(&config("SM70_V100")).unwrap();
    assert_eq!(device.compute_capability, (7, 0));
    assert_eq!(device.multiprocessors, 80);
    assert_eq!(device.max_threads_per_multiprocessor, 2048);
    assert_eq!(device.shared_per_block_optin, 96 << 10);
    assert_eq!(device.l2_size, 6 << 20);
    assert_eq!(device.memory_bus_bits, 4096);
    assert_eq!(device.memory_clock(), 877.0);
    let network = device.network.unwrap();
    assert_eq!(network.get("topology"), Some("fly"));
    assert_eq!(network.get("k"), Some("144"));
}

#[test]
fn values_may_be_quoted_spread_out_and_repeated() {
    let device = parse(
        "# comment\n-gpgpu_n_clusters 3 -gpgpu_n_cores_per_cluster 2 # two on a line\n\
         -gpgpu_dram_timing_opt \"nbk=16:CCD=2:\n    RRD=6\"\n-gpgpu_n_clusters 0x5\n-gpgpu_ptx_sim_mode 0\n\
         -gpgpu_warpdistro_shader -1\n-gpgpu_generate_ptx 0",
    );
    assert_eq!(device.name, "dir");
    assert_eq!(device.multiprocessors, 10);
    assert_eq!(
        device.settings.get("-gpgpu_dram_timing_opt"),
        "nbk=16:CCD=2:RRD=6"
    );
    assert_eq!(device.mode, Some(Mode::Performance));
    assert!(!device.generate_ptx);
    assert_eq!(parse("-gpgpu_ptx_sim_mode 1").mode, Some(Mode::Functional));
    // Early files: other names, five latencies for integers, no limits for a block.
    let device =
        parse("-rop_latency 120\n-ptx_opcode_latency_int 4,13,4,5,145\n-gpgpu_shader_registers 16384");
    assert_eq!(device.settings.count("-gpgpu_l2_rop_latency"), 120);
    assert_eq!(device.latency.int.div, 145);
    assert_eq!(device.latency.shuffle, 4);
    assert_eq!(device.registers_per_block, 16384);
    // Tensor, spelt either way.
    let device = parse("-ptx_opcode_latency_tensor 33\n-ptx_opcode_initiation_tesnor 17");
    assert_eq!((device.latency.tensor, device.initiation.tensor), (33, 17));
}

#[test]
fn a_setting_can_come_from_elsewhere() {
    let mut settings = Settings::parse("f", "").unwrap();
    settings.set("-gpgpu_n_clusters", "7").unwrap();
    assert_eq!(settings.count("-gpgpu_n_clusters"), 7);
    assert!(matches!(
        settings.set("-gpgpu_n_clusters", "x"),
        Err(Error::BadValue { .. })
    ));
    assert!(matches!(
        settings.set("-nonsense", "1"),
        Err(Error::UnknownOption { .. })
    ));
    assert_eq!(settings.iter().count(), OPTIONS.len());
}

#[test]
fn options_without_effect_are_found() {
    let device = parse("-keep 0\n-gpgpu_ptx_convert_to_ptxplus 1\n-dram_latency 7");
    let found = device.settings.without_effect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "-gpgpu_ptx_convert_to_ptxplus");
    assert_eq!(found[0].1.to_string(), "dir/gpgpusim.config:2");
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    assert_eq!(
        refusal("\n-gpgpu_n_cluster 3"),
        "unknown option `-gpgpu_n_cluster`; did you mean `-gpgpu_n_clusters`?\n  --> g.config:2"
    );
    assert_eq!(
        refusal("-completely_different 3"),
        "unknown option `-completely_different`\n  --> g.config:1"
    );
    assert_eq!(
        refusal("-gpgpu_n_clusters\n-gpgpu_n_mem 3"),
        "option `-gpgpu_n_clusters` has no value; it takes a whole number, at least 1\n  --> g.config:1"
    );
    assert!(refusal("-gpgpu_generate_ptx # 1").contains("has no value; it takes 0 or 1"));
    assert_eq!(
        refusal("\n\n-gpgpu_generate_ptx yes"),
        "`yes` is no value for option `-gpgpu_generate_ptx`; it takes 0 or 1\n  --> g.config:3"
    );
    assert_eq!(
        refusal("-ptx_opcode_latency_vp 1,1,1,30"),
        "`1,1,1,30` is no value for option `-ptx_opcode_latency_vp`; it takes 5 numbers separated by commas\n  --> g.config:1"
    );
    assert_eq!(
        refusal("-gpgpu_n_clusters 3 4"),
        "`4` stands where an option (such as `-gpgpu_n_clusters`) is expected\n  --> g.config:1"
    );
    assert_eq!(
        refusal("\n-inter_config_file \"x"),
        "a quotation mark is never closed\n  --> g.config:2"
    );
    assert_eq!(
        refusal("-gpgpu_shader_core_pipeline 1024:64"),
        "`-gpgpu_shader_core_pipeline` gives warps of 64 threads; PTX knows only 32\n  --> g.config:1"
    );
    assert!(refusal("-gpgpu_shader_core_pipeline 1000:32").contains("no multiple of the warp size"));
    assert!(refusal("-gpgpu_shmem_size 100\n-gpgpu_shmem_per_block 200").ends_with("--> g.config:2"));
}

#[test]
fn values_of_every_form_are_checked() {
    let cases = [
        ("-gpgpu_n_clusters", "0", false),
        ("-gpgpu_n_clusters", "1.5", false),
        ("-network_mode", "3", false),
        ("-gpgpu_clock_domains", "1365:1365:1365", false),
        ("-gpgpu_clock_domains", "1365:1365:1365:-1", false),
        ("-gpgpu_clock_domains", "1365.5:1:1:nan", false),
        ("-gpgpu_clock_domains", "1365.5:1:1:2", true),
        ("-gpgpu_cache:dl1", "none", true),
        ("-gpgpu_cache:dl1", "S:4:128,L:B:m:L:P,A:192:4,4", false),
        ("-gpgpu_cache:dl1", "S:4:128:64,L", false),
        ("-gpgpu_cache:dl1", "99999999999:99999999999:2,L,A,4", false),
        (
            "-gpgpu_dram_timing_opt",
            "16:2:6:12:28:12:40:12:4:5:12:4:3:2",
            true,
        ),
        ("-gpgpu_dram_timing_opt", "nbk=16:XYZ=2", false),
        ("-gpgpu_scheduler", "two_level_active:6:0:1", true),
        ("-gpgpu_scheduler", "fifo", false),
        ("-gpgpu_dram_partition_queues", "8:8:8", false),
        ("-ptx_opcode_latency_int", "1,2,3,4,5,6", true),
        ("-ptx_opcode_latency_int", "1,2,3,4,5,6,7", false),
        ("-ptx_opcode_latency_fp", "1,2,3,4,-5", false),
    ];
    for (name, value, allowed) in cases {
        let option = OptionSpec::find(name).unwrap();
        assert_eq!(option.kind.accepts(value), allowed, "{name} {value}");
    }
    let cache = Cache::parse("S:32:128:24,L:B:m:L:P,A:192:4,32:0,32").unwrap();
    assert_eq!(cache.size(), 96 << 10);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let message = Device::from_file(&config("absent")).unwrap_err().to_string();
    assert!(
        message.starts_with("cannot read the device configuration "),
        "{message}"
    );
    let folder = std::env::temp_dir().join(format!("vernier-device-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("gpgpusim.config");
    std::fs::write(&file, "\n-inter_config_file absent.icnt\n").unwrap();
    let message = Device::from_file(&file).unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        message.contains("absent.icnt, which `-inter_config_file` names"),
        "{message}"
    );
    assert!(message.ends_with("gpgpusim.config:2"), "{message}");
}

#[test]
fn network_descriptions_are_checked() {
    let network = Network::parse("n.icnt", "// c\nk = 4; n=1; // d\npacket_size ={{1,2},\n{3}};\n").unwrap();
    assert_eq!(network.get("packet_size"), Some("{{1,2},\n{3}}"));
    assert_eq!(network.iter().count(), 3);
    let refusal = |text| Network::parse("n.icnt", text).unwrap_err().to_string();
    assert_eq!(
        refusal("k = 4;\n\ntopologie = fly;"),
        "unknown option `topologie`; did you mean `topology`?\n  --> n.icnt:3"
    );
    assert!(refusal("k = 4;\nn = ;").starts_with("option `n` has no value"));
    assert_eq!(
        refusal("k = 4;\nn = 1"),
        "`n = 1` is not closed by `;`\n  --> n.icnt:2"
    );
    assert_eq!(
        refusal("k 4;"),
        "`k 4` is not of the form key = value;\n  --> n.icnt:1"
    );
    assert_eq!(
        refusal("k = 4\nn = 1;"),
        "the value of `k` is not closed by `;`\n  --> n.icnt:1"
    );
}

#[test]
fn arbitrary_text_never_panics() {
    let source = std::fs::read_to_string(config("SM75_RTX2060/gpgpusim.config")).unwrap();
    let network = std::fs::read_to_string(config("SM70_V100/interconnect.icnt")).unwrap();
    // Every truncation, and every truncation with a stray character.
    for (end, _) in source.char_indices() {
        let _ = Device::parse("f", &source[..end]);
    }
    for (end, _) in network.char_indices() {
        for stray in ["", "\"", "{", "=", ";", "\u{e9}"] {
            let text = format!("{}{stray}{}", &network[..end], &network[end..]);
            let _ = Network::parse("f", &text);
            let _ = Settings::parse("f", &text);
        }
    }
}

#[test]
fn the_reference_page_lists_every_option() {
    let page = device::options_markdown();
    for option in OPTIONS {
        assert_eq!(
            page.matches(&format!("\n| `{}` |", option.name)).count(),
            1,
            "{}",
            option.name
        );
    }
}
