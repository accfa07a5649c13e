//! Formats that instructions name for themselves: several in one kernel, in functions inlined or not, in atomics, and
//! written by overrides into a variant of a module.

#[path = "reference/device.rs"]
mod device;

use device::Device;
use ptx::ast::Word;
use ptx::overrides::{Form, Rewrite, to_vf32};
use vfloat::reference::Arithmetic;
use vfloat::{Format, Rounding};

/// Every thread stores the results of `body` for x = 1 + tid * 0x1.357p-5 and y = x * 3: f10 and up, in the order of the
/// statements `OUT`.
fn kernel(functions: &str, body: &str, outputs: usize) -> String {
    let stores: String = (0..outputs)
        .map(|n| format!("st.global.f32 [%rd4+{}], %f1{n};\n", 4 * n))
        .collect();
    format!(
        "{functions}\n.visible .entry k(.param .u64 out)\n{{\n.reg .f32 %f<20>;\n.reg .b32 %r<9>;\n.reg .b64 %rd<9>;\n\
         .reg .pred %p<4>;\nld.param.u64 %rd1, [out];\nmov.u32 %r1, %tid.x;\ncvt.rn.f32.u32 %f1, %r1;\n\
         fma.rn.f32 %f1, %f1, 0f3D1AB800, 0f3F800000;\nmul.f32 %f2, %f1, 0f40400000;\n{body}\n\
         mul.wide.u32 %rd3, %r1, {};\nadd.s64 %rd4, %rd1, %rd3;\n{stores}ret;\n}}\n",
        4 * outputs
    )
}

/// x and y of a thread.
fn inputs(thread: u32) -> (f32, f32) {
    let x = (thread as f32).mul_add(f32::from_bits(0x3D1A_B800), 1.0);
    (x, x * 3.0)
}

fn arithmetic(format: Format, result: Rounding) -> Arithmetic {
    Arithmetic {
        result,
        ..Arithmetic::new(format)
    }
}

/// Runs a kernel of `threads` threads; the outputs of each.
fn run(device: &Device, threads: u32, outputs: usize) -> Vec<Vec<f32>> {
    run_in(device, threads, outputs, u64::from(threads) * 4 * outputs as u64)
}

/// The same with a buffer of that many bytes.
fn run_in(device: &Device, threads: u32, outputs: usize, bytes: u64) -> Vec<Vec<f32>> {
    let out = device.buffer(bytes);
    let e = device.launch(1, threads, &[out]);
    assert!(e.trap.is_none(), "{:?}", e.trap);
    let bytes = device.bytes(out, threads as usize * 4 * outputs);
    let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let values: Vec<f32> = bytes.chunks_exact(4).map(word).collect();
    values.chunks_exact(outputs).map(<[f32]>::to_vec).collect()
}

const RN: Rounding = Rounding::NearestEven;

#[test]
fn one_kernel_computes_in_several_formats() {
    let body = "fma.rn.vf32::e5m2 %f10, %f1, %f2, %f1;\nfma.rn.vf32::bf16 %f11, %f1, %f2, %f1;\n\
                fma.rn.vf32 %f12, %f1, %f2, %f1;\nmul.rz.vf32::e4m3 %f13, %f1, %f2;\nadd.bf16 %f14, %f1, %f2;\n\
                fmam.rn.vf32::e5m2::fp32 %f15, %f1, %f2, %f1;\ndiv.rp.vf32::e3m4 %f16, %f1, %f2;";
    let mut device = Device::new(&kernel("", body, 7), 1);
    for launch in [Format::FP16, Format::E4M3] {
        device.numerics.format = launch;
        for (thread, got) in run(&device, 64, 7).iter().enumerate() {
            let (x, y) = inputs(thread as u32);
            let want = [
                arithmetic(Format::E5M2, RN).fma(x, y, x),
                arithmetic(Format::BF16, RN).fma(x, y, x),
                arithmetic(launch, RN).fma(x, y, x),
                arithmetic(Format::E4M3, Rounding::TowardZero).mul(x, y),
                arithmetic(Format::BF16, RN).add(x, y),
                arithmetic(Format::E5M2, RN).fmam(x, y, x),
                arithmetic("e3m4".parse().expect("a format"), Rounding::TowardPositive).div(x, y),
            ];
            assert_eq!(*got, want.map(|o| o.value), "thread {thread}");
        }
    }
}

/// A function that is inlined, and one that is not, because it calls itself (once).
const FUNCTIONS: &str = "
.func (.param .f32 r) narrow(.param .f32 a)
{
	.reg .f32 %f<4>;
	ld.param.f32 %f1, [a];
	mul.vf32::e4m3 %f2, %f1, %f1;
	st.param.f32 [r], %f2;
	ret;
}
.func (.param .f32 r) again(.param .f32 a, .param .b32 n)
{
	.reg .f32 %f<4>;
	.reg .b32 %r<4>;
	.reg .pred %p<2>;
	ld.param.f32 %f1, [a];
	ld.param.b32 %r1, [n];
	add.vf32::e5m2 %f1, %f1, 0f3F800000;
	mul.vf32::bf16 %f1, %f1, %f1;
	setp.eq.s32 %p1, %r1, 0;
	@%p1 bra $DONE;
	sub.s32 %r1, %r1, 1;
	{
	.param .f32 p0;
	st.param.f32 [p0], %f1;
	.param .b32 p1;
	st.param.b32 [p1], %r1;
	.param .f32 q;
	call (q), again, (p0, p1);
	ld.param.f32 %f1, [q];
	}
$DONE:
	st.param.f32 [r], %f1;
	ret;
}
";

#[test]
fn functions_keep_their_formats() {
    let body = "{\n.param .f32 p0;\nst.param.f32 [p0], %f1;\n.param .f32 q;\ncall (q), narrow, (p0);\nld.param.f32 %f10, [q];\n}\n\
                {\n.param .f32 p0;\nst.param.f32 [p0], %f1;\n.param .b32 p1;\nst.param.b32 [p1], 1;\n.param .f32 q;\n\
                call (q), again, (p0, p1);\nld.param.f32 %f11, [q];\n}";
    let device = Device::new(&kernel(FUNCTIONS, body, 2), 1);
    for (thread, got) in run(&device, 33, 2).iter().enumerate() {
        let (x, _) = inputs(thread as u32);
        let once = |x: f32| {
            let sum = arithmetic(Format::E5M2, RN).add(x, 1.0).value;
            arithmetic(Format::BF16, RN).mul(sum, sum).value
        };
        let want = [arithmetic(Format::E4M3, RN).mul(x, x).value, once(once(x))];
        assert_eq!(*got, want, "thread {thread}");
    }
}

#[test]
fn atomics_name_format_and_rounding() {
    let body = "atom.global.add.rz.vf32::e5m2 %f10, [%rd1], %f2;\nred.global.add.vf32::e4m3 [%rd1], %f1;\nmov.f32 %f10, 0f00000000;";
    // Output 0 of thread 0 lies where the sum is; only one thread, so the store comes last: look at two words.
    let text = kernel("", body, 1).replace("st.global.f32 [%rd4+0], %f10", "st.global.f32 [%rd4+4], %f10");
    let device = Device::new(&text, 1);
    let out = device.buffer(64);
    assert!(device.launch(1, 1, &[out]).trap.is_none());
    let sum = arithmetic(Format::E5M2, Rounding::TowardZero).add(0.0, 3.0).value;
    let want = arithmetic(Format::E4M3, RN).add(sum, 1.0).value;
    assert_eq!(device.bytes(out, 4), want.to_le_bytes());
}

#[test]
fn a_variant_runs_other_instructions_on_the_same_variables() {
    let text = kernel(
        ".global .align 4 .f32 total;",
        "fma.rn.f32 %f10, %f1, %f2, %f1;\nadd.f32 %f11, %f1, %f2;\nld.global.f32 %f12, [total];\n\
         add.f32 %f12, %f12, 0f3F800000;\nst.global.f32 [total], %f12;",
        3,
    );
    let mut device = Device::new(&text, 1);
    let plain = run(&device, 1, 3);
    device.rewrite(|tree| {
        to_vf32(tree, &mut |site| {
            // The fma that makes x stays as it is.
            (site.ordinal > 4).then(|| Rewrite {
                format: Word::new("e5m2"),
                ..Form::Vf32.into()
            })
        });
    });
    let narrow = run(&device, 1, 3);
    let (x, y) = inputs(0);
    let e5m2 = arithmetic(Format::E5M2, RN);
    assert_eq!(plain[0], [x.mul_add(y, x), x + y, 1.0]);
    assert_eq!(narrow[0], [e5m2.fma(x, y, x).value, e5m2.add(x, y).value, 2.0]);
}

#[test]
fn a_name_that_is_no_format_is_an_error_with_its_place() {
    let text = kernel("", "add.vf32::e9m3 %f10, %f1, %f2;", 1);
    let ptx = ptx::parse(
        "bad.ptx",
        &format!(".version 8.0\n.target sm_80\n.address_size 64\n{text}"),
    )
    .expect("it parses");
    let message = exec::numerics::check(&ptx)
        .expect_err("no such format")
        .to_string();
    assert!(
        message.contains("`e9m3` makes no sense: ") && message.contains("bad.ptx:16:11"),
        "{message}"
    );
}

/// Early override files write `.vf32` and `.bf16` on f32 registers everywhere: what moves bits moves them, what compares
/// or converts does so in the format.
#[test]
fn early_files_move_bits_and_convert() {
    let negative = -1e-3f32;
    let (fine, third) = (f32::from_bits(0x3F80_1235), 1.0f32 / 3.0);
    let constants = format!(
        "mov.vf32 %f3, 0f{:08X};\nmov.bf16 %f4, 0f{:08X};\nmov.b32 %f5, 0f{:08X};\nmov.u32 %r2, -7;\n",
        fine.to_bits(),
        third.to_bits(),
        negative.to_bits()
    );
    // The format has no value between 0 and 2^-6: T(%f5) is -0, which is not below 0.
    let launch: Format = "p3_n5_4".parse().expect("a format");
    let bf16 = Arithmetic::new(Format::BF16);
    let cut = |x: f32| bf16.truncate(x).value;
    let cases: &[(&str, f32)] = &[
        ("mov.vf32 %f10, %f3;", fine),
        ("mov.bf16 %f10, %f3;", fine),
        ("mov.vf32 %f10, 1.5;", 1.5),
        ("setp.eq.u32 %p1, %r2, -7;\nselp.vf32 %f10, %f3, %f4, %p1;", fine),
        ("setp.eq.u32 %p1, %r2, 7;\nselp.bf16 %f10, %f3, %f4, %p1;", third),
        (
            "setp.eq.u32 %p1, %r2, 7;\nselp.vf32 %f10, %f3, 0f7F800000, %p1;",
            f32::INFINITY,
        ),
        (
            "st.global.vf32 [%rd1+2048], %f3;\nld.global.vf32 %f10, [%rd1+2048];",
            fine,
        ),
        (
            "st.global.bf16 [%rd1+2048], %f3;\nldu.global.vf32 %f10, [%rd1+2048];",
            fine,
        ),
        (
            "st.global.f32 [%rd1+2048], %f3;\nld.global.bf16 %f10, [%rd1+2048];",
            fine,
        ),
        (
            "st.global.v2.vf32 [%rd1+2048], {%f4, %f3};\nld.global.v2.bf16 {%f6, %f10}, [%rd1+2048];",
            fine,
        ),
        ("slct.vf32.s32 %f10, %f3, %f4, %r2;", third),
        ("slct.vf32.f32 %f10, %f3, %f4, %f5;", third),
        ("slct.vf32.vf32 %f10, %f3, %f4, %f5;", fine),
        ("slct.f32.vf32 %f10, %f3, %f4, %f5;", fine),
        ("slct.bf16.bf16 %f10, %f3, %f4, %f5;", third),
        ("slct.bf16.s32 %f10, %f3, %f4, 0;", fine),
        ("set.lt.vf32.s32 %f10, %r2, 3;", 1.0),
        ("set.lt.vf32.f32 %f10, %f5, 0f00000000;", 1.0),
        ("set.lt.f32.vf32 %f10, %f5, 0f00000000;", 0.0),
        ("set.lt.bf16.bf16 %f10, %f5, 0f00000000;", 1.0),
        ("set.gt.bf16.bf16 %f10, %f3, 0f3F800000;", 0.0),
        ("cvt.rn.bf16.f32 %f10, %f4;", bf16.quantize(third).value),
        ("cvt.rz.bf16.f64 %f10, 0d3FD5555555555555;", 0.33203125),
        ("cvt.rzi.bf16.bf16 %f6, 0f43809999;\nmov.f32 %f10, %f6;", 256.0),
        ("cvt.rn.bf16.s32 %f10, -1027;", -1024.0),
        ("cvt.f32.bf16 %f10, %f4;", cut(third)),
        (
            "cvt.rzi.s32.bf16 %r3, 0f43809999;\ncvt.rn.f32.s32 %f10, %r3;",
            256.0,
        ),
        ("cvt.rn.vf32.s32 %f10, %r2;", -7.0),
    ];
    for (body, want) in cases {
        let mut device = Device::new(&kernel("", &format!("{constants}{body}"), 1), 1);
        device.numerics.format = launch;
        assert_eq!(
            run_in(&device, 1, 1, 4096)[0][0].to_bits(),
            want.to_bits(),
            "{body}"
        );
    }
}
