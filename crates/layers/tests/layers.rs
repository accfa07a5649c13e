//! Layers of networks that exist only as logs.

use layers::Layers;
use layers::log::Log;
use record::launches::{Argument, Kernel, Launch, Line, Word, Write};

/// Buffers by name: letters are their addresses.
struct Program {
    text: String,
}

fn address(name: &str) -> u64 {
    name.bytes().fold(0x7000, |a, b| a * 64 + u64::from(b)) << 12
}

impl Program {
    /// Kernels: name, whether it accumulates, and what it does with each pointer: r, w or both.
    fn new(kernels: &[(&str, bool, &[&str])]) -> Program {
        let mut program = Program { text: String::new() };
        program.write(&Line::Start {
            version: record::VERSION,
        });
        for (name, accumulates, uses) in kernels {
            let arguments = uses.iter().enumerate().map(|(index, u)| Argument {
                index,
                offset: 0,
                loads: u.contains('r'),
                stores: u.contains('w'),
                atomics: false,
                element: Some(4),
                escapes: false,
            });
            program.write(&Line::Kernel {
                kernel: (*name).into(),
                facts: Kernel {
                    accumulations: u64::from(*accumulates),
                    arguments: arguments.collect(),
                },
            });
        }
        program
    }

    fn write(&mut self, line: &Line) {
        self.text += &(serde_json::to_string(line).unwrap() + "\n");
    }

    /// The host writes a buffer.
    fn upload(&mut self, buffer: &str) {
        self.write(&Line::Write(Write {
            address: address(buffer),
            bytes: 64,
            from: None,
        }));
    }

    /// A launch on buffers, with a batch size.
    fn launch(&mut self, kernel: &str, buffers: &[&str], batch: u64) {
        let words = buffers.iter().enumerate().map(|(index, b)| Word {
            index,
            offset: 0,
            value: address(b),
            bytes: 8,
            // Sizes by the letter, so that they tell buffers apart.
            left: Some(4 * u64::from(b.as_bytes()[0])),
            start: Some(address(b)),
        });
        let mut words: Vec<_> = words.collect();
        words.push(Word {
            index: buffers.len(),
            offset: 0,
            value: batch,
            bytes: 4,
            left: None,
            start: None,
        });
        self.write(&Line::Launch(Launch {
            kernel: kernel.into(),
            grid: [u32::try_from(batch).unwrap().div_ceil(8), 1, 1],
            block: [32, 8, 1],
            shared: 0,
            words,
            thread_instructions: 256 * batch,
            seconds: 0.5,
        }));
    }

    fn found(&self) -> Layers {
        Layers::of(&Log::parse(&self.text).unwrap())
    }
}

/// Layer, phase and kernel of every launch of a cycle.
fn places(found: &Layers, cycle: usize) -> Vec<String> {
    found.cycles[cycle]
        .rows
        .iter()
        .map(|r| {
            let layer = r.layer.as_deref().unwrap_or("-");
            format!("{layer} {} {}", r.phase.map_or("-", |p| p.name()), r.kernel)
        })
        .collect()
}

const KERNELS: &[(&str, bool, &[&str])] = &[
    ("normalise", false, &["r", "w"]),
    ("dense", true, &["r", "r", "w"]),
    ("bias", false, &["rw", "r"]),
    ("tanh", false, &["r", "w"]),
    ("loss", true, &["r", "r", "w"]),
    ("dense_dw", true, &["r", "r", "w"]),
    ("dense_dx", true, &["r", "r", "w"]),
    ("bias_d", true, &["r", "w"]),
    ("tanh_d", false, &["r", "rw"]),
    ("zero", false, &["w"]),
    ("momentum", false, &["r", "rw"]),
    ("step", false, &["rw", "r"]),
    ("fill", false, &["w"]),
];

/// Two layers with their biases added by a kernel of their own, gradients set to zero first, and an update in two steps.
fn batch(p: &mut Program, size: u64) {
    p.upload("x");
    p.upload("t");
    for g in ["g", "h", "i", "j"] {
        p.launch("zero", &[g], 1);
    }
    p.launch("normalise", &["x", "n"], size);
    p.launch("dense", &["n", "A", "a"], size);
    p.launch("bias", &["a", "B"], size);
    p.launch("tanh", &["a", "b"], size);
    p.launch("dense", &["b", "C", "c"], size);
    p.launch("bias", &["c", "D"], size);
    p.launch("loss", &["c", "t", "d"], size);
    p.launch("dense_dw", &["b", "d", "i"], size);
    p.launch("bias_d", &["d", "j"], size);
    p.launch("dense_dx", &["d", "C", "e"], size);
    p.launch("tanh_d", &["b", "e"], size);
    p.launch("dense_dw", &["n", "e", "g"], size);
    p.launch("bias_d", &["e", "h"], size);
    for (w, g, m) in [("A", "g", "k"), ("B", "h", "l"), ("C", "i", "m"), ("D", "j", "o")] {
        p.launch("momentum", &[g, m], 1);
        p.launch("step", &[w, m], 1);
    }
}

#[test]
fn a_network_of_odd_parts_is_found() {
    let mut p = Program::new(KERNELS);
    for w in ["A", "B", "C", "D"] {
        p.launch("fill", &[w], 1);
    }
    for _ in 0..2 {
        for _ in 0..5 {
            batch(&mut p, 32);
        }
        batch(&mut p, 7);
    }
    let found = p.found();
    assert_eq!(found.cycles.len(), 1);
    assert_eq!((found.cycles[0].start, found.cycles[0].repeats), (4, 12));
    insta::assert_snapshot!(found.lines(true).join("\n"));
    let map = found.map();
    assert_eq!(map.layers(), ["input", "layer1", "layer2", "output"]);
}

#[test]
fn a_test_behind_the_training_has_the_same_layers() {
    let mut p = Program::new(KERNELS);
    for _ in 0..6 {
        batch(&mut p, 32);
    }
    for _ in 0..5 {
        p.upload("x");
        p.launch("normalise", &["x", "n"], 32);
        p.launch("dense", &["n", "A", "a"], 32);
        p.launch("bias", &["a", "B"], 32);
        p.launch("tanh", &["a", "b"], 32);
        p.launch("dense", &["b", "C", "c"], 32);
        p.launch("bias", &["c", "D"], 32);
    }
    let found = p.found();
    assert_eq!(found.cycles.len(), 2);
    assert_eq!(
        places(&found, 1),
        [
            "input forward normalise",
            "layer1 forward dense",
            "layer1 forward bias",
            "layer1 forward tanh",
            "layer2 forward dense",
            "layer2 forward bias"
        ]
    );
}

/// One batch and no more: the input is what the host wrote last.
#[test]
fn a_single_pass_still_has_layers() {
    let mut p = Program::new(KERNELS);
    for w in ["A", "C", "x"] {
        p.upload(w);
    }
    p.launch("dense", &["x", "A", "a"], 8);
    p.launch("tanh", &["a", "b"], 8);
    p.launch("dense", &["b", "C", "c"], 8);
    let found = p.found();
    assert_eq!(
        places(&found, 0),
        [
            "layer1 forward dense",
            "layer1 forward tanh",
            "layer2 forward dense"
        ]
    );
    assert!(found.lines(false)[0].contains("no repetition"), "{found:?}");
}

#[test]
fn batches_read_out_of_one_large_buffer_are_no_parameters() {
    let mut p = Program::new(KERNELS);
    for n in 0..6 {
        let x = format!("x{n}");
        p.launch("dense", &[&x, "A", "a"], 8);
        p.launch("tanh", &["a", "b"], 8);
    }
    let text = p.found().lines(false).join("\n");
    assert!(text.contains(" [120] w[65] >[97] 8"), "{text}");
}

#[test]
fn programs_that_are_no_networks_have_no_layers() {
    assert!(Layers::of(&Log::default()).cycles.is_empty());
    let mut p = Program::new(KERNELS);
    p.launch("fill", &["a"], 1);
    p.launch("tanh", &["a", "b"], 1);
    // A kernel of which nothing is known.
    p.launch("stranger", &["a", "b"], 1);
    assert_eq!(places(&p.found(), 0), ["- - fill", "- - tanh", "- - stranger"]);
}

#[test]
fn a_log_that_was_cut_off_is_read_and_a_broken_one_refused() {
    let mut p = Program::new(KERNELS);
    p.launch("fill", &["a"], 1);
    let cut = format!("{}{{\"event\": \"laun", p.text);
    assert_eq!(Log::parse(&cut).unwrap().launches.len(), 1);
    let broken = format!("nonsense\n{}", p.text);
    let error = Log::parse(&broken).unwrap_err().to_string();
    assert!(error.starts_with("line 1: "), "{error}");
}
