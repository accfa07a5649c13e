//! What only a process of its own can show: signals, exceptions, children, the run record. The programs are those of
//! `tests/programs`, in C.

mod support;

use record::{Blame, Cause, Event};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use support::{cc, library, run};

/// Compiles a program against the library in a folder.
fn compile(folder: &Path, source: &str) -> PathBuf {
    compile_with(folder, source, &[])
}

fn compile_with(folder: &Path, source: &str, options: &[&str]) -> PathBuf {
    let library = library(folder);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/programs")
        .join(source);
    let program = folder.join("program");
    let mut compiler = match source.ends_with(".cpp") {
        true => Command::new(std::env::var("CXX").unwrap_or_else(|_| "c++".into())),
        false => cc(),
    };
    run(compiler
        .current_dir(folder)
        .arg("-w")
        .arg(path)
        .arg(library)
        .args(options)
        .arg("-o")
        .arg(&program));
    program
}

/// Runs a program, which must end soon.
fn start(program: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = program.parent().unwrap();
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(folder)
        .env("LD_LIBRARY_PATH", folder);
    command.env("VERNIER_PTX_OUT", "none").env("VERNIER_THREADS", "2");
    command.envs(environment.iter().copied());
    let (out, err) = (folder.join("out"), folder.join("err"));
    command.stdout(std::fs::File::create(&out).unwrap());
    command.stderr(std::fs::File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{command:?} hangs: {}", std::fs::read_to_string(&err).unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Output {
        status,
        stdout: std::fs::read(out).unwrap(),
        stderr: std::fs::read(err).unwrap(),
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A program that ran to its end, printed `done`, and on stderr what is given.
#[track_caller]
fn is_done(output: &Output, stderr: &str) {
    assert_eq!(text(&output.stderr), stderr);
    assert_eq!(text(&output.stdout), "done\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn calls_of_a_signal_handler_inside_a_call_are_refused() {
    let folder = support::folder("signal");
    let program = compile(&folder, "signal.c");
    for threads in ["1", "2"] {
        let output = start(&program, &[], &[("VERNIER_THREADS", threads)]);
        is_done(
            &output,
            "vernier: error: cudaMalloc: this thread is inside another CUDA call, which a signal handler interrupted: \
             the program gets cudaErrorNotPermitted (800)\n\
             vernier:    = set a flag in the handler and call CUDA outside of it\n",
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_exception_of_a_host_function_ends_the_program_with_a_message() {
    use std::os::unix::process::ExitStatusExt;
    let folder = support::folder("throws");
    let output = start(&compile(&folder, "throws.cpp"), &[], &[]);
    assert_eq!(
        text(&output.stderr),
        "vernier: error: cudaLaunchHostFunc: an exception left the function that the program gave to CUDA, where nothing \
         can catch it: the program ends (abort), as it would with CUDA\n"
    );
    assert_eq!((text(&output.stdout), output.status.signal()), ("", Some(6)));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn children_work_when_made_before_the_first_call_and_are_refused_later() {
    let folder = support::folder("forks");
    let program = compile(&folder, "forks.c");
    is_done(&start(&program, &["before"], &[]), "");
    is_done(
        &start(&program, &["after"], &[]),
        "vernier: error: cudaMalloc: the process forked after its first CUDA call, and CUDA does not work in such a child: \
         the program gets cudaErrorInitializationError (3)\n\
         vernier:    = fork before the first CUDA call, or start a program (exec)\n",
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The run record of the only process that wrote one in a folder.
fn record(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let found: Vec<PathBuf> = files
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    std::fs::read_to_string(&found[0]).unwrap()
}

#[test]
fn the_record_says_whether_the_program_looked_at_a_fault() {
    let folder = support::folder("faults");
    let program = compile(&folder, "faults.c");
    let faults = |how: &str| {
        let records = folder.join(format!("records-{how}"));
        let output = start(
            &program,
            &[how],
            &[("VERNIER_RUN_DIR", records.to_str().unwrap())],
        );
        assert_eq!(output.status.code(), Some(0), "{how}: {}", text(&output.stderr));
        let mut events = Event::read(&record(&records)).unwrap();
        events.retain(|e| matches!(e, Event::Trap(_) | Event::LaunchError(_)));
        events
    };
    for (how, looked_at) in [
        ("synchronize", true),
        ("copy", false),
        ("copy-peek", true),
        ("copy-text", true),
        ("", false),
    ] {
        let faults = faults(how);
        assert_eq!(faults.len(), 2, "{how}: {faults:?}");
        for fault in faults {
            let Event::Trap(fault) = fault else {
                panic!("{how}: {fault:?}")
            };
            assert_eq!(
                (fault.cause, fault.looked_at),
                (Cause::OutOfBounds, looked_at),
                "{how}"
            );
        }
    }
    // What no device does is the program's own request: whether it looks decides nothing.
    for how in ["launch-last", "launch-text", "launch"] {
        let faults = faults(how);
        let [Event::LaunchError(fault)] = &faults[..] else {
            panic!("{how}: {faults:?}")
        };
        assert_eq!(
            (fault.cause, fault.cause.blame()),
            (Cause::Configuration, Blame::Request),
            "{how}"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn cuda_libraries_that_are_loaded_or_looked_for_are_named_once() {
    let folder = support::folder("libraries");
    std::fs::create_dir(folder.join("sub")).unwrap();
    std::fs::write(folder.join("answer.c"), "int answer(void) { return 42; }\n").unwrap();
    for name in ["sub/libcudnn.so.9", "sub/libplain.so", "libcurand.so.10"] {
        run(cc()
            .current_dir(&folder)
            .args(["-shared", "-fPIC", "answer.c", "-o", name]));
    }
    // Libraries in `sub` are found by the path in the program that asks, not in the library that passes on.
    let options = [
        "-Wl,--enable-new-dtags,-rpath,$ORIGIN/sub",
        "-Wl,--no-as-needed",
        "./libcurand.so.10",
        "-ldl",
    ];
    let program = compile_with(&folder, "plain.c", &options);
    let args = [
        "libcublas.so.13",
        "libcublas.so.13",
        "libcudnn.so.9",
        "libplain.so",
    ];
    let records = folder.join("records");
    let directory = ("VERNIER_RUN_DIR", records.to_str().unwrap());
    let output = start(&program, &args, &[directory]);
    assert_eq!(
        text(&output.stdout),
        "libcublas.so.13: -1\nlibcublas.so.13: -1\nlibcudnn.so.9: 42\nlibplain.so: 42\ndone\n"
    );
    let named: Vec<&str> = text(&output.stderr)
        .lines()
        .filter(|l| l.contains("error: "))
        .collect();
    let line = |name: &str| {
        format!(
            "vernier: error: the program loads {name}, a CUDA library that Vernier does not have: it needs NVIDIA's \
             driver and a GPU, and fails here. What the program makes of that means nothing"
        )
    };
    assert_eq!(
        named,
        ["libcublas.so.13", "libcudnn.so.9", "libcurand.so.10"].map(line)
    );
    let events = Event::read(&record(&records)).unwrap();
    let refused = |e: &&Event| matches!(e, Event::Library(library) if !library.allowed);
    assert_eq!(events.iter().filter(refused).count(), 3);
    let all = ("VERNIER_ALLOW_LIBRARIES", "libcublas,libcudnn,libcurand");
    assert_eq!(text(&start(&program, &args, &[all]).stderr), "");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn variables_that_mean_nothing_are_told() {
    let folder = support::folder("variables");
    let program = compile_with(&folder, "plain.c", &["-ldl"]);
    std::fs::write(folder.join("config"), "-gpgpu_ptx_sim_mode 0\n").unwrap();
    is_done(
        &start(
            &program,
            &[],
            &[
                ("VERNIER_FROMAT", "bf16"),
                ("VF_SIGNIFICAND", "8"),
                ("PTX_SIM_KERNELFILE", "x.ptx"),
                ("SIM_CONFIG_PATH", "config"),
            ],
        ),
        "vernier: PTX_SIM_KERNELFILE is a variable of GPGPU-Sim's, which Vernier does not read: VERNIER_PTX_DIR=FOLDER takes \
         the kernels of the PTX files in a folder\n\
         vernier: VERNIER_FROMAT is no variable of Vernier's and is not read: did you mean VERNIER_FORMAT?\n\
         vernier: the configuration says `-gpgpu_ptx_sim_mode 0` (performance simulation): simulating functionally, because \
         neither PTX_SIM_MODE_FUNC=0 nor --mode performance asks for it, too\n\
         vernier: no effect of VF_SIGNIFICAND: no kernel executed a `.vf32` instruction. VERNIER_OVERRIDE=vf32 rewrites every \
         f32 instruction (`vernier exec --format` sets both), or write `.vf32` in the PTX\n",
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
