//! What each pass of lowering makes of a kernel, as text: a small .ptx file in `tests/ir`, one text for each pass. A change
//! is reviewed in the diff (`INSTA_UPDATE=always` writes the files anew).

use exec::{Dim3, Memory, Module, Pass};
use std::path::Path;

#[test]
fn passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ir");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "ptx"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    let block = Dim3 { x: 64, y: 1, z: 1 };
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).expect("the file");
        let ptx = ptx::parse(&format!("{name}.ptx"), &text).unwrap_or_else(|e| panic!("{e}"));
        let ptx = ptx::check(ptx).unwrap_or_else(|e| panic!("{e}"));
        let memory = Memory::new(1 << 30).expect("address space");
        let module = Module::load(ptx, &memory).expect("a module");
        for (pass, after) in Pass::ALL {
            let kernels: Vec<String> = module
                .kernels()
                .iter()
                .map(|k| {
                    let text = module.text(k, after, block).unwrap_or_else(|e| panic!("{e}"));
                    format!("kernel {k}\n{text}")
                })
                .collect();
            insta::assert_snapshot!(format!("{name}.{pass}"), kernels.join("\n"));
        }
    }
}
