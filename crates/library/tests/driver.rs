//! The driver's names, in a program of their own, beside the runtime's under another file name.

mod support;

use std::path::Path;
use std::process::Command;
use support::{cc, library, run};

#[test]
fn the_driver_and_the_runtime_are_one_device() {
    let folder = support::folder("driver");
    library(&folder);
    // As `vernier` lays them out: one file, several names.
    let names = ["libcuda.so.1", "libcudart.so.12"];
    for name in names {
        std::os::unix::fs::symlink(folder.join("libcudart.so"), folder.join(name)).unwrap();
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/driver.c");
    let program = folder.join("driver");
    run(cc()
        .arg("-w")
        .arg(source)
        .arg(folder.join("libcuda.so.1"))
        .args(["-ldl", "-o"])
        .arg(&program));
    let output = run(Command::new(&program)
        .arg("libcudart.so.12")
        .env("LD_LIBRARY_PATH", &folder)
        .env("VERNIER_PTX_OUT", "none"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PASS\n");
    // What a person should know was said: PTX that is none, a name that is not there, a bad launch, the fault.
    let said = String::from_utf8_lossy(&output.stderr);
    for expected in [
        "cuModuleLoadData.ptx:1",
        "no kernel `divided`",
        "machine code is not supported",
        "its parameters take 12 bytes, but 16 were given",
        "load of 4 bytes at global address 0x10 (a null pointer?) is out of bounds",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
