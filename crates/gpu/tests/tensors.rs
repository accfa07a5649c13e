//! Tensors at the boundaries of kernels, as a policy changes them, and the scale of the loss.

mod common;
mod program;

use common::{HEAD, elementwise, ptx_binary};
use gpu::{Code, Error, Startup};
use program::Program;
use record::run::{LossScale, Tensor};
use record::{Environment, Event, variables};
use std::path::PathBuf;

/// A kernel `NAME(const float *in, float *out)`: `out[i] = out[i] + in[i]` if `adds`, else `out[i] = in[i]`, of `ty`.
fn two(name: &str, adds: bool, ty: &str) -> String {
    let sum = if adds {
        "ld.global.f32 %f2, [%rd8];\nadd.f32 %f1, %f1, %f2;"
    } else {
        ""
    };
    format!(
        ".visible .entry {name}(.param .u64 {name}_param_0, .param .u64 {name}_param_1)\n{{\n\
         .reg .b32 %r<3>;\n.reg .b64 %rd<9>;\n.reg .f32 %f<3>;\n\
         ld.param.u64 %rd1, [{name}_param_0];\nld.param.u64 %rd2, [{name}_param_1];\n\
         cvta.to.global.u64 %rd3, %rd1;\ncvta.to.global.u64 %rd4, %rd2;\nmov.u32 %r1, %tid.x;\n\
         mul.wide.u32 %rd5, %r1, 4;\nadd.s64 %rd6, %rd3, %rd5;\nadd.s64 %rd8, %rd4, %rd5;\n\
         ld.global.{ty} %f1, [%rd6];\n{sum}\nst.global.{ty} [%rd8], %f1;\nret;\n}}\n"
    )
}

struct Training {
    program: Program,
    folder: PathBuf,
}

impl Training {
    /// Kernels 1 `copy`, 2 `update`, 3 `twice` and 4 `words` under a policy.
    fn new(test: &str, policy: &str) -> Training {
        let folder = std::env::temp_dir().join(format!("vernier-tensors-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.toml"), policy).unwrap();
        let startup = Startup {
            program: "prog".into(),
            config: None,
            environment: Environment::default()
                .with(&variables::PTX_OUT, "none")
                .with(&variables::POLICY, folder.join("policy.toml").to_string_lossy())
                .with(&variables::THREADS, "1")
                .with(&variables::RUN_DIR, folder.join("record").to_string_lossy())
                .with(&variables::QUIET, "1"),
            cuda: 0,
        };
        let ptx = format!(
            "{HEAD}{}{}{}{}",
            two("copy", false, "f32"),
            two("update", true, "f32"),
            elementwise("twice", "mul.f32", 2.0),
            two("words", false, "b32")
        );
        let names = ["copy", "update", "twice", "words"];
        Training {
            program: Program::new(startup, ptx_binary(&ptx), &names, &[]),
            folder,
        }
    }

    fn buffer(&self, values: [f32; 4]) -> usize {
        let data = self.program.context.malloc(16).unwrap();
        self.program.upload(data, &values).unwrap();
        data
    }

    fn values(&self, data: usize) -> [f32; 4] {
        self.program.download(data).unwrap()
    }

    fn launch(&self, kernel: usize, arguments: &[usize]) -> Result<(), Error> {
        // SAFETY: the tests give as many pointers as the kernels take.
        unsafe { self.program.launch(kernel, arguments) }
    }

    /// Ends the program; the events of a kind in its record.
    fn events<T>(self, kind: fn(Event) -> Option<T>) -> Vec<T> {
        self.program.context.finish();
        let file = self.folder.join(format!("record/{}.jsonl", std::process::id()));
        let text = std::fs::read_to_string(file).unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
        let all = Event::read(&text).unwrap();
        all.into_iter().filter_map(kind).collect()
    }
}

fn tensor(event: Event) -> Option<Tensor> {
    match event {
        Event::Tensor(tensor) => Some(tensor),
        _ => None,
    }
}

fn loss_scale(event: Event) -> Option<LossScale> {
    match event {
        Event::LossScale(loss) => Some(loss),
        _ => None,
    }
}

#[test]
fn inputs_are_copies_and_outputs_change_in_place() {
    let policy = "[[quantize]]\nkernel = \"copy\"\nargument = 0\nwhen = \"before\"\nformat = \"e4m3fn\"\n\
                  [[scale]]\nkernel = \"copy\"\nargument = \"outputs\"\nwhen = \"after\"\nfactor = 4\n";
    let p = Training::new("copies", policy);
    let (a, b) = (p.buffer([1.03, 3.3, -0.51, 100.0]), p.buffer([0.0; 4]));
    let free = p.program.context.memory_info().unwrap().0;
    p.launch(1, &[a, b]).unwrap();
    assert_eq!(p.values(a), [1.03, 3.3, -0.51, 100.0]);
    // 3 bits behind the point: 1, 3.25, -0.5, 96 or 104, the even one.
    assert_eq!(p.values(b), [4.0, 13.0, -2.0, 384.0]);
    assert_eq!(p.program.context.memory_info().unwrap().0, free);
    // A pointer into the middle: the tensor begins there, what lies before stays.
    let c = p.buffer([9.0; 4]);
    p.launch(1, &[a, c]).unwrap();
    assert_eq!(p.values(c), [4.0, 13.0, -2.0, 384.0]);
    let tensors = p.events(tensor);
    assert_eq!(tensors.len(), 2);
    assert_eq!((tensors[0].launches, tensors[0].values), (2, 8));
}

#[test]
fn what_a_kernel_also_stores_through_changes_itself() {
    let policy = "[[quantize]]\nkernel = \"twice\"\nargument = 0\nwhen = \"before\"\nformat = \"int4\"\n";
    let p = Training::new("in-place", policy);
    let a = p.buffer([7.0, 3.2, -1.4, 0.3]);
    p.launch(3, &[a]).unwrap();
    assert_eq!(p.values(a), [14.0, 6.0, -2.0, 0.0]);
    assert_eq!(p.events(tensor)[0].launches, 1);
}

#[test]
fn what_is_no_tensor_of_numbers_is_refused_or_left_alone() {
    let one = "[[scale]]\nkernel = \"words\"\nwhen = \"after\"\nfactor = 2\n";
    let p = Training::new("words", &format!("{one}argument = 1\n"));
    let (a, b) = (p.buffer([1.0; 4]), p.buffer([0.0; 4]));
    let error = p.launch(4, &[a, b]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("policy.toml:1")
            && text.contains("argument 1 of kernel `words` is not accessed as FP32"),
        "{text}"
    );
    assert_eq!(p.events(tensor).len(), 1);
    let p = Training::new("kinds", &format!("{one}argument = \"outputs\"\n"));
    let (a, b) = (p.buffer([1.0; 4]), p.buffer([0.0; 4]));
    p.launch(4, &[a, b]).unwrap();
    assert_eq!(p.values(b), [1.0; 4]);
    assert_eq!(p.events(tensor)[0].launches, 0);
    let p = Training::new("weights", &format!("{one}argument = \"weights\"\n"));
    assert_eq!(
        p.program.context.malloc(4).unwrap_err().code(),
        Code::NOT_SUPPORTED
    );
    std::fs::remove_dir_all(&p.folder).unwrap();
}

/// One step of training: the loss's gradient is made, and added to the weights.
fn step(p: &Training, made: [f32; 4], weights: usize) {
    let (from, gradient) = (p.buffer(made), p.buffer([0.0; 4]));
    p.launch(1, &[from, gradient]).unwrap();
    p.launch(2, &[gradient, weights]).unwrap();
}

#[test]
fn the_scale_of_the_loss_backs_off_and_grows() {
    let policy = "[loss_scale]\nfactor = 1024\ndynamic = true\ninterval = 2\n\
                  scale = { kernel = \"copy\", argument = 1, when = \"after\" }\n\
                  unscale = { kernel = \"update\", argument = 0, when = \"before\" }\n";
    let p = Training::new("dynamic", policy);
    let weights = p.buffer([0.0; 4]);
    step(&p, [1.0, 2.0, 3.0, 0.1], weights);
    assert_eq!(p.values(weights), [1.0, 2.0, 3.0, 0.1]);
    // 2^120 times 1024 is infinite: this update is left out, and the scale halves twice until it fits.
    let large = [2f32.powi(119), 0.0, 0.0, 0.0];
    step(&p, large, weights);
    step(&p, large, weights);
    assert_eq!(p.values(weights), [1.0, 2.0, 3.0, 0.1]);
    step(&p, large, weights);
    assert_eq!(p.values(weights)[0], 2f32.powi(119));
    // Two good steps later it doubles.
    for _ in 0..2 {
        step(&p, [1.0; 4], weights);
    }
    let events = p.events(loss_scale);
    let event = &events[0];
    assert_eq!((event.steps, event.skipped, event.bad_steps), (6, 2, 2));
    assert_eq!(event.history, [(0, 1024.0), (2, 512.0), (3, 256.0), (5, 512.0)]);
}

#[test]
fn a_static_scale_stays_and_leaves_out_bad_updates() {
    let policy = "[loss_scale]\nfactor = 8\nscale = { kernel = \"copy\", argument = 1, when = \"after\" }\n\
                  unscale = { kernel = \"update\", argument = 0, when = \"before\" }\n\
                  [[quantize]]\nkernel = \"update\"\nargument = 1\nwhen = \"after\"\nformat = \"bf16\"\nrounding = \"rs\"\n";
    let p = Training::new("static", policy);
    let weights = p.buffer([1.0; 4]);
    step(&p, [f32::INFINITY, 1.0, 1.0, 1.0], weights);
    assert_eq!(p.values(weights), [1.0; 4]);
    // A quarter of the last place of bf16: stochastic rounding moves some steps, on the average all of it.
    for _ in 0..200 {
        step(&p, [1.0 / 512.0; 4], weights);
    }
    for value in p.values(weights) {
        assert!((1.25..1.55).contains(&value), "{value}");
        assert_eq!(value.to_bits() & 0xffff, 0);
    }
    let events = p.events(loss_scale);
    assert_eq!((events[0].skipped, events[0].scale), (1, 8.0));
}
