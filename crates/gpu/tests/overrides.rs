//! The override workflow file by file, and variables that kernels from different files share.

mod common;
mod program;

use common::{HEAD, elementwise, linked_binary, ptx_binary, times_variable};
use gpu::{Code, Startup};
use program::Program;
use record::{Environment, variables};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vernier-overrides-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn startup(out: Option<&Path>, from: Option<&Path>, rewrite: Option<&str>) -> Startup {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut environment = Environment::default()
        .with(&variables::THREADS, "1")
        .with(&variables::QUIET, "1")
        .with(&variables::PTX_OUT, out.map_or("none".into(), text));
    if let Some(from) = from {
        environment = environment.with(&variables::PTX_DIR, text(from));
    }
    if let Some(rewrite) = rewrite {
        environment = environment.with(&variables::OVERRIDE, rewrite);
    }
    Startup {
        program: "prog".into(),
        config: None,
        environment,
        cuda: 0,
    }
}

/// A program with this PTX.
fn program(startup: Startup, ptx: &str, kernels: &[&str], variables: &[&str]) -> Program {
    Program::new(startup, ptx_binary(ptx), kernels, variables)
}

/// Runs the kernel of a number on four floats.
fn run(program: &Program, kernel: usize, values: [f32; 4]) -> Result<[f32; 4], gpu::Error> {
    let data = program.context.malloc(16)?;
    program.upload(data, &values)?;
    // SAFETY: the kernels of these tests take one pointer.
    unsafe { program.launch(kernel, &[data]) }?;
    let back = program.download(data)?;
    program.context.free(data)?;
    program.context.synchronize()?;
    Ok(back)
}

#[test]
fn ptx_is_written_then_read_and_edits_count() {
    let folder = folder("workflow");
    let ptx = format!(
        "{HEAD}{}{}",
        elementwise("twice", "mul.f32", 2.0),
        elementwise("more", "add.f32", 1.0)
    );
    let first = program(startup(Some(&folder), None, None), &ptx, &["twice", "more"], &[]);
    assert_eq!(
        run(&first, 1, [1.0, 2.0, 3.0, 4.0]).unwrap(),
        [2.0, 4.0, 6.0, 8.0]
    );
    let file = folder.join("prog.1.sm_75.ptx");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ptx);

    std::fs::write(&file, ptx.replace("0f40000000", "0f40400000")).unwrap();
    let second = program(startup(None, Some(&folder), None), &ptx, &["twice", "more"], &[]);
    assert_eq!(
        run(&second, 1, [1.0, 2.0, 3.0, 4.0]).unwrap(),
        [3.0, 6.0, 9.0, 12.0]
    );

    // Without reading, the edited file is neither used nor overwritten.
    let third = program(startup(Some(&folder), None, None), &ptx, &["twice", "more"], &[]);
    assert_eq!(run(&third, 1, [1.0; 4]).unwrap(), [2.0; 4]);
    assert!(std::fs::read_to_string(&file).unwrap().contains("0f40400000"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_kernel_that_no_file_defines_comes_from_the_embedded_ptx() {
    let folder = folder("partial");
    let embedded = format!(
        "{HEAD}{}{}",
        elementwise("twice", "mul.f32", 2.0),
        elementwise("more", "add.f32", 1.0)
    );
    let edited = format!("{HEAD}{}", elementwise("more", "add.f32", 10.0));
    std::fs::write(folder.join("anything.ptx"), edited).unwrap();
    let prog = program(
        startup(None, Some(&folder), None),
        &embedded,
        &["twice", "more"],
        &[],
    );
    assert_eq!(run(&prog, 1, [1.0; 4]).unwrap(), [2.0; 4]);
    assert_eq!(run(&prog, 2, [1.0; 4]).unwrap(), [11.0; 4]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn kernels_of_a_file_and_of_the_embedded_ptx_share_variables() {
    let folder = folder("shared");
    let variable = ".global .align 4 .f32 factor = 0f3F800000;\n";
    let embedded = format!(
        "{HEAD}{variable}{}{}",
        times_variable("a", "factor"),
        times_variable("b", "factor")
    );
    std::fs::write(
        folder.join("a.ptx"),
        format!("{HEAD}{variable}{}", times_variable("a", "factor")),
    )
    .unwrap();
    let prog = program(
        startup(None, Some(&folder), None),
        &embedded,
        &["a", "b"],
        &["factor"],
    );
    assert_eq!(run(&prog, 1, [3.0; 4]).unwrap(), [3.0; 4]);
    let (address, size) = prog.context.variable(&prog.module, "factor").unwrap();
    assert_eq!(size, 4);
    prog.upload(address, &[5.0]).unwrap();
    assert_eq!(run(&prog, 1, [3.0; 4]).unwrap(), [15.0; 4]);
    assert_eq!(run(&prog, 2, [3.0; 4]).unwrap(), [15.0; 4]);
    // After a reset the variable has its first value again, and both kernels see it.
    prog.context.reset().unwrap();
    assert_eq!(run(&prog, 2, [3.0; 4]).unwrap(), [3.0; 4]);
    assert_eq!(run(&prog, 1, [3.0; 4]).unwrap(), [3.0; 4]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_variable_of_another_size_is_refused() {
    let folder = folder("clash");
    let embedded = format!(
        "{HEAD}.global .align 4 .f32 factor;\n{}{}",
        times_variable("a", "factor"),
        times_variable("b", "factor")
    );
    let edited = format!(
        "{HEAD}.global .align 4 .b8 factor[64];\n{}",
        times_variable("a", "factor")
    );
    std::fs::write(folder.join("a.ptx"), edited).unwrap();
    let prog = program(
        startup(None, Some(&folder), None),
        &embedded,
        &["a", "b"],
        &["factor"],
    );
    let error = run(&prog, 2, [1.0; 4]).unwrap_err();
    assert_eq!(error.code(), Code::INVALID_PTX);
    assert!(error.to_string().contains("`factor`"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn broken_and_double_files_fail_the_launch_with_their_reason() {
    let folder = folder("bad");
    let embedded = format!("{HEAD}{}", elementwise("k", "mul.f32", 2.0));
    std::fs::write(folder.join("a.ptx"), embedded.replace("mul.f32", "mull.f32")).unwrap();
    let prog = program(startup(None, Some(&folder), None), &embedded, &["k"], &[]);
    let error = run(&prog, 1, [1.0; 4]).unwrap_err();
    assert!(
        error.to_string().contains("a.ptx:") && error.to_string().contains("mull.f32"),
        "{error}"
    );
    std::fs::write(folder.join("a.ptx"), &embedded).unwrap();
    std::fs::write(folder.join("b.ptx"), &embedded).unwrap();
    let prog = program(startup(None, Some(&folder), None), &embedded, &["k"], &[]);
    let error = run(&prog, 1, [1.0; 4]).unwrap_err();
    assert!(
        error.to_string().contains("a.ptx") && error.to_string().contains("b.ptx"),
        "{error}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_f32_instruction_is_rewritten_on_demand() {
    let ptx = format!("{HEAD}{}", elementwise("k", "add.f32", 0.0625));
    let prog = program(startup(None, None, Some("vf32")), &ptx, &["k"], &[]);
    // The variables are unset, so the format is fp32 and the result that of plain f32.
    assert_eq!(run(&prog, 1, [1.0; 4]).unwrap(), [1.0625; 4]);
    let prog = program(startup(None, None, Some("bf17")), &ptx, &["k"], &[]);
    let error = run(&prog, 1, [1.0; 4]).unwrap_err();
    assert_eq!(error.code(), Code::INVALID_VALUE);
    assert!(
        error.to_string().contains("VERNIER_OVERRIDE") && error.to_string().contains("bf17"),
        "{error}"
    );
}

const RTX_2060: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../configs/SM75_RTX2060/gpgpusim.config"
);

#[test]
fn performance_simulation_computes_the_same_and_counts_cycles() {
    let records = folder("cycles");
    let ptx = format!("{HEAD}{}", elementwise("k", "add.f32", 1.0));
    let mut settings = startup(None, None, None);
    settings.environment = settings
        .environment
        .with(&variables::MODE, "0")
        .with(&variables::RUN_DIR, records.to_string_lossy());
    settings.config = Some(RTX_2060.into());
    let prog = program(settings, &ptx, &["k"], &[]);
    let streams = prog.context.streams().unwrap();
    let events = [streams.event_create(0).unwrap(), streams.event_create(0).unwrap()];
    let record = |event| {
        // SAFETY: nothing that needs a promise.
        unsafe { prog.context.issue(gpu::DEFAULT_STREAM, gpu::Work::Record(event)) }.unwrap()
    };
    record(events[0]);
    assert_eq!(run(&prog, 1, [1.0, 2.0, 3.0, 4.0]).unwrap(), [2.0, 3.0, 4.0, 5.0]);
    record(events[1]);
    let ms = streams.elapsed_ms(events[0], events[1]).unwrap();
    prog.context.finish();
    let text = std::fs::read_to_string(records.join(format!("{}.jsonl", std::process::id()))).unwrap();
    let events = record::Event::read(&text).unwrap();
    let cycles = events.iter().find_map(|e| match e {
        record::Event::Cycles(c) => Some(c.clone()),
        _ => None,
    });
    let cycles = cycles.expect("an event");
    assert_eq!(
        (cycles.kernel.as_str(), cycles.launches, cycles.warp_instructions),
        ("k", 1, 9)
    );
    // A load that misses all caches, and what is before and behind it.
    assert!((300..3000).contains(&cycles.cycles), "{cycles:?}");
    // Events have the simulated time: cycles of 1365 MHz.
    let expected = cycles.cycles as f64 / 1365e3;
    assert!(
        (f64::from(ms) - expected).abs() < 1e-6,
        "{ms} ms, {} cycles",
        cycles.cycles
    );
    std::fs::remove_dir_all(&records).unwrap();
}

#[test]
fn what_vernier_reads_itself_takes_no_simulated_time() {
    let records = folder("digested");
    let ptx = format!("{HEAD}{}", elementwise("k", "add.f32", 1.0));
    let cycles = |digest: &str, copies: bool| {
        let mut settings = startup(None, None, None);
        settings.environment = settings
            .environment
            .with(&variables::MODE, "0")
            .with(&variables::DIGEST, digest)
            .with(&variables::RUN_DIR, records.to_string_lossy());
        settings.config = Some(RTX_2060.into());
        let prog = program(settings, &ptx, &["k"], &[]);
        // A buffer that the program fills on the device: if it does not copy it, only a digest reads it.
        let data = prog.context.malloc(16).unwrap();
        // SAFETY: device memory, and a kernel of one pointer.
        unsafe {
            let fill = gpu::Work::fill(data, 0, 16);
            prog.context.issue(gpu::DEFAULT_STREAM, fill).unwrap();
            prog.launch(1, &[prog.context.malloc(16).unwrap()]).unwrap();
            if copies {
                prog.download(data).unwrap();
            }
            prog.launch(1, &[data]).unwrap();
        }
        prog.context.finish();
        let file = records.join(format!("{}.jsonl", std::process::id()));
        let events = record::Event::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        std::fs::remove_file(file).unwrap();
        let found = events.into_iter().find_map(|e| match e {
            record::Event::Cycles(c) => Some(c),
            _ => None,
        });
        found.expect("an event")
    };
    let plain = cycles("0", false);
    assert_eq!(cycles("1", false), plain);
    // A copy of the program's leaves it in L2.
    let copied = cycles("0", true);
    assert!(copied.cycles < plain.cycles, "{copied:?} {plain:?}");
    std::fs::remove_dir_all(&records).unwrap();
}

#[test]
fn performance_simulation_refuses_to_observe() {
    let ptx = format!("{HEAD}{}", elementwise("k", "add.f32", 1.0));
    let mut settings = startup(None, None, None);
    settings.environment = settings
        .environment
        .with(&variables::MODE, "0")
        .with(&variables::PROFILE, "1");
    let refused = |settings| run(&program(settings, &ptx, &["k"], &[]), 1, [1.0; 4]).unwrap_err();
    let error = refused(settings.clone());
    assert!(error.to_string().contains("--config"), "{error}");
    settings.config = Some(RTX_2060.into());
    let error = refused(settings);
    assert_eq!(error.code(), Code::NOT_SUPPORTED);
    assert!(error.to_string().contains("--profile"), "{error}");
}

#[test]
fn a_bad_configuration_file_is_an_error_with_its_name() {
    let folder = folder("config");
    let config = folder.join("gpgpusim.config");
    std::fs::write(&config, "-no_such_option 1\n").unwrap();
    let ptx = format!("{HEAD}{}", elementwise("k", "add.f32", 1.0));
    let settings = Startup {
        config: Some(config),
        ..startup(None, None, None)
    };
    let prog = program(settings, &ptx, &["k"], &[]);
    let error = prog.context.malloc(4).unwrap_err();
    assert_eq!(error.code(), Code::INITIALIZATION_ERROR);
    assert!(error.to_string().contains("-no_such_option"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A kernel that calls `helper`, which another source file defines; both have a local variable of the same name.
fn separate_texts() -> (String, String) {
    let header = "(.param .b32 helper_ret) helper(.param .b32 helper_param_0)";
    let call = ".param .b32 in;\n.param .b32 out;\nst.param.f32 [in], %f1;\n\
                call.uni (out), helper, (in);\nld.param.f32 %f2, [out];\n\
                ld.global.f32 %f1, [own];\nadd.f32 %f2, %f2, %f1;";
    let kernel = elementwise("k", "mul.f32", 1.0).replace("mul.f32 %f2, %f1, 0f3F800000;", call);
    let a = format!("{HEAD}.global .align 4 .f32 own = 0f41200000;\n.extern .func {header};\n{kernel}");
    let helper = format!(
        ".visible .func {header}\n{{\n.reg .f32 %f<4>;\nld.param.f32 %f1, [helper_param_0];\n\
         ld.global.f32 %f2, [own];\nmul.f32 %f3, %f1, %f2;\nst.param.f32 [helper_ret], %f3;\nret;\n}}\n"
    );
    let b = format!(
        "{HEAD}.global .align 4 .f32 own = 0f40A00000;\n{helper}{}",
        elementwise("l", "add.f32", 1.0)
    );
    (a, b)
}

#[test]
fn separately_compiled_texts_are_linked() {
    let (a, b) = separate_texts();
    let binary = linked_binary(&[&a, &b]);
    let prog = Program::new(startup(None, None, None), binary, &["k", "l"], &[]);
    // 2 times helper's 5, plus the kernel's own 10.
    assert_eq!(run(&prog, 1, [2.0; 4]).unwrap(), [20.0; 4]);
    assert_eq!(run(&prog, 2, [2.0; 4]).unwrap(), [3.0; 4]);
    // With only the second text as a file, the kernel comes from the first, embedded one; and the other way round.
    for (name, text) in [
        ("b", b.replace("0f3F800000", "0f40000000")),
        ("a", a.replace("0f41200000", "0f41A00000")),
    ] {
        let folder = folder(&format!("linked-{name}"));
        std::fs::write(folder.join("edited.ptx"), text).unwrap();
        let prog = Program::new(startup(None, Some(&folder), None), binary, &["k", "l"], &[]);
        let expected = if name == "a" { (30.0, 3.0) } else { (20.0, 4.0) };
        assert_eq!(run(&prog, 1, [2.0; 4]).unwrap(), [expected.0; 4]);
        assert_eq!(run(&prog, 2, [2.0; 4]).unwrap(), [expected.1; 4]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn embedded_ptx_is_checked_as_a_file_is() {
    let right = elementwise("k", "add.f32", 1.0);
    let wrong = right.replace("mul.wide.u32 %rd3,", "mul.wide.u32 %r2,");
    assert_ne!(right, wrong);
    let prog = program(startup(None, None, None), &format!("{HEAD}{wrong}"), &["k"], &[]);
    // A failure stays: the next launch gives the same error.
    for _ in 0..2 {
        let error = run(&prog, 1, [1.0; 4]).unwrap_err();
        assert_eq!(error.code(), Code::INVALID_PTX);
        let message = error.to_string();
        assert!(
            message.contains("`%r2` is declared `.b32`, but operand 1 of `mul.wide.u32` must be `.u64`")
                && message.contains("prog.1.sm_75.ptx:12:14")
                && message.contains("mul.wide.u32 %r2, %r1, 4;"),
            "{message}"
        );
    }
}
