//! The tests: `vectors` worked out by hand from the PTX ISA, `rounding` against exact integers and IEEE
//! operations of the host, `hardware` against a GPU, and here what holds for every instruction.

mod hardware;
mod rounding;
mod vectors;

use ptx::ast::{Instruction, Modifier, Opcode, Operand, ScalarType, Span};

use super::{ScalarOp, scalar_op};

/// The instruction `mnemonic` with that many operands, which say nothing.
fn instruction(mnemonic: &str, operands: usize) -> Instruction {
    let mut words = mnemonic.split('.');
    let opcode = words.next().and_then(Opcode::from_text).expect("an opcode");
    let word = |text| Modifier::from_text(text).unwrap_or_else(|| panic!("`.{text}` in {mnemonic}"));
    let span = Span { start: 0, end: 0 };
    Instruction {
        span,
        guard: None,
        opcode,
        modifiers: words.map(word).collect(),
        numerics: Default::default(),
        operands: vec![Operand::Sink(span); operands],
    }
}

/// What the instruction gives for raw register bits; of a predicate 0 or 1.
fn run(mnemonic: &str, operands: &[u64]) -> u64 {
    let op =
        scalar_op(&instruction(mnemonic, operands.len() + 1)).unwrap_or_else(|e| panic!("{mnemonic}: {e}"));
    apply(op, operands).unwrap_or_else(|| panic!("{mnemonic} with {} operands", operands.len()))
}

fn apply(op: ScalarOp, operands: &[u64]) -> Option<u64> {
    Some(match (op, operands) {
        (ScalarOp::F1(f), &[a]) => f(a),
        (ScalarOp::F2(f), &[a, b]) => f(a, b),
        (ScalarOp::F3(f), &[a, b, c]) => f(a, b, c),
        (ScalarOp::F4(f), &[a, b, c, d]) => f(a, b, c, d),
        (ScalarOp::P1(f), &[a]) => f(a).into(),
        (ScalarOp::P2(f), &[a, b]) => f(a, b).into(),
        _ => return None,
    })
}

/// Pseudo-random bits (splitmix64).
struct Random(u64);
impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// Every spelling of an opcode, at most two of its words, a type and perhaps a second type that has a meaning.
fn every_operation() -> Vec<(String, ScalarOp)> {
    const COMPARISONS: &str = "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan ftz";
    const MODES: &str = "rn rz rm rp rna rni rzi rmi rpi ftz sat relu satfinite approx full";
    // Opcodes, their words, whether a second type may follow.
    let table = [
        ("add sub fma cvt", MODES, true),
        (
            "mul mad div sqrt rcp rsqrt ex2 tanh lg2 sin cos neg abs",
            MODES,
            false,
        ),
        (
            "add sub mul mad mul24 mad24 sad div rem abs neg",
            "lo hi wide sat",
            false,
        ),
        ("min max", "relu ftz nan", false),
        ("dp4a dp2a slct", "lo hi ftz", true),
        (
            "popc clz bfind brev bfe bfi bmsk szext fns shf shl shr mov",
            "l r clamp wrap shiftamt",
            false,
        ),
        (
            "and or xor not cnot lop3 copysign prmt",
            "f4e b4e rc8 rc16 ecl ecr",
            false,
        ),
        ("set", COMPARISONS, true),
        ("setp", COMPARISONS, false),
        (
            "testp",
            "finite infinite number notanumber normal subnormal",
            false,
        ),
    ];
    let types: Vec<_> = std::iter::once(None)
        .chain(ScalarType::ALL.iter().copied().map(Some))
        .collect();
    let mut found = Vec::new();
    for (opcodes, words, two_types) in table {
        let words: Vec<_> = std::iter::once(None)
            .chain(words.split(' ').map(Modifier::from_text))
            .collect();
        for opcode in opcodes.split(' ') {
            let mut inst = instruction(opcode, 3);
            for ty in &types[1..] {
                for source in if two_types { &types[..] } else { &types[..1] } {
                    for (i, first) in words.iter().enumerate() {
                        for second in words[..=i].iter().filter(|w| w.is_none() || *w != first) {
                            inst.modifiers = first.iter().chain(second).copied().collect();
                            inst.modifiers
                                .extend(ty.iter().chain(source).copied().map(Modifier::Type));
                            found.extend(scalar_op(&inst).ok().map(|op| (inst.mnemonic(), op)));
                        }
                    }
                }
            }
        }
    }
    found
}

#[test]
fn nothing_panics() {
    const EDGES: [u64; 16] = [
        0,
        1,
        31,
        32,
        63,
        64,
        0xffff,
        0x7c00_7c01_8000,
        0x8000_0000,
        0xffff_ffff,
        0x7f80_0000,
        0x7fff_ffff,
        0x3f80_0000_3f80_0001,
        0x7ff0_0000_0000_0000,
        0x8000_0000_0000_0000,
        u64::MAX,
    ];
    let operations = every_operation();
    assert!(operations.len() > 3000, "{}", operations.len());
    for (mnemonic, op) in &operations {
        for a in EDGES {
            for b in EDGES {
                let c = a.rotate_left(17) ^ b;
                let given = [a, b, c, b.rotate_left(7)];
                let result = (1..=4).find_map(|n| apply(*op, &given[..n]));
                assert!(result.is_some(), "{mnemonic}");
            }
        }
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    for (mnemonic, reason) in [
        ("add.rz.f16", "`.rz` with `add.f16`"),
        ("add.sat.u32", "`.sat` with `add.u32`"),
        ("mul.relu.f32", "`.relu` with `mul.f32`"),
        (
            "cvt.s32.f32",
            "`cvt.s32.f32` needs one of the roundings rni rzi rmi rpi",
        ),
        ("cvt.rni.f32.f64", "`.rni` with `cvt.f32`"),
        ("setp.lt.b32", "comparison `.lt` with `.b32`"),
        ("setp.u32", "no comparison in `setp.u32`"),
        ("setp.lo.s32", "comparison `.lo` with `.s32`"),
        ("add.pred", "no meaning for `add.pred` with `.pred`"),
        ("add.vf32", "no meaning for `add.vf32` with `.vf32`"),
        ("add.cc.u32", "`.cc` with `add.u32`"),
        ("popc", "no type in `popc`"),
        ("cvt.rn.e4m3x2.f32", "`cvt.rn.e4m3x2.f32` needs `.satfinite`"),
        ("ld.global.f32", "no meaning for `ld.global.f32` with `.f32`"),
    ] {
        let answer = scalar_op(&instruction(mnemonic, 3));
        assert_eq!(answer.expect_err(mnemonic), reason);
    }
}
