//! A function that nvcc expanded is one operation under an override: its inside is computed as compiled, its result is
//! rounded once into the format.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use exec::Arena;
use ptx::ast::{Module, Word};
use ptx::flow::Part;
use ptx::overrides::{Form, Rewrite, to_vf32};
use std::path::Path;
use vfloat::Format;
use vfloat::reference::Arithmetic;

const THREADS: usize = 32;

/// What `--format` does: expansions as one operation, everything else in the format.
fn narrow(module: &mut Module, format: &str) {
    to_vf32(module, &mut |site| {
        let form = match site.part {
            Some(Part::Inside) => return None,
            Some(Part::Result) => Form::Into,
            Some(Part::Fused) | None => Form::Vf32,
        };
        Some(Rewrite {
            format: Word::new(format),
            wide: site.part == Some(Part::Fused),
            ..form.into()
        })
    });
}

/// One kernel of an edition of `ptx/tests/flow/expansions.cu`, as kernel `k`.
fn text(edition: &str, kernel: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ptx/tests/flow");
    let file = folder.join(format!("expansions.{edition}.ptx"));
    let text = std::fs::read_to_string(file).expect("the file");
    let body = text.split_once(".address_size 64").expect("a header").1;
    body.replace(&format!(".entry {kernel}("), ".entry k(")
}

fn run(device: &Device, x: &[f32], y: &[f32]) -> Vec<f32> {
    let fill = |values: &[f32]| {
        let at = device.buffer(4 * THREADS as u64);
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        device.memory.write(at, &bytes).expect("the buffer");
        at
    };
    let out = device.buffer(8 * THREADS as u64);
    let e = device.launch(1, THREADS as u32, &[out, fill(x), fill(y)]);
    assert!(e.trap.is_none(), "{:?}", e.trap);
    let bytes = device.bytes(out, 8 * THREADS);
    let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    bytes.chunks_exact(4).map(word).collect()
}

/// Arguments: small and large ones of both signs, one that takes the slow path of sines.
fn arguments() -> (Vec<f32>, Vec<f32>) {
    let mut x = vec![6.0, 0.0, 1.0, -1.0, 0.5, 2.0, 123456.0, -0.0625, 80.0, 3.0];
    while x.len() < THREADS {
        let n = x.len() as f32;
        x.push((n - 20.0) * 0.171875 + 0.01);
    }
    let y = (0..THREADS).map(|n| (n as f32 - 12.0) * 0.75).collect();
    (x, y)
}

const EDITIONS: &[&str] = &["cuda11.sm_75", "cuda12.sm_75", "cuda13.sm_75", "cuda13.sm_100"];

#[test]
fn the_result_is_that_of_the_compiled_function_rounded_once() {
    let functions = [
        "expf", "exp10f", "expm1f", "logf", "log2f", "log10f", "log1pf", "powf", "sinf", "cosf", "sincosf",
        "tanf", "sinhf", "coshf", "tanhf", "asinf", "acosf", "atanf", "erff", "erfcf", "normcdff", "sinpif",
        "cospif", "roundf",
    ];
    let (x, y) = arguments();
    for edition in EDITIONS {
        for function in functions {
            let mut device = Device::new(&text(edition, &format!("f_{function}")), 1);
            let plain = run(&device, &x, &y);
            for name in ["e4m3fn", "e5m2", "bf16"] {
                let format: Format = name.parse().expect("a format");
                device.rewrite(|tree| narrow(tree, name));
                for (n, (got, plain)) in run(&device, &x, &y).iter().zip(&plain).enumerate() {
                    let want = Arithmetic::new(format).quantize(*plain).value;
                    let x = x[n % THREADS];
                    // What is no number is made by copies.
                    if plain.is_finite() {
                        let same = got.to_bits() == want.to_bits() || (*got == 0.0 && want == 0.0);
                        assert!(
                            same,
                            "{edition} {function}({x}) in {name}: {got} is not {want}, from {plain}"
                        );
                    }
                }
                device = Device::new(&text(edition, &format!("f_{function}")), 1);
            }
        }
    }
}

#[test]
fn a_sum_that_was_fused_with_a_function_is_a_sum_of_its_result() {
    let k = Arithmetic::new(Format::E4M3);
    let (x, y) = arguments();
    // In the format: some editions have an instruction that changes the sign, and it is the program's.
    let x: Vec<f32> = x.iter().map(|x| k.truncate(*x).value).collect();
    for edition in EDITIONS {
        let negated: Vec<f32> = x.iter().map(|x| -x).collect();
        let exponential = run(&Device::new(&text(edition, "f_expf"), 1), &negated, &y);
        let mut device = Device::new(&text(edition, "f_sigmoid"), 1);
        device.rewrite(|tree| narrow(tree, "e4m3"));
        for (n, got) in run(&device, &x, &y).iter().take(THREADS).enumerate() {
            let e = k.quantize(exponential[n]).value;
            let want = k.rcp(k.add(e, 1.0).value).value;
            assert_eq!(
                got.to_bits(),
                want.to_bits(),
                "{edition} sigmoid({}): {got}, not {want}",
                x[n]
            );
        }
    }
}

#[test]
fn results_are_rounded_and_factors_stay_wide() {
    let e4m3fn = Arithmetic::new("e4m3fn".parse().expect("a format"));
    let third = 1.0f32 / 3.0;
    let cases: &[(&str, f32)] = &[
        ("mul.f32.into::e4m3fn %f9, 0f43C9B6E3, 0f3F800000;", 416.0),
        ("mul.f32.into::e4m3fn::rz %f9, 0f43C9B6E3, 0f3F800000;", 384.0),
        ("mul.f32.into %f9, 0f43C9B6E3, 0f3F800000;", 404.0),
        (
            "mov.f32.into::e4m3fn %f9, 0f3EAAAAAB;",
            e4m3fn.quantize(third).value,
        ),
        (
            "selp.f32.into::e4m3fn %f9, 0f3EAAAAAB, 0f00000000, %p1;",
            e4m3fn.quantize(third).value,
        ),
        ("cvt.rzi.f32.f32.into::e4m3fn %f9, 0f41A8CCCD;", 20.0),
        // The factors have bits, and exponents, that the format has not.
        (
            "fma.rn.wide.vf32::e4m3fn %f9, 0f44000000, 0f3F49DB23, 0f41800000;",
            448.0,
        ),
        (
            "fmam.rn.wide.vf32::e4m3fn %f9, 0f44000000, 0f3F49DB23, 0f3F800001;",
            417.0,
        ),
        (
            "fma.rn.vf32::e4m3fn %f9, 0f44000000, 0f3F49DB23, 0f41800000;",
            320.0,
        ),
    ];
    for (body, want) in cases {
        let text = format!(
            ".visible .entry k(.param .u64 out)\n{{\n.reg .f32 %f<10>;\n.reg .b64 %rd<3>;\n.reg .pred %p<2>;\n\
             ld.param.u64 %rd1, [out];\nsetp.eq.u64 %p1, %rd1, %rd1;\n{body}\nst.global.f32 [%rd1], %f9;\n\
             st.global.f32.into::e5m2 [%rd1+4], %f9;\nret;\n}}\n"
        );
        let mut device = Device::new(&text, 1);
        device.numerics.format = Format::BF16;
        let out = device.buffer(8);
        assert!(device.launch(1, 1, &[out]).trap.is_none());
        let bytes = device.bytes(out, 8);
        let word = |n: usize| f32::from_le_bytes([bytes[n], bytes[n + 1], bytes[n + 2], bytes[n + 3]]);
        assert_eq!(word(0), *want, "{body}");
        assert_eq!(
            word(4),
            Arithmetic::new(Format::E5M2).quantize(*want).value,
            "{body}"
        );
    }
}
