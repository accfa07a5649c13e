//! Holds whole kernels to a real GPU: every line of `hardware/forms.txt` is one instruction form (or a few
//! instructions), run over the operand sets of `hardware/inputs.bin`; the results must be those that an
//! H200 gave, bit for bit, or within the error bound of the PTX ISA for approximate functions.
//! `hardware/README.md` says how the results were recorded and what is left out, and why.

use exec::{Arena, Dim3, Engine, Launch, LaunchConfig, Memory, MemoryKind, Module, Numerics};

const TEMPLATE: &str = include_str!("hardware/template.ptx");
const FORMS: &str = include_str!("hardware/forms.txt");
const REFUSED: &str = include_str!("hardware/refused.txt");
const INPUTS: &[u8] = include_bytes!("hardware/inputs.bin");
const APPROXIMATE: &[u8] = include_bytes!("hardware/approximate.bin");

/// Bytes of one set: four operands of 64 bits.
const SET: usize = 32;
/// Threads of a block.
const BLOCK: usize = 128;
/// Of approximate functions, the results for every so many sets are on record.
const EVERY: usize = 12;

/// One line of `forms.txt`.
#[derive(Clone, Copy)]
struct Form<'a> {
    /// FNV-1a of the results, or `~`.
    digest: &'a str,
    /// The type whose NaN count as one because PTX leaves their bits open.
    open_nan: &'a str,
    /// Registers that hold the results.
    results: &'a str,
    /// Declarations for the module.
    outside: &'a str,
    /// Instructions.
    body: &'a str,
    /// Whether Vernier says that it cannot run this.
    refused: bool,
}

fn forms() -> impl Iterator<Item = Form<'static>> {
    FORMS.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (digest, open_nan, results, text) = (field(), field(), field(), field());
        let (outside, body) = text.split_once(" @@ ").unwrap_or(("", text));
        Form {
            digest,
            open_nan,
            results,
            outside,
            body,
            refused: REFUSED.lines().any(|r| r == text),
        }
    })
}

impl Form<'_> {
    /// The kernel: loads a thread's operands, executes the body, stores its results as 64-bit words.
    fn ptx(&self) -> String {
        let names: Vec<&str> = self.results.split(',').collect();
        let mut store = format!("mad.lo.u64 %d33, %d34, {}, %d31;\n", names.len() * 8);
        for (k, name) in names.iter().enumerate() {
            let widen = match &name[..2] {
                "%p" => format!("selp.u64 %d35, 1, 0, {name};"),
                "%h" => format!("cvt.u64.u16 %d35, {name};"),
                "%r" => format!("cvt.u64.u32 %d35, {name};"),
                _ => format!("mov.u64 %d35, {name};"),
            };
            store += &format!("{widen}\nst.global.u64 [%d33+{}], %d35;\n", 8 * k);
        }
        TEMPLATE
            .replace("OUTSIDE", self.outside)
            .replace("BODY", self.body)
            .replace("STORE", &store)
    }

    /// The results of all sets, set by set.
    fn run(&self, engine: &Engine, memory: &Memory) -> Result<Vec<u64>, String> {
        let tree = ptx::parse("form", &self.ptx()).map_err(|e| e.to_string())?;
        let tree = ptx::check(tree).map_err(|e| e.to_string())?;
        let module = Module::load(tree, memory).map_err(|e| e.to_string())?;
        let sets = INPUTS.len() / SET;
        let size = sets * 8 * self.results.split(',').count();
        // Operands, what the kernel may write to (a copy of them), results.
        let buffers = [INPUTS.len(), INPUTS.len(), size].map(|bytes| {
            let address = memory.allocate(bytes as u64, MemoryKind::Device);
            address.expect("device memory")
        });
        let [operands, scratch, results] = buffers;
        for address in [operands, scratch] {
            memory.write(address, INPUTS).map_err(|e| e.to_string())?;
        }
        let words = [operands, results, scratch, 0];
        let mut params: Vec<u8> = words.iter().flat_map(|p| p.to_le_bytes()).collect();
        params.extend((0..32u8).map(|k| k.wrapping_mul(37).wrapping_add(129)));
        let line = |n: usize| Dim3 {
            x: n as u32,
            y: 1,
            z: 1,
        };
        let config = LaunchConfig {
            grid: line(sets / BLOCK),
            block: line(BLOCK),
            dynamic_shared: 0,
            cooperative: false,
            random: exec::RandomSource::default(),
        };
        let numerics = Numerics {
            format: vfloat::Format::FP32,
            input: vfloat::Rounding::TowardZero,
        };
        let execution = engine
            .launch(memory, &module, &Launch::new("k", config, &params, numerics))
            .map_err(|e| e.to_string())?;
        let mut bytes = vec![0; size];
        memory.read(results, &mut bytes).map_err(|e| e.to_string())?;
        for address in buffers {
            memory.free(address).map_err(|e| e.to_string())?;
        }
        module.unload(memory);
        match execution.trap {
            Some(trap) => Err(trap.to_string()),
            None => Ok(words_of(&bytes)),
        }
    }

    /// A result word, NaN made one where PTX leaves its bits open.
    fn settled(&self, word: u64) -> u64 {
        let infinity = match self.open_nan {
            "d" => 0x7ff0_0000_0000_0000,
            "f" => 0x7f80_0000,
            "h" => 0x7c00,
            "b" => 0x7f80,
            _ => return word,
        };
        let magnitude_bits = u64::MAX >> (u64::leading_zeros(infinity));
        if word & magnitude_bits > infinity {
            u64::MAX
        } else {
            word
        }
    }
}

fn words_of(bytes: &[u8]) -> Vec<u64> {
    let words = bytes
        .chunks_exact(8)
        .map(|c| c.try_into().map(u64::from_le_bytes));
    words.map(Result::unwrap_or_default).collect()
}

/// FNV-1a over 64-bit words.
fn digest(words: impl Iterator<Item = u64>) -> String {
    let hash = words.fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
        (hash ^ word).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Splits the forms over the cores, and collects what `check` has to complain about.
fn all(approximate: bool, check: impl Fn(usize, Form, Vec<u64>) -> Option<String> + Sync) {
    let forms: Vec<(usize, Form)> = forms()
        .filter(|f| (f.digest == "~") == approximate)
        .enumerate()
        .collect();
    assert!(forms.len() >= if approximate { 30 } else { 3800 });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let complaints: Vec<String> = std::thread::scope(|scope| {
        let (forms, check) = (&forms, &check);
        let work = move |first: usize| {
            let (engine, memory) = (Engine::new(1), Memory::new(1 << 26).expect("address space"));
            let mine = forms.iter().skip(first).step_by(workers);
            mine.filter_map(|(n, form)| {
                let complaint = match form.run(&engine, &memory) {
                    Ok(_) if form.refused => Some("runs: strike it from refused.txt".into()),
                    Ok(results) => check(*n, *form, results),
                    Err(why) => (!form.refused).then_some(why),
                };
                complaint.map(|why| format!("{}: {why}", form.body))
            })
            .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..workers).map(|k| scope.spawn(move || work(k))).collect();
        let results = threads.into_iter().map(|t| t.join().expect("a worker"));
        results.collect::<Vec<_>>().concat()
    });
    let some = complaints.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(
        complaints.is_empty(),
        "{} forms differ:\n{some}",
        complaints.len()
    );
}

#[test]
fn results_are_those_of_an_h200() {
    all(false, |_, form, results| {
        let got = digest(results.iter().map(|w| form.settled(*w)));
        (got != form.digest).then(|| "other results than the GPU's".into())
    });
}

/// How far a GPU's result may lie from the function's value: relatively (of the larger of the two), and
/// absolutely. From the PTX ISA's section on each instruction, doubled because ours may be off by its share too;
/// the absolute part of functions without one is the smallest number of the type.
const BOUNDS: &[(&str, f64, f64)] = &[
    ("rcp.approx.ftz.f64", 1.0 / (1 << 19) as f64, 0.0),
    ("rsqrt.approx.ftz.f64", 1.0 / (1 << 19) as f64, 0.0),
    ("rsqrt.approx.f64", 1.0 / (1u64 << 50) as f64, 0.0),
    ("rcp.", 1.0 / (1 << 22) as f64, 3e-45),
    ("sqrt.", 1.0 / (1 << 22) as f64, 3e-45),
    ("rsqrt.", 1.0 / (1 << 22) as f64, 0.0),
    ("div.", 1.0 / (1 << 21) as f64, 6e-45),
    ("lg2.", 1.0 / (1 << 21) as f64, 1.0 / (1 << 21) as f64),
    ("sin.", 0.0, 1.0 / (1 << 19) as f64),
    ("cos.", 0.0, 1.0 / (1 << 19) as f64),
    ("ex2.approx.f16", 1.0 / 512.0, 1.2e-7),
    ("ex2.approx.ftz.bf16", 1.0 / 64.0, 0.0),
    ("ex2.", 1.0 / (1 << 21) as f64, 3e-45),
    ("tanh.approx.f16", 1.0 / 512.0, 1.0 / 1024.0),
    ("tanh.approx.bf16", 1.0 / 64.0, 0.0),
    ("tanh.", 1.0 / (1 << 10) as f64, 0.0),
];

/// The value of a result, or of one half of it.
fn value(ty: &str, bits: u64) -> f64 {
    match ty {
        "f64" => f64::from_bits(bits),
        "f32" => f32::from_bits(bits as u32).into(),
        "bf16" | "bf16x2" => f32::from_bits((bits as u32 & 0xffff) << 16).into(),
        _ => exec::scalar::half::f16_to_f32(bits as u16).into(),
    }
}

#[test]
fn approximations_are_as_near_as_the_isa_asks() {
    let recorded = words_of(APPROXIMATE);
    let inputs = words_of(INPUTS);
    let each = (INPUTS.len() / SET).div_ceil(EVERY);
    all(true, |n, form, results| {
        let mnemonic = form.body.split(' ').next().unwrap_or_default();
        let ty = mnemonic.rsplit('.').next().unwrap_or_default();
        let (_, relative, absolute) = BOUNDS.iter().find(|(start, ..)| mnemonic.starts_with(start))?;
        let gpu = &recorded[n * each..(n + 1) * each];
        let halves: &[u32] = if ty.ends_with("x2") { &[0, 16] } else { &[0] };
        for (set, (gpu, ours)) in gpu.iter().zip(results.iter().step_by(EVERY)).enumerate() {
            let operands = &inputs[set * EVERY * 4..][..2];
            // Beyond this, the ISA bounds nothing.
            let angle = f32::from_bits(operands[0] as u32).abs();
            if matches!(&mnemonic[..4], "sin." | "cos.") && angle > std::f32::consts::TAU {
                continue;
            }
            for at in halves {
                let (g, o) = (value(ty, gpu >> at), value(ty, ours >> at));
                let bound = absolute.max(relative * g.abs().max(o.abs()));
                if !(g == o || (g.is_nan() && o.is_nan()) || (g - o).abs() <= bound) {
                    return Some(format!("of {operands:x?} {o:e}, the GPU's is {g:e}"));
                }
            }
        }
        None
    });
}

/// R of a format that devices have is what they convert to: `.vf32` on the left, on the right what
/// `results_are_those_of_an_h200` pins.
#[test]
fn conversions_into_formats_are_those_of_the_gpu() {
    let tiny = |ty: &str| {
        format!(
            "cvt.rn.satfinite.{ty}x2.f32 %h9, %r1, %r0;\ncvt.rn.f16x2.{ty}x2 %r11, %h9;\n\
             mov.b32 {{%h10, %h11}}, %r11;\ncvt.f32.f16 %r10, %h10;"
        )
    };
    let half = |mode: &str, ty: &str| format!("cvt.{mode}.{ty}.f32 %h9, %r0;\ncvt.f32.{ty} %r10, %h9;");
    let cases = [
        ("rn.vf32::e4m3fn_sat", tiny("e4m3")),
        ("rn.vf32::e5m2_sat", tiny("e5m2")),
        ("rn.vf32::fp16", half("rn", "f16")),
        ("rz.vf32::fp16", half("rz", "f16")),
        ("rn.vf32::bf16", half("rn", "bf16")),
        ("rz.vf32::bf16", half("rz", "bf16")),
        ("rn.vf32::tf32", "cvt.rn.tf32.f32 %r10, %r0;".into()),
        ("rz.vf32::tf32", "cvt.rz.tf32.f32 %r10, %r0;".into()),
    ];
    let (engine, memory) = (Engine::new(1), Memory::new(1 << 26).expect("address space"));
    for (conversion, ordinary) in &cases {
        let form = Form {
            digest: "",
            open_nan: "f",
            results: "%r9,%r10",
            outside: "",
            body: &format!("cvt.{conversion}.f32 %r9, %r0;\n{ordinary}"),
            refused: false,
        };
        let results = form.run(&engine, &memory).unwrap_or_else(|e| panic!("{e}"));
        let inputs = words_of(INPUTS);
        for (pair, input) in results.chunks_exact(2).zip(inputs.chunks_exact(4)) {
            let (ours, gpu) = (form.settled(pair[0]), form.settled(pair[1]));
            assert_eq!(
                ours, gpu,
                "cvt.{conversion} of {:#010x}: {ours:#x}, the GPU's is {gpu:#x}",
                input[0] as u32
            );
        }
    }
}
