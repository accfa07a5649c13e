//! Mathematical functions that nvcc expanded in place: `expf` becomes a dozen instructions that split off the
//! integer part of an exponent by adding 1.5 * 2^23, `logf` takes a number apart bit by bit. Such instructions
//! compute in all 24 bits of FP32 or not at all; an override that narrows them computes something else.
//!
//! They are recognised by the constants of their polynomials and reductions (as nvcc 5 to 13 write them) and by
//! data flow: an instruction with such a constant belongs to an expansion when a value flows between it and
//! another of the same function, past at most a few others, and those belong to it too. What an expansion ends
//! with is left out, because it is ordinary arithmetic that rounds the function's result: `ex2` and the product
//! with the power of two, the last sum of a logarithm. Division and square root are single instructions in PTX.

use std::collections::BTreeSet;

use super::graph::{Graph, Origin};
use crate::ast::*;
use crate::isa::{Class, TypeKind};
use crate::overrides;

/// How a function of CUDA's mathematical library is recognised. Constants are the bits of binary32 without sign.
struct Family {
    /// Constants that only this function has.
    own: &'static [u32],
    /// Two constants that only this function has in one instruction.
    pair: Option<[u32; 2]>,
    /// Constants that may also stand elsewhere, at the beginning.
    opening: &'static [u32],
    /// The same at the end; the instruction itself is not part.
    closing: &'static [u32],
    /// How many instructions without a constant may stand between two with one.
    gap: u32,
}

/// log2(e), with which an exponential begins.
const LOG2_E: u32 = 0x3FB8_AA3B;
/// ln(2), with which a logarithm ends.
const LN_2: u32 = 0x3F31_7218;
/// 2^-23, which makes a number of an exponent's bits.
const EPSILON: u32 = 0x3400_0000;

#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    // expf, exp10f, expm1f, sinhf, coshf, normcdff and those of CUDA 5 to 9.
    Family {
        own: &[
            0x3BBB_989D, 0x4B40_0001, 0x4B40_007F, 0x4B40_007D, 0x32A5_7060, 0x3C57_FA62, 0x3397_9A37, 0x3F31_7217,
            0x3377_D1CF, 0x3102_E308, 0x3F31_7200, 0x35BF_BE8E, 0x3C09_1356, 0x3AB5_B2C6, 0x3D2A_A9AF, 0x3E2A_AA59,
            0x3F00_0003,
        ],
        pair: None,
        opening: &[LOG2_E, 0x4054_9A78, LN_2],
        closing: &[],
        gap: 3,
    },
    // logf, log2f, log10f, log1pf.
    Family {
        own: &[
            0x4B00_0000, EPSILON, 0x3E10_39F6, 0x3E05_5027, 0x3DF8_CDCC, 0x3E0F_2955, 0x3E2A_D8B9, 0x3E4C_ED0B,
            0x3E7F_FF22, 0x3EAA_AA78, 0x3E2C_7F30, 0x3DC6_B27F, 0x3E2F_CF2A, 0x3E37_4E43, 0x3E52_0BF4, 0x3E76_3C8B,
            0x3E93_BF99, 0x3EB8_AA49, 0x3EF6_384A, 0x3F38_AA3B, 0x3DD8_0012, 0x3D39_BF78, 0x3E07_78E0, 0x3E14_6475,
            0x3E2A_68DD, 0x3E4C_AF9E, 0x3E80_0042, 0x3EAA_AAE6,
        ],
        pair: Some([0x3E80_0000, 0x3F80_0000]),
        opening: &[],
        closing: &[LN_2, 0x3EDE_5BD9, LOG2_E],
        gap: 3,
    },
    // powf.
    Family {
        own: &[
            0x4B80_0000, EPSILON, 0x3B52_E7DB, 0x3A2C_32E4, 0x3C93_BB73, 0x3DF6_384F, 0x32A5_5E34, 0x3AAF_85ED,
            0x391F_CB8E, 0x3C1D_9856, 0x3D63_57BB, 0x3E75_FDEC,
        ],
        pair: None,
        opening: &[LOG2_E],
        closing: &[],
        gap: 7,
    },
    // sinf, cosf, tanf, sincosf.
    Family {
        own: &[
            0x3F22_F983, 0x3FC9_0FDA, 0x33A2_2168, 0x27C2_34C5, 0x394D_4153, 0x3AB6_07ED, 0x37CB_AC00, 0x3C08_85E4,
            0x3D2A_AABB, 0x3E2A_AAA8, 0x3EFF_FFFF, 0x3B56_0000, 0x3C19_0000, 0x3CC7_0000, 0x3D5B_0000, 0x3E08_9438,
            0x3EAA_AA88,
        ],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 3,
    },
    // sinpif, cospif.
    Family {
        own: &[
            0x3F17_ACC9, 0x3FAA_D2E0, 0x3E68_4E12, 0x4023_3590, 0x4081_E0CF, 0x40A5_5DF6, 0x409D_E9E6,
        ],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 1,
    },
    // tanhf.
    Family {
        own: &[0x3D56_3CAE, 0x3C80_F082, 0x3E08_5941, 0x3EAA_A9ED],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 1,
    },
    // sinhf near 0.
    Family {
        own: &[0x394F_FF49, 0x363D_0ADA, 0x3C08_889A, 0x3E2A_AAAB],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 1,
    },
    // erff.
    Family {
        own: &[
            0x388E_49B7, 0x388D_8E09, 0x3A73_C723, 0x3A48_7A7D, 0x3BE3_E044, 0x3BA8_86C1, 0x3D19_B6F7, 0x3CDB_C4CF,
            0x3E20_72AB, 0x3DE7_12BB, 0x3F6A_18F3, 0x3EC0_9388, 0x3F20_F3EB, 0x3E03_75D4,
        ],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 1,
    },
    // erfcf, normcdff.
    Family {
        own: &[
            0x3BE6_E05B, 0x3A69_A091, 0x3C81_FB4B, 0x3D15_373B, 0x3D88_7C5A, 0x3DC0_21D5, 0x3DCE_D424, 0x3D8B_74DE,
            0x3C7B_F170, 0x3E0E_F8D4, 0x3F9D_D2C9,
        ],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 2,
    },
    // atanf, asinf, acosf, atan2f.
    Family {
        own: &[
            0x3C6B_E14F, 0x3B20_90AA, 0x3D23_397E, 0x3D94_8A7A, 0x3DD7_6B21, 0x3E11_1E88, 0x3E4C_AF60, 0x3EAA_AA27,
            0x3C99_CA97, 0x3D4D_D2F7, 0x3D3F_90E8, 0x3D99_3CCF, 0x3E2A_AC04, 0x3C8B_1ABB, 0x3D10_ECEF, 0x3CFC_028C,
            0x3D37_2139, 0x3D99_93DB, 0x3E2A_AAC6, 0x3C80_7748, 0x3B33_710B, 0x3D2C_DAB2, 0x3D99_2D10, 0x3DD9_EA6C,
            0x3E11_7CB1, 0x3E4C_BCE0, 0x3EAA_AA7D,
        ],
        pair: None,
        opening: &[],
        closing: &[],
        gap: 1,
    },
];

/// The instructions (ordinals) of a function that belong to expansions, by the rules at the head of this file.
pub fn expansions(function: &Function) -> BTreeSet<usize> {
    find(&Graph::new(function))
}

/// What an instruction is to a walk along values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Values do not pass: memory, functions, comparisons.
    Wall,
    /// Copies and integer arithmetic: passes, and is never rewritten.
    Free,
    /// Arithmetic on f32: counts towards the gap.
    Counts,
}

fn step(i: &Instruction) -> Step {
    match overrides::class(i) {
        Some(Class::Compare) => Step::Wall,
        Some(Class::Function) if i.opcode != Opcode::Rcp => Step::Wall,
        Some(_) => Step::Counts,
        None => match i.opcode {
            Opcode::Ld | Opcode::Ldu | Opcode::St | Opcode::Atom | Opcode::Red | Opcode::Call => Step::Wall,
            Opcode::Setp | Opcode::Shfl | Opcode::Ex2 | Opcode::Lg2 | Opcode::Sqrt => Step::Wall,
            _ => Step::Free,
        },
    }
}

/// [`expansions`] of a graph that is there already.
pub(super) fn find(graph: &Graph) -> BTreeSet<usize> {
    let count = graph.instructions.len();
    let constants: Vec<Vec<u32>> = (0..count).map(|at| constants(graph, at)).collect();
    let mut found = BTreeSet::new();
    if constants.iter().all(Vec::is_empty) {
        return found;
    }
    let steps: Vec<Step> = graph.instructions.iter().map(|i| step(i)).collect();
    let before: Vec<Vec<usize>> = (0..count)
        .map(|at| {
            let reads = graph.read_operands(at).iter();
            let writes = reads.flat_map(|o| graph.reaching(at, o));
            writes
                .map(|w| graph.writes[w])
                .filter(|from| *from < at)
                .collect()
        })
        .collect();
    for family in FAMILIES {
        let has = |at: usize, list: &[u32]| constants[at].iter().any(|c| list.contains(c));
        let both = |at: usize, pair: [u32; 2]| pair.iter().all(|c| constants[at].contains(c));
        let own: Vec<bool> = (0..count)
            .map(|at| has(at, family.own) || family.pair.is_some_and(|p| both(at, p)))
            .collect();
        if own.iter().filter(|own| **own).count() < 2 {
            continue;
        }
        let opening: Vec<bool> = (0..count).map(|at| has(at, family.opening)).collect();
        let closing: Vec<bool> = (0..count).map(|at| has(at, family.closing)).collect();
        // Counting instructions without a constant since the last with one, and until the next.
        let mut since: Vec<Option<u32>> = vec![None; count];
        let mut until: Vec<Option<u32>> = vec![None; count];
        let passed = |at: usize, known: Option<u32>, begins: bool| {
            if begins {
                return Some(0);
            }
            match steps[at] {
                Step::Wall => None,
                Step::Free => known,
                Step::Counts => known.map(|k| k + 1).filter(|k| *k <= family.gap),
            }
        };
        let mut reached = vec![false; count];
        for at in 0..count {
            let nearest = before[at].iter().filter_map(|b| since[*b]).min();
            reached[at] |= nearest.is_some() && own[at];
            since[at] = passed(at, nearest, own[at] || opening[at]);
        }
        let mut ahead: Vec<Option<u32>> = vec![None; count];
        for at in (0..count).rev() {
            reached[at] |= ahead[at].is_some() && (own[at] || opening[at]);
            until[at] = passed(at, ahead[at], own[at] || closing[at]);
            for b in &before[at] {
                ahead[*b] = match (ahead[*b], until[at]) {
                    (Some(a), Some(u)) => Some(a.min(u)),
                    (a, u) => a.or(u),
                };
            }
        }
        for at in 0..count {
            let between = match (since[at], until[at]) {
                (Some(s), Some(u)) => s + u <= family.gap + 1,
                _ => false,
            };
            let seed = (own[at] || opening[at]) && reached[at];
            if steps[at] == Step::Counts && (seed || (between && !own[at] && !opening[at] && !closing[at])) {
                found.insert(at);
            }
            // An exponent that becomes a number, before it is scaled down by 2^-23.
            if seed && has(at, &[EPSILON]) {
                let feeds = before[at].iter();
                found.extend(feeds.filter(|b| graph.instructions[**b].opcode == Opcode::Cvt));
            }
        }
    }
    // A number that becomes an exponent.
    let exponents: Vec<usize> = (0..count)
        .filter(|at| {
            let i = graph.instructions[*at];
            let integer = i.ty().is_some_and(|t| t.kind() != TypeKind::Float);
            i.opcode == Opcode::Cvt && integer && before[*at].iter().any(|b| found.contains(b))
        })
        .collect();
    found.extend(exponents);
    found
}

/// The constants without sign that a sum, product or multiply-add on f32 computes with.
fn constants(graph: &Graph, at: usize) -> Vec<u32> {
    let i = graph.instructions[at];
    let arithmetic = matches!(overrides::class(i), Some(Class::Add | Class::Mul | Class::Fma));
    if !arithmetic {
        return Vec::new();
    }
    let read = graph.read_operands(at).iter();
    let origins = read.flat_map(|o| graph.origins(at, o));
    origins
        .filter_map(|o| match o {
            Origin::Constant(bits) => Some(bits as u32 & 0x7FFF_FFFF),
            _ => None,
        })
        .collect()
}
