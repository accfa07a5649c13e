//! Results worked out by hand from the definitions in the PTX ISA.

use super::{Random, run};

/// Checks `(mnemonic, operands, result)`.
fn check(vectors: &[(&str, &[u64], u64)]) {
    for (mnemonic, operands, expected) in vectors {
        let got = run(mnemonic, operands);
        assert_eq!(
            got, *expected,
            "{mnemonic} {operands:x?}: {got:#x}, expected {expected:#x}"
        );
    }
}

/// Bits of an `f32` and an `f64`.
fn f(x: f32) -> u64 {
    x.to_bits().into()
}
fn d(x: f64) -> u64 {
    x.to_bits()
}
/// Two's complement in 16 and 32 bits.
fn h(x: i16) -> u64 {
    x as u16 as u64
}
fn w(x: i32) -> u64 {
    x as u32 as u64
}
fn l(x: i64) -> u64 {
    x as u64
}

const ALL: u64 = u64::MAX;
const NAN: u64 = 0x7fff_ffff;
const INF: u64 = 0x7f80_0000;
const MINUS: u64 = 0x8000_0000;

#[test]
fn integer_arithmetic() {
    check(&[
        ("add.u16", &[0xffff, 2], 1),
        ("add.s32", &[w(i32::MAX), 1], MINUS),
        ("add.sat.s32", &[w(i32::MAX), 1], 0x7fff_ffff),
        ("add.sat.s32", &[MINUS, w(-1)], MINUS),
        ("add.u64", &[ALL, 1], 0),
        ("add.u16x2", &[0x0001_ffff, 0x0002_0001], 0x0003_0000),
        ("add.s16x2", &[0xffff_7fff, 0x0001_0001], 0x0000_8000),
        ("sub.u32", &[0, 1], 0xffff_ffff),
        ("sub.sat.s32", &[MINUS, 1], MINUS),
        ("sub.s64", &[0, 1], ALL),
        ("mul.lo.u16", &[0xffff, 0xffff], 1),
        ("mul.hi.u16", &[0xffff, 0xffff], 0xfffe),
        ("mul.hi.s16", &[h(-1), h(1)], 0xffff),
        ("mul.wide.u16", &[0xffff, 0xffff], 0xfffe_0001),
        ("mul.wide.s16", &[h(-2), 3], w(-6)),
        ("mul.lo.s32", &[w(-3), 5], w(-15)),
        ("mul.hi.u32", &[0xffff_ffff, 0xffff_ffff], 0xffff_fffe),
        ("mul.hi.s32", &[MINUS, MINUS], 0x4000_0000),
        ("mul.wide.u32", &[0xffff_ffff, 0xffff_ffff], 0xffff_fffe_0000_0001),
        ("mul.wide.s32", &[w(-2), 3], l(-6)),
        ("mul.hi.u64", &[ALL, ALL], ALL - 1),
        ("mul.hi.s64", &[l(-1), l(-1)], 0),
        ("mul.hi.s64", &[l(i64::MIN), 2], ALL),
        ("mul.lo.u64", &[ALL, ALL], 1),
        ("mad.lo.s32", &[w(-3), 5, 20], 5),
        ("mad.hi.u32", &[0x8000_0000, 4, 7], 9),
        (
            "mad.hi.sat.s32",
            &[0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff],
            0x7fff_ffff,
        ),
        ("mad.wide.s32", &[w(-2), 3, 10], 4),
        ("mad.wide.u16", &[0xffff, 0xffff, 0xffff_ffff], 0xfffe_0000),
        (
            "mad.wide.u32",
            &[0xffff_ffff, 0xffff_ffff, ALL],
            0xffff_fffe_0000_0000,
        ),
        ("mad.lo.u64", &[ALL, ALL, 1], 2),
        ("mul24.lo.u32", &[0xff00_0002, 0x0100_0003], 6),
        ("mul24.lo.s32", &[0x00ff_ffff, 5], w(-5)),
        ("mul24.hi.u32", &[0x00ff_ffff, 0x00ff_ffff], 0xffff_fe00),
        ("mul24.hi.s32", &[0x00ff_ffff, 5], 0xffff_ffff),
        ("mad24.lo.s32", &[0x00ff_ffff, 5, 7], 2),
        ("mad24.hi.u32", &[0x0001_0000, 0x0001_0000, 5], 0x1_0005),
        (
            "mad24.hi.sat.s32",
            &[0x007f_ffff, 0x007f_ffff, 0x7fff_ffff],
            0x7fff_ffff,
        ),
        ("sad.u32", &[3, 10, 100], 107),
        ("sad.s32", &[w(-3), 10, 100], 113),
        ("sad.u16", &[0, 0xffff, 1], 0),
        ("div.u32", &[7, 0], 0xffff_ffff),
        ("div.s32", &[7, 0], 0xffff_ffff),
        ("div.s32", &[w(-7), 2], w(-3)),
        ("div.s32", &[MINUS, w(-1)], MINUS),
        ("div.u64", &[7, 0], ALL),
        ("div.s64", &[l(i64::MIN), ALL], l(i64::MIN)),
        ("rem.u32", &[7, 0], 0xffff_ffff),
        ("rem.s16", &[7, 0], 0xffff),
        ("rem.s32", &[w(-7), 2], w(-1)),
        ("rem.s32", &[MINUS, w(-1)], 0),
        ("rem.u16", &[0xffff, 10], 5),
        ("abs.s32", &[MINUS], MINUS),
        ("abs.s16", &[h(-5)], 5),
        ("neg.s32", &[1], 0xffff_ffff),
        ("neg.s64", &[l(i64::MIN)], l(i64::MIN)),
        ("min.s32", &[w(-1), 1], w(-1)),
        ("min.u32", &[w(-1), 1], 1),
        ("max.s64", &[ALL, 1], 1),
        ("max.u16", &[0xffff, 1], 0xffff),
        ("max.relu.s32", &[w(-1), w(-2)], 0),
        ("min.relu.s32", &[3, 2], 2),
        ("min.s16x2", &[0x8000_0001, 0x7fff_0002], 0x8000_0001),
        ("max.u16x2", &[0x8000_0001, 0x7fff_0002], 0x8000_0002),
        ("max.relu.s16x2", &[0x8000_0001, 0xffff_0002], 2),
        ("dp4a.u32.u32", &[0x0102_0304, 0x0101_0101, 5], 15),
        ("dp4a.s32.s32", &[0xff00_0001, 0x0500_0002, 0], w(-3)),
        ("dp4a.s32.u32", &[0xff00_0000, 0xff00_0000, 0], w(-255)),
        ("dp4a.u32.s32", &[0xff00_0000, 0xff00_0000, 0], w(-255)),
        ("dp2a.lo.u32.u32", &[0x0002_0003, 0x0909_0504, 1], 23),
        ("dp2a.hi.u32.u32", &[0x0002_0003, 0x0504_0909, 1], 23),
        ("dp2a.lo.s32.s32", &[0xffff_0001, 0x0000_02ff, 0], w(-3)),
        // Operand bits above the type mean nothing.
        ("add.u16", &[0xabcd_0001, 2], 3),
        ("max.s16", &[0xabcd_ffff, 0], 0),
    ]);
}

#[test]
fn bits_and_bytes() {
    check(&[
        ("and.b32", &[0xff00_ff00, 0x0ff0_0ff0], 0x0f00_0f00),
        ("or.b16", &[0xf0, 0x0f], 0xff),
        ("xor.b64", &[ALL, 1], ALL - 1),
        ("xor.pred", &[1, 1], 0),
        ("not.b16", &[1], 0xfffe),
        ("not.b64", &[0], ALL),
        ("not.pred", &[1], 0),
        ("cnot.b32", &[0], 1),
        ("cnot.b32", &[5], 0),
        ("cnot.b16", &[0x1_0000], 1),
        (
            "lop3.b32",
            &[0xf0f0_f0f0, 0xcccc_cccc, 0xaaaa_aaaa, 0x80],
            0x8080_8080,
        ),
        ("lop3.b32", &[0xf0, 0xcc, 0xaa, 0xfe], 0xfe),
        ("lop3.b32", &[0xf0, 0xcc, 0xaa, 0x1a], 0x1a),
        ("lop3.b32", &[0, 0, 0, 1], 0xffff_ffff),
        ("shl.b32", &[1, 31], MINUS),
        ("shl.b32", &[1, 32], 0),
        ("shl.b32", &[1, 0xffff_ffff], 0),
        ("shl.b16", &[0x8001, 1], 2),
        ("shl.b16", &[1, 16], 0),
        ("shl.b64", &[1, 63], 1 << 63),
        ("shl.b64", &[1, 64], 0),
        ("shr.u32", &[MINUS, 31], 1),
        ("shr.u32", &[MINUS, 32], 0),
        ("shr.b32", &[MINUS, 1], 0x4000_0000),
        ("shr.s32", &[MINUS, 31], 0xffff_ffff),
        ("shr.s32", &[MINUS, 100], 0xffff_ffff),
        ("shr.s32", &[0x4000_0000, 100], 0),
        ("shr.s16", &[0x8000, 4], 0xf800),
        ("shr.s16", &[0x8000, 16], 0xffff),
        ("shr.u16", &[0x8000, 15], 1),
        ("shr.u64", &[ALL, 63], 1),
        ("shr.u64", &[ALL, 64], 0),
        ("shr.s64", &[1 << 63, 64], ALL),
        ("shf.l.clamp.b32", &[0x8000_0001, 0x0000_0002, 1], 5),
        ("shf.l.clamp.b32", &[0x1234_5678, 7, 40], 0x1234_5678),
        ("shf.l.wrap.b32", &[0x8000_0000, 0, 33], 1),
        ("shf.r.clamp.b32", &[2, 1, 1], 0x8000_0001),
        ("shf.r.clamp.b32", &[2, 0x1234_5678, 99], 0x1234_5678),
        ("shf.r.wrap.b32", &[2, 1, 32], 2),
        ("bfe.u32", &[0xabcd_1234, 8, 8], 0x12),
        ("bfe.s32", &[0x0000_ff00, 8, 8], 0xffff_ffff),
        ("bfe.s32", &[0x8000_0000, 28, 10], 0xffff_fff8),
        ("bfe.u32", &[0xffff_ffff, 28, 10], 0xf),
        ("bfe.s32", &[0x8000_0000, 40, 4], 0xffff_ffff),
        ("bfe.u32", &[0xffff_ffff, 0, 0], 0),
        ("bfe.u32", &[0xffff_ffff, 0x100, 0x104], 0xf),
        ("bfe.u64", &[ALL, 60, 255], 0xf),
        ("bfe.s64", &[1 << 40, 40, 1], ALL),
        ("bfi.b32", &[0xff, 0, 8, 4], 0xf00),
        ("bfi.b32", &[0, 0xffff_ffff, 28, 10], 0x0fff_ffff),
        ("bfi.b32", &[0xff, 0x55, 33, 4], 0x55),
        ("bfi.b32", &[0xff, 0x55, 3, 0], 0x55),
        ("bfi.b64", &[ALL, 0, 60, 200], 0xf << 60),
        ("bfi.b64", &[7, ALL, 0, 64], 7),
        ("popc.b32", &[0xf0f0_f0f0], 16),
        ("popc.b64", &[ALL], 64),
        ("clz.b32", &[0], 32),
        ("clz.b64", &[1], 63),
        ("brev.b32", &[1], MINUS),
        ("brev.b64", &[2], 1 << 62),
        ("bfind.u32", &[0], 0xffff_ffff),
        ("bfind.u32", &[0x8000_0000], 31),
        ("bfind.s32", &[0xffff_ffff], 0xffff_ffff),
        ("bfind.s32", &[w(-5)], 2),
        ("bfind.shiftamt.u32", &[1], 31),
        ("bfind.shiftamt.u32", &[0], 0xffff_ffff),
        ("bfind.shiftamt.s32", &[w(-5)], 29),
        ("bfind.u64", &[1 << 40], 40),
        ("bfind.shiftamt.s64", &[1 << 40], 23),
        ("bmsk.clamp.b32", &[4, 8], 0xff0),
        ("bmsk.clamp.b32", &[32, 8], 0),
        ("bmsk.clamp.b32", &[4, 40], 0xffff_fff0),
        ("bmsk.wrap.b32", &[36, 8], 0xff0),
        ("bmsk.wrap.b32", &[4, 32], 0),
        ("bmsk.clamp.b32", &[28, 8], 0xf000_0000),
        ("szext.clamp.s32", &[0xff, 8], 0xffff_ffff),
        ("szext.clamp.u32", &[0xabcd, 8], 0xcd),
        ("szext.clamp.s32", &[0xff, 32], 0xff),
        ("szext.wrap.s32", &[0xff, 40], 0xffff_ffff),
        ("szext.wrap.u32", &[0xff, 32], 0),
        ("fns.b32", &[0b1011_0100, 2, 0], 2),
        ("fns.b32", &[0b1011_0100, 3, 0], 0xffff_ffff),
        ("fns.b32", &[0b1011_0100, 3, 2], 5),
        ("fns.b32", &[0b1011_0100, 2, 1], 2),
        ("fns.b32", &[0b1011_0100, 5, w(-3)], 2),
        ("fns.b32", &[0b1011_0100, 5, w(-4)], 0xffff_ffff),
        ("fns.b32", &[ALL, 32, 1], 0xffff_ffff),
        ("fns.b32", &[ALL, 0xffff_ffff, w(-1)], 0xffff_ffff),
        ("fns.b32", &[ALL, 0, MINUS], 0xffff_ffff),
        ("prmt.b32", &[0x3322_1100, 0x7766_5544, 0x7531], 0x7755_3311),
        ("prmt.b32", &[0x0000_0080, 0, 0x4048], 0x0080_00ff),
        ("prmt.b32", &[0x8000_0001, 0, 0x3b08], 0x80ff_0100),
        ("prmt.b32.f4e", &[0x3322_1100, 0x7766_5544, 1], 0x4433_2211),
        ("prmt.b32.f4e", &[0x3322_1100, 0x7766_5544, 3], 0x6655_4433),
        ("prmt.b32.b4e", &[0x3322_1100, 0x7766_5544, 0], 0x5566_7700),
        ("prmt.b32.b4e", &[0x3322_1100, 0x7766_5544, 3], 0x0011_2233),
        ("prmt.b32.rc8", &[0x3322_1100, 0, 2], 0x2222_2222),
        ("prmt.b32.rc16", &[0x3322_1100, 0, 1], 0x3322_3322),
        ("prmt.b32.ecl", &[0x3322_1100, 0, 2], 0x3322_2222),
        ("prmt.b32.ecr", &[0x3322_1100, 0, 1], 0x1111_1100),
        ("mov.b32", &[0x1234], 0x1234),
        ("mov.f64", &[ALL], ALL),
        ("slct.u32.s32", &[1, 2, 0], 1),
        ("slct.u32.s32", &[1, 2, w(-1)], 2),
        ("slct.b64.f32", &[1, 2, MINUS], 1),
        ("slct.f32.f32", &[1, 2, NAN], 2),
        ("slct.f32.f32", &[1, 2, MINUS | 1], 2),
        ("slct.ftz.f32.f32", &[1, 2, MINUS | 1], 1),
    ]);
}

/// The bit-field instructions, bit by bit as the ISA writes them.
#[test]
fn bit_fields_follow_the_definition() {
    let mut random = Random(1);
    for _ in 0..20_000 {
        let (a, b) = (random.bits(), random.bits());
        let (position, length) = (random.bits() % 80, random.bits() % 80);
        for (suffix, top) in [("32", 31u64), ("64", 63)] {
            let bit = |x: u64, i: u64| x >> i & 1;
            let (mut unsigned, mut signed, mut insert) = (0, 0, b & (ALL >> (63 - top)));
            let fill = if length == 0 {
                0
            } else {
                bit(a, (position + length - 1).min(top))
            };
            for i in 0..=top {
                let inside = i < length && position + i <= top;
                unsigned |= if inside { bit(a, position + i) << i } else { 0 };
                signed |= if inside {
                    bit(a, position + i) << i
                } else {
                    fill << i
                };
                if inside {
                    insert = insert & !(1 << (position + i)) | bit(a, i) << (position + i);
                }
            }
            assert_eq!(run(&format!("bfe.u{suffix}"), &[a, position, length]), unsigned);
            assert_eq!(run(&format!("bfe.s{suffix}"), &[a, position, length]), signed);
            assert_eq!(run(&format!("bfi.b{suffix}"), &[a, b, position, length]), insert);
        }
    }
}

#[test]
fn comparisons() {
    let table = [
        // a against b:  <  =  >  unordered
        ("eq", [0, 1, 0, 0]),
        ("ne", [1, 0, 1, 0]),
        ("lt", [1, 0, 0, 0]),
        ("le", [1, 1, 0, 0]),
        ("gt", [0, 0, 1, 0]),
        ("ge", [0, 1, 1, 0]),
        ("equ", [0, 1, 0, 1]),
        ("neu", [1, 0, 1, 1]),
        ("ltu", [1, 0, 0, 1]),
        ("leu", [1, 1, 0, 1]),
        ("gtu", [0, 0, 1, 1]),
        ("geu", [0, 1, 1, 1]),
        ("num", [1, 1, 1, 0]),
        ("nan", [0, 0, 0, 1]),
    ];
    for (word, truth) in table {
        let f32_pairs = [
            (f(-1.0), f(2.0)),
            (f(0.0), f(-0.0)),
            (f(3.0), f(-7.0)),
            (NAN, f(1.0)),
        ];
        let f64_pairs = [
            (d(-1.0), d(2.0)),
            (d(0.0), d(-0.0)),
            (d(3.0), d(-7.0)),
            (d(1.0), d(f64::NAN)),
        ];
        let f16_pairs = [(0xbc00, 0x4000), (0, 0x8000), (0x4200, 0xc700), (0x7e00, 0)];
        let bf16_pairs = [(0xbf80, 0x4000), (0, 0x8000), (0x4040, 0xc0e0), (0, 0xffff)];
        for (ty, pairs) in [
            ("f32", f32_pairs),
            ("f64", f64_pairs),
            ("f16", f16_pairs),
            ("bf16", bf16_pairs),
        ] {
            for ((a, b), expected) in pairs.into_iter().zip(truth) {
                assert_eq!(
                    run(&format!("setp.{word}.{ty}"), &[a, b]),
                    expected,
                    "{word}.{ty} {a:x} {b:x}"
                );
                let all = run(&format!("set.{word}.u32.{ty}"), &[a, b]);
                assert_eq!(all, expected * 0xffff_ffff, "{word}.{ty}");
                let one = run(&format!("set.{word}.f32.{ty}"), &[a, b]);
                assert_eq!(one, expected * 0x3f80_0000, "{word}.{ty}");
            }
        }
    }
    check(&[
        ("setp.lt.s32", &[w(-1), 0], 1),
        ("setp.lt.u32", &[w(-1), 0], 0),
        ("setp.lo.u32", &[0, 1], 1),
        ("setp.hs.u64", &[ALL, 1], 1),
        ("setp.hi.u16", &[0x8000, 1], 1),
        ("setp.ls.u16", &[1, 1], 1),
        ("setp.ne.b16", &[0x1_0000, 0], 0),
        ("setp.ge.s64", &[l(-1), 0], 0),
        ("setp.eq.ftz.f32", &[1, MINUS | 5], 1),
        ("setp.eq.f32", &[1, 5], 0),
        ("setp.gt.ftz.f16", &[1, 0], 0),
        ("setp.lt.f16x2", &[0x4000_3c00, 0x0000_4000], 1),
        ("setp.lt.and.s32", &[1, 2], 1),
        ("set.lt.u32.f16x2", &[0x3c00_3c00, 0x0000_4000], 0xffff),
        ("set.gt.f16x2.f16x2", &[0x3c00_3c00, 0x0000_4000], 0x3c00_0000),
        ("set.le.bf16x2.bf16x2", &[0x3f80_3f80, 0x3f80_4000], 0x3f80_3f80),
        ("set.gt.f16.f16", &[0x3c00, 0], 0x3c00),
        ("set.gt.u16.f16", &[0x3c00, 0], 0xffff),
        ("set.ne.s32.s64", &[1 << 40, 0], 0xffff_ffff),
        ("testp.finite.f32", &[INF], 0),
        ("testp.infinite.f32", &[INF | MINUS], 1),
        ("testp.number.f32", &[NAN], 0),
        ("testp.notanumber.f64", &[d(f64::NAN)], 1),
        ("testp.normal.f32", &[MINUS], 1),
        ("testp.normal.f32", &[1], 0),
        ("testp.subnormal.f32", &[1], 1),
        ("testp.subnormal.f64", &[0], 0),
    ]);
}

#[test]
fn float_arithmetic() {
    check(&[
        ("add.f32", &[f(1.5), f(2.25)], f(3.75)),
        ("add.rn.f32", &[INF, INF | MINUS], NAN),
        ("add.f32", &[0xffc0_1234, f(1.0)], NAN),
        ("sub.f32", &[f(1.0), f(1.0)], f(0.0)),
        ("sub.rm.f32", &[f(1.0), f(1.0)], f(-0.0)),
        ("add.rm.f32", &[f(0.0), f(-0.0)], f(-0.0)),
        ("add.rm.f32", &[f(0.0), f(0.0)], f(0.0)),
        ("add.rp.f32", &[f(0.0), f(-0.0)], f(0.0)),
        ("add.rm.f64", &[d(2.0), d(-2.0)], d(-0.0)),
        ("fma.rm.f64", &[d(2.0), d(3.0), d(-6.0)], d(-0.0)),
        ("fma.rp.f64", &[d(2.0), d(3.0), d(-6.0)], d(0.0)),
        ("add.rz.f32", &[f(1.0), f(2f32.powi(-30))], f(1.0)),
        ("add.rp.f32", &[f(1.0), f(2f32.powi(-30))], 0x3f80_0001),
        ("add.rz.f32", &[f(-1.0), f(2f32.powi(-30))], f(-1.0) - 1),
        ("add.rm.f32", &[f(f32::MAX), f(f32::MAX)], f(f32::MAX)),
        ("add.rp.f32", &[f(f32::MAX), f(1.0)], INF),
        ("add.rz.f64", &[d(f64::MAX), d(f64::MAX)], d(f64::MAX)),
        ("add.rp.f64", &[d(1.0), 1], d(1.0) + 1),
        ("add.sat.f32", &[f(0.75), f(0.75)], f(1.0)),
        ("add.sat.f32", &[f(-0.75), f(0.5)], f(0.0)),
        ("add.sat.f32", &[NAN, f(0.5)], f(0.0)),
        ("add.ftz.f32", &[0x0080_0001, 0x8080_0000], f(0.0)),
        ("sub.ftz.f32", &[0x8080_0000, 0x8080_0001], f(0.0)),
        ("add.ftz.f32", &[f(1.0), 0x007f_ffff], f(1.0)),
        ("mul.ftz.f32", &[0x0080_0000, f(-0.5)], MINUS),
        ("mul.f32", &[0x0080_0000, f(0.5)], 0x0040_0000),
        ("mul.rp.f32", &[1, 1], 1),
        ("mul.rm.f32", &[1, MINUS | 1], MINUS | 1),
        ("mul.rz.f64", &[d(f64::MAX), d(2.0)], d(f64::MAX)),
        ("mul.rp.f64", &[1, 1], 1),
        ("mul.f32", &[f(0.0), INF], NAN),
        (
            "fma.rn.f32",
            &[f(1.0 + 2f32.powi(-12)), f(1.0 - 2f32.powi(-12)), f(-1.0)],
            f(-(2f32.powi(-24))),
        ),
        (
            "mad.rn.f32",
            &[f(1.0 + 2f32.powi(-12)), f(1.0 - 2f32.powi(-12)), f(-1.0)],
            f(-(2f32.powi(-24))),
        ),
        ("mad.f64", &[d(3.0), d(4.0), d(5.0)], d(17.0)),
        ("fma.rz.f32", &[f(1.0), f(1.0), MINUS | 1], 0x3f7f_ffff),
        ("fma.rn.sat.f32", &[f(2.0), f(2.0), f(2.0)], f(1.0)),
        (
            "fma.rn.f64",
            &[d(f64::INFINITY), d(0.0), d(1.0)],
            0xfff8_0000_0000_0000,
        ),
        (
            "add.rn.f32x2",
            &[f(1.0) << 32 | f(2.0), f(3.0) << 32 | f(4.0)],
            f(4.0) << 32 | f(6.0),
        ),
        ("add.rn.f32.f16", &[0x3c00, f(2.0)], f(3.0)),
        ("sub.rn.f32.bf16", &[0x3f80, f(3.0)], f(-2.0)),
        ("fma.rn.f32.f16", &[0x4000, 0x4200, f(1.0)], f(7.0)),
        ("add.rn.sat.f32.f16", &[0x3c00, f(2.0)], f(1.0)),
        ("div.rn.f32", &[f(1.0), f(3.0)], 0x3eaa_aaab),
        ("div.rz.f32", &[f(1.0), f(3.0)], 0x3eaa_aaaa),
        ("div.rm.f32", &[f(-1.0), f(3.0)], 0xbeaa_aaab),
        ("div.full.f32", &[f(6.0), f(3.0)], f(2.0)),
        ("div.rn.f32", &[f(-1.0), f(0.0)], INF | MINUS),
        ("div.rz.f32", &[f(0.0), f(0.0)], NAN),
        ("div.approx.f32", &[f(6.0), f(3.0)], f(2.0)),
        ("div.approx.f32", &[f(6.0), f(1.5e38)], f(0.0)),
        ("div.approx.f32", &[INF, f(1.5e38)], NAN),
        ("div.approx.f32", &[INF, INF], NAN),
        ("div.rp.f64", &[d(1.0), d(3.0)], d(1.0 / 3.0) + 1),
        ("div.rz.f64", &[d(1.0), d(3.0)], d(1.0 / 3.0)),
        ("rcp.rn.f32", &[f(4.0)], f(0.25)),
        ("rcp.approx.ftz.f32", &[1], INF),
        ("rcp.rz.f32", &[f(3.0)], 0x3eaa_aaaa),
        ("rcp.rn.f64", &[d(-0.0)], d(f64::NEG_INFINITY)),
        ("rcp.approx.ftz.f64", &[d(4.0) | 0xffff], d(0.25)),
        ("rcp.approx.ftz.f64", &[5], d(f64::INFINITY)),
        ("sqrt.rn.f32", &[f(2.0)], 0x3fb5_04f3),
        ("sqrt.rp.f32", &[f(2.0)], 0x3fb5_04f4),
        ("sqrt.rz.f32", &[f(9.0)], f(3.0)),
        ("sqrt.approx.f32", &[f(-1.0)], NAN),
        ("sqrt.rm.f32", &[MINUS], MINUS),
        ("sqrt.rp.f64", &[d(9.0)], d(3.0)),
        ("sqrt.rm.f64", &[d(f64::INFINITY)], d(f64::INFINITY)),
        ("rsqrt.approx.f32", &[f(4.0)], f(0.5)),
        ("rsqrt.approx.f32", &[MINUS], INF | MINUS),
        ("rsqrt.approx.f64", &[d(16.0)], d(0.25)),
        ("rsqrt.approx.f64", &[d(-0.0)], d(f64::NEG_INFINITY)),
        ("rsqrt.approx.ftz.f64", &[d(16.0)], d(0.25)),
        ("neg.f32", &[0x7fc0_0001], NAN),
        ("abs.f32", &[0xffc0_0001], NAN),
        ("neg.ftz.f32", &[1], MINUS),
        ("abs.f64", &[d(-3.0)], d(3.0)),
        ("neg.f64", &[d(0.0)], d(-0.0)),
        ("copysign.f32", &[f(-1.0), f(2.0)], f(-2.0)),
        ("copysign.f64", &[d(1.0), d(-2.0)], d(2.0)),
        ("min.f32", &[NAN, f(1.0)], f(1.0)),
        ("min.f32", &[NAN, 0xffc0_0000], NAN),
        ("min.f32", &[f(0.0), f(-0.0)], f(-0.0)),
        ("max.f32", &[f(-0.0), f(0.0)], f(0.0)),
        ("max.nan.f32", &[NAN, f(1.0)], NAN),
        ("max.ftz.f32", &[5, MINUS], 0),
        ("max.f64", &[d(1.0), d(f64::NAN)], d(1.0)),
        ("min.xorsign.abs.f32", &[f(-3.0), f(2.0)], f(-2.0)),
        ("max.xorsign.abs.f32", &[f(-3.0), f(-2.0)], f(3.0)),
        ("max.f32", &[f(1.0), f(5.0), f(3.0)], f(5.0)),
        ("min.nan.f32", &[f(1.0), f(5.0), NAN], NAN),
        ("max.abs.f32", &[f(1.0), f(-5.0), f(3.0)], f(5.0)),
    ]);
}

#[test]
fn half_arithmetic() {
    check(&[
        ("add.f16", &[0x3c00, 0x3c00], 0x4000),
        ("add.f16x2", &[0x3c00_4000, 0x3c00_3c00], 0x4000_4200),
        ("sub.f16", &[0x3c00, 0x3c00], 0),
        ("mul.f16", &[0x7bff, 0x4000], 0x7c00),
        ("mul.sat.f16", &[0x4000, 0x4000], 0x3c00),
        ("add.sat.f16x2", &[0x4000_fe00, 0], 0x3c00_0000),
        ("mul.f16", &[0, 0x7c00], 0x7fff),
        ("mul.ftz.f16", &[0x0400, 0x3800], 0),
        ("mul.f16", &[0x0400, 0x3800], 0x0200),
        ("fma.rn.f16", &[0x4000, 0x4200, 0xc500], 0x3c00),
        ("fma.rn.relu.f16", &[0x4000, 0x4200, 0xc900], 0),
        ("fma.rn.relu.f16", &[0x7e00, 0, 0], 0x7fff),
        ("fma.rn.bf16", &[0x4000, 0x4040, 0xc0a0], 0x3f80),
        (
            "fma.rn.relu.bf16x2",
            &[0x4000_4000, 0x4040_4040, 0xc0a0_c100],
            0x3f80_0000,
        ),
        ("add.bf16", &[0x3f80, 0x3f80], 0x4000),
        ("mul.bf16x2", &[0x4000_3f80, 0x4000_bf80], 0x4080_bf80),
        ("add.bf16", &[0x7f80, 0xff80], 0x7fff),
        ("neg.f16x2", &[0x3c00_bc00], 0xbc00_3c00),
        ("abs.bf16x2", &[0xbf80_3f80], 0x3f80_3f80),
        ("neg.ftz.f16", &[1], 0x8000),
        ("min.f16", &[0x7e00, 0x3c00], 0x3c00),
        ("max.f16x2", &[0x0000_3c00, 0x8000_4000], 0x0000_4000),
        ("max.nan.bf16", &[0x7fc0, 0x3f80], 0x7fff),
        ("min.xorsign.abs.f16", &[0xc200, 0x4000], 0xc000),
        ("ex2.approx.f16", &[0x4200], 0x4800),
        ("ex2.approx.f16x2", &[0x4200_0000], 0x4800_3c00),
        ("ex2.approx.ftz.bf16", &[0x4040], 0x4100),
        ("tanh.approx.f16", &[0x7c00], 0x3c00),
        ("tanh.approx.bf16x2", &[0xff80_0000], 0xbf80_0000),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("ex2.approx.f32", &[f(-1.0)], f(0.5)),
        ("ex2.approx.ftz.f32", &[f(-127.0)], 0),
        ("ex2.approx.f32", &[f(-127.0)], 0x0040_0000),
        ("ex2.approx.ftz.f32", &[INF | MINUS], 0),
        ("lg2.approx.f32", &[f(8.0)], f(3.0)),
        ("lg2.approx.ftz.f32", &[1], INF | MINUS),
        ("lg2.approx.f32", &[1], f(-149.0)),
        ("lg2.approx.f32", &[f(-1.0)], NAN),
        ("sin.approx.f32", &[MINUS], MINUS),
        ("sin.approx.f32", &[INF], NAN),
        ("cos.approx.ftz.f32", &[5], f(1.0)),
        ("tanh.approx.f32", &[INF | MINUS], f(-1.0)),
    ]);
}

#[test]
fn conversions() {
    check(&[
        ("cvt.u32.u8", &[0xabff], 0xff),
        ("cvt.s32.s8", &[0xab80], l(-128)),
        ("cvt.s64.s32", &[w(-1)], ALL),
        ("cvt.u64.u32", &[0x5_ffff_ffff], 0xffff_ffff),
        ("cvt.u16.s32", &[w(-1)], 0xffff),
        ("cvt.s8.s32", &[0x180], l(-128)),
        ("cvt.sat.s8.s32", &[0x180], 127),
        ("cvt.sat.u8.s32", &[w(-5)], 0),
        ("cvt.sat.u32.s64", &[l(i64::MAX)], 0xffff_ffff),
        ("cvt.sat.s32.u32", &[0xffff_ffff], 0x7fff_ffff),
        ("cvt.sat.s64.u64", &[ALL], l(i64::MAX)),
        ("cvt.rn.f32.s32", &[w(-16_777_217)], f(-16_777_216.0)),
        ("cvt.rm.f32.s32", &[w(-16_777_217)], f(-16_777_218.0)),
        ("cvt.rz.f32.u64", &[ALL], f(18_446_742_974_197_923_840.0)),
        ("cvt.rn.f32.u64", &[ALL], f(18_446_744_073_709_551_616.0)),
        // Just above a tie: two roundings would lose it.
        (
            "cvt.rn.f32.u64",
            &[(1 << 62) + (1 << 38) + 1],
            f(2f32.powi(62)) + 1,
        ),
        ("cvt.rn.f64.u64", &[ALL], d(2f64.powi(64))),
        ("cvt.rz.f64.u64", &[ALL], d(2f64.powi(64)) - 1),
        ("cvt.rn.f64.s64", &[l(i64::MIN)], d(-(2f64.powi(63)))),
        ("cvt.rp.f64.s64", &[0], 0),
        ("cvt.rn.f16.u32", &[65_520], 0x7c00),
        ("cvt.rz.f16.u32", &[65_520], 0x7bff),
        ("cvt.rn.bf16.s32", &[w(-257)], 0xc380),
        ("cvt.rn.sat.f32.s32", &[5], f(1.0)),
        ("cvt.rni.s32.f32", &[f(2.5)], 2),
        ("cvt.rni.s32.f32", &[f(3.5)], 4),
        ("cvt.rzi.s32.f32", &[f(-2.9)], l(-2)),
        ("cvt.rmi.s32.f32", &[f(-2.1)], l(-3)),
        ("cvt.rpi.u32.f32", &[f(2.1)], 3),
        ("cvt.rpi.s32.f32", &[1], 1),
        ("cvt.rpi.ftz.s32.f32", &[1], 0),
        ("cvt.rzi.s32.f32", &[f(3e9)], 0x7fff_ffff),
        ("cvt.rzi.s32.f32", &[f(-3e9)], l(i32::MIN.into())),
        ("cvt.rzi.u32.f32", &[f(-1.0)], 0),
        ("cvt.rzi.u64.f32", &[INF], ALL),
        ("cvt.rzi.s64.f64", &[d(-1e300)], l(i64::MIN)),
        ("cvt.rzi.u8.f32", &[f(300.0)], 255),
        ("cvt.rzi.s16.f16", &[0x7c00], 32767),
        ("cvt.rni.u16.f16", &[0x3e00], 2),
        ("cvt.rzi.s32.f32", &[NAN], 0),
        ("cvt.rzi.s64.f32", &[NAN], l(i64::MIN)),
        ("cvt.rzi.u64.f32", &[NAN], 1 << 63),
        ("cvt.rzi.s32.f64", &[d(f64::NAN)], l(i32::MIN.into())),
        ("cvt.rzi.u32.f64", &[d(f64::NAN)], 1 << 31),
        ("cvt.rzi.s32.f16", &[0x7fff], 0),
        ("cvt.f64.f32", &[f(1.5)], d(1.5)),
        ("cvt.ftz.f64.f32", &[1], 0),
        ("cvt.f64.f32", &[MINUS | 1], d(-(2f64.powi(-149)))),
        ("cvt.rn.f32.f64", &[d(1.0) + 1], f(1.0)),
        ("cvt.rp.f32.f64", &[d(1.0) + 1], f(1.0) + 1),
        ("cvt.rz.f32.f64", &[d(1e300)], f(f32::MAX)),
        ("cvt.rn.f32.f64", &[d(1e300)], INF),
        ("cvt.rn.ftz.f32.f64", &[d(1e-40)], 0),
        ("cvt.rn.f32.f64", &[d(f64::NAN)], NAN),
        ("cvt.rn.sat.f32.f64", &[d(1.5)], f(1.0)),
        ("cvt.sat.f32.f32", &[f(-1.5)], 0),
        ("cvt.sat.f32.f32", &[NAN], 0),
        ("cvt.rni.f32.f32", &[f(2.5)], f(2.0)),
        ("cvt.rmi.f64.f64", &[d(-0.5)], d(-1.0)),
        ("cvt.rpi.f32.f32", &[f(-0.5)], f(-0.0)),
        ("cvt.rzi.f16.f16", &[0x3e00], 0x3c00),
        ("cvt.f32.f16", &[0x3c00], f(1.0)),
        ("cvt.f32.f16", &[1], f(2f32.powi(-24))),
        ("cvt.f32.bf16", &[0x3f80], f(1.0)),
        ("cvt.f32.bf16", &[0xff81], 0xff81_0000),
        ("cvt.rn.f16.f32", &[f(65_519.0)], 0x7bff),
        ("cvt.rn.f16.f32", &[f(65_520.0)], 0x7c00),
        ("cvt.rz.f16.f32", &[f(1e6)], 0x7bff),
        ("cvt.rn.f16.f32", &[NAN], 0x7fff),
        ("cvt.rn.relu.f16.f32", &[f(-1.0)], 0),
        ("cvt.rn.satfinite.f16.f32", &[INF | MINUS], 0xfbff),
        ("cvt.rn.bf16.f32", &[0x3f80_8000], 0x3f80),
        ("cvt.rn.bf16.f32", &[0x3f81_8000], 0x3f82),
        ("cvt.rz.bf16.f32", &[0x3f80_ffff], 0x3f80),
        (
            "cvt.rn.f16.f64",
            &[d(1.0 + 2f64.powi(-11) + 2f64.powi(-50))],
            0x3c01,
        ),
        ("cvt.rn.f16x2.f32", &[f(1.0), f(2.0)], 0x3c00_4000),
        ("cvt.rn.relu.f16x2.f32", &[f(-1.0), f(2.0)], 0x4000),
        ("cvt.rz.bf16x2.f32", &[0x3f80_ffff, f(2.0)], 0x3f80_4000),
        ("cvt.rna.tf32.f32", &[0x3f80_1000], 0x3f80_2000),
        ("cvt.rn.tf32.f32", &[0x3f80_1000], 0x3f80_0000),
        ("cvt.rz.tf32.f32", &[0x3f80_1fff], 0x3f80_0000),
        ("cvt.rn.tf32.f32", &[0xffc0_0000], 0x7fff_e000),
        ("cvt.rna.satfinite.tf32.f32", &[INF], 0x7f7f_e000),
        ("cvt.rn.satfinite.e4m3x2.f32", &[f(1.0), f(1e9)], 0x387e),
        ("cvt.rn.satfinite.e4m3x2.f32", &[NAN, f(-448.0)], 0x7ffe),
        ("cvt.rn.satfinite.e5m2x2.f32", &[f(-1.0), INF], 0xbc7b),
        ("cvt.rn.satfinite.relu.e5m2x2.f32", &[f(-1.0), f(2.0)], 0x0040),
        ("cvt.rn.satfinite.e4m3x2.f16x2", &[0x3c00_4000], 0x3840),
        ("cvt.rn.f16x2.e4m3x2", &[0x3840], 0x3c00_4000),
        ("cvt.rn.f16x2.e4m3x2", &[0x7f01], 0x7fff_1800),
        ("cvt.rn.f16x2.e5m2x2", &[0x7cbc], 0x7c00_bc00),
        ("cvt.rn.relu.f16x2.e5m2x2", &[0x7cbc], 0x7c00_0000),
    ]);
}
