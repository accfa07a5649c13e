//! Instructions that compute: arithmetic, functions, comparison, logic and bits.

use super::{Class, Entry, Form, Opcode, Work, form, later, op, since, vp};

/// Forms of add and sub.
const SUM: &[Form] = &[
    form("sat? $int|u16x2|s16x2", "=T T T"),
    form("cc $carry", "=T T T"),
    form("$round? ftz? sat? f32 into?", "=T T T"),
    form("$vround? ftz? sat? $vp", "=T T T"),
    form("$round? f64", "=T T T"),
    form("rn? ftz? sat? $half", "=T T T"),
    later("$round? ftz? f32x2", "=T T T"),
    later("$round? sat? f32 f16|bf16", "=T T2 T"),
];

/// Forms of min and max.
const EXTREME: &[Form] = &[
    form("relu? $int|u16x2|s16x2", "=T T T"),
    form("ftz? NaN? xorsign? abs? f32", "=T T T"),
    form("ftz? $vp", "=T T T"),
    form("f64", "=T T T"),
    form("ftz? NaN? xorsign? abs? $half", "=T T T"),
    later("ftz? NaN? abs? f32", "=T T T T"),
];

/// Forms of neg and abs.
const SIGN: &[Form] = &[
    form("s16|s32|s64", "=T T"),
    form("ftz? f32|f64|$vp", "=T T"),
    form("ftz? f32 into", "=T T"),
    form("ftz? $half", "=T T"),
];

/// Forms of functions that plain PTX has only as approximations.
const APPROXIMATE: &[Form] = &[
    form("approx ftz? f32 into?", "=T T"),
    form("approx? $vround? ftz? $vp", "=T T"),
];

/// Forms of rcp and sqrt.
const ROOT: &[Form] = &[
    form("approx|$round ftz? f32 into?", "=T T"),
    form("approx|$round ftz? f64", "=T T"),
    form("approx? $vround? ftz? $vp", "=T T"),
];

const LOGIC: &[Form] = &[form("pred|$bits", "=T T T")];

pub(super) const TABLE: &[Entry] = &[
    // ---- integer and floating-point arithmetic ----
    vp(Opcode::Add, Work::Add, Class::Add, "d = a + b.", SUM),
    vp(Opcode::Sub, Work::Add, Class::Add, "d = a - b.", SUM),
    vp(
        Opcode::Mul,
        Work::Mul,
        Class::Mul,
        "d = a * b; of integers the low or high half, or all of it.",
        &[
            form("lo|hi $int", "=T T T"),
            form("wide u16|s16|u32|s32", "=W T T"),
            form("$round? ftz? sat? f32 into?", "=T T T"),
            form("$vround? ftz? sat? $vp", "=T T T"),
            form("$round? f64", "=T T T"),
            form("rn? ftz? sat? $half", "=T T T"),
            later("$round? ftz? f32x2", "=T T T"),
        ],
    ),
    vp(
        Opcode::Mad,
        Work::Mad,
        Class::Fma,
        "d = a * b + c; of integers the low or high half of the product, or all of it.",
        &[
            form("lo|hi sat? cc? $int", "=T T T T"),
            form("wide u16|s16|u32|s32", "=W T T W"),
            form("$round? ftz? sat? f32 into?", "=T T T T"),
            form("$vround? ftz? sat? $vp", "=T T T T"),
            form("wide $vround? ftz? sat? vf32", "=T T T T"),
            form("$round? f64", "=T T T T"),
        ],
    ),
    vp(
        Opcode::Fma,
        Work::Mad,
        Class::Fma,
        "d = a * b + c, rounded once; on `.vf32` rounded after the product and after the sum.",
        &[
            form("$round ftz? sat? f32 into?", "=T T T T"),
            form("$round f64", "=T T T T"),
            form("$vround? ftz? sat? $vp", "=T T T T"),
            form("wide $vround? ftz? sat? vf32", "=T T T T"),
            form("rn ftz? sat? relu? $half", "=T T T T"),
            later("rn oob relu? $half", "=T T T T"),
            later("$round ftz? f32x2", "=T T T T"),
            later("$round sat? f32 f16|bf16", "=T T2 T2 T"),
        ],
    ),
    op(
        Opcode::Fmam,
        Work::Mad,
        "Vernier: d = a * b + c, the product in the format of `.vf32`, c, the sum and d in that of the accumulator (FP32 unless named).",
        &[
            form("$vround? ftz? sat? $vp", "=T T T f32"),
            form("wide $vround? ftz? sat? vf32", "=T T T f32"),
        ],
    ),
    op(
        Opcode::Addm,
        Work::Add,
        "Vernier: d = a + b, b in the format of `.vf32`, a (the accumulator) and d in that of the accumulator (FP32 unless named).",
        &[form("$vround? ftz? sat? $vp", "=T f32 T")],
    ),
    vp(
        Opcode::Div,
        Work::Div,
        Class::Div,
        "d = a / b.",
        &[
            form("$int", "=T T T"),
            form("approx|full|$round ftz? f32 into?", "=T T T"),
            form("$round f64", "=T T T"),
            form("approx|full? $vround? ftz? $vp", "=T T T"),
        ],
    ),
    op(
        Opcode::Rem,
        Work::Div,
        "d = remainder of a / b.",
        &[form("$int", "=T T T")],
    ),
    vp(Opcode::Abs, Work::Add, Class::Sign, "d = |a|.", SIGN),
    vp(Opcode::Neg, Work::Add, Class::Sign, "d = -a.", SIGN),
    vp(
        Opcode::Min,
        Work::Max,
        Class::MinMax,
        "d = the smaller of a and b; a number wins against a NaN.",
        EXTREME,
    ),
    vp(
        Opcode::Max,
        Work::Max,
        Class::MinMax,
        "d = the larger of a and b; a number wins against a NaN.",
        EXTREME,
    ),
    vp(Opcode::Rcp, Work::Sfu, Class::Function, "d = 1 / a.", ROOT),
    vp(
        Opcode::Sqrt,
        Work::Sfu,
        Class::Function,
        "d = square root of a.",
        ROOT,
    ),
    vp(
        Opcode::Rsqrt,
        Work::Sfu,
        Class::Function,
        "d = 1 / square root of a.",
        &[
            form("approx ftz? f32|f64", "=T T"),
            form("approx ftz? f32 into", "=T T"),
            form("approx? $vround? ftz? $vp", "=T T"),
        ],
    ),
    vp(
        Opcode::Sin,
        Work::Sfu,
        Class::Function,
        "d = sine of a, radians.",
        APPROXIMATE,
    ),
    vp(
        Opcode::Cos,
        Work::Sfu,
        Class::Function,
        "d = cosine of a, radians.",
        APPROXIMATE,
    ),
    vp(
        Opcode::Lg2,
        Work::Sfu,
        Class::Function,
        "d = base-2 logarithm of a.",
        APPROXIMATE,
    ),
    vp(
        Opcode::Ex2,
        Work::Sfu,
        Class::Function,
        "d = 2 to the power a.",
        &[
            form("approx ftz? f32 into?", "=T T"),
            form("approx? $vround? ftz? $vp", "=T T"),
            form("approx ftz? $half", "=T T"),
        ],
    ),
    since(
        7,
        0,
        vp(
            Opcode::Tanh,
            Work::Sfu,
            Class::Function,
            "d = hyperbolic tangent of a.",
            &[
                form("approx f32|$half", "=T T"),
                form("approx f32 into", "=T T"),
                form("approx? $vround? ftz? $vp", "=T T"),
            ],
        ),
    ),
    op(
        Opcode::Copysign,
        Work::Logic,
        "d = the magnitude of b with the sign of a.",
        &[form("f32|f64", "=T T T")],
    ),
    op(
        Opcode::Testp,
        Work::Max,
        "Predicate: what kind of number a is.",
        &[form(
            "finite|infinite|number|notanumber|normal|subnormal f32|f64",
            "=pred T",
        )],
    ),
    op(
        Opcode::Mul24,
        Work::Mul,
        "d = low or high 32 bits of the product of 24-bit integers.",
        &[form("lo|hi u32|s32", "=T T T")],
    ),
    op(
        Opcode::Mad24,
        Work::Mad,
        "d = low or high 32 bits of the product of 24-bit integers, plus c.",
        &[form("lo|hi sat? u32|s32", "=T T T T")],
    ),
    op(
        Opcode::Sad,
        Work::Add,
        "d = c + |a - b|.",
        &[form("$int", "=T T T T")],
    ),
    op(
        Opcode::Addc,
        Work::Add,
        "d = a + b + carry.",
        &[form("cc? $carry", "=T T T")],
    ),
    op(
        Opcode::Subc,
        Work::Add,
        "d = a - b - borrow.",
        &[form("cc? $carry", "=T T T")],
    ),
    op(
        Opcode::Madc,
        Work::Mad,
        "d = half of a * b, plus c and carry.",
        &[form("lo|hi cc? $carry", "=T T T T")],
    ),
    since(
        5,
        0,
        op(
            Opcode::Dp4a,
            Work::Mad,
            "d = c + the dot product of the four bytes of a and b.",
            &[form("u32|s32 u32|s32", "=b32 b32 b32 b32")],
        ),
    ),
    since(
        5,
        0,
        op(
            Opcode::Dp2a,
            Work::Mad,
            "d = c + the dot product of the halves of a and two bytes of b.",
            &[form("lo|hi u32|s32 u32|s32", "=b32 b32 b32 b32")],
        ),
    ),
    // ---- comparison and selection ----
    vp(
        Opcode::Set,
        Work::Max,
        Class::Compare,
        "d = all ones (1.0 for a float) if a compares to b, else 0.",
        &[form(
            "$compare $combine? ftz? u16|s16|u32|s32|f32|vf32|$half b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64|vf32|$half",
            "=T T2 T2 pred?",
        )],
    ),
    vp(
        Opcode::Setp,
        Work::Max,
        Class::Compare,
        "p = whether a compares to b, combined with c; q = the same of the opposite.",
        &[
            form("$compare $combine? ftz? $value|f16|$vp", "=pred|pred T T pred?"),
            form("$compare $combine? ftz? f16x2|bf16x2", "=pred|pred T T pred?"),
        ],
    ),
    op(
        Opcode::Selp,
        Work::Move,
        "d = c ? a : b.",
        &[
            form("$value|f16|f16x2|bf16|bf16x2|vf32", "=T T T pred"),
            form("f32|b32 into", "=T T T pred"),
        ],
    ),
    vp(
        Opcode::Slct,
        Work::Max,
        Class::Compare,
        "d = c >= 0 ? a : b.",
        &[form("ftz? $value|$vp s32|f32|$vp", "=T T T T2")],
    ),
    // ---- logic, shifts, bits ----
    op(Opcode::And, Work::Logic, "d = a & b.", LOGIC),
    op(Opcode::Or, Work::Logic, "d = a | b.", LOGIC),
    op(Opcode::Xor, Work::Logic, "d = a ^ b.", LOGIC),
    op(Opcode::Not, Work::Logic, "d = ~a.", &[form("pred|$bits", "=T T")]),
    op(Opcode::Cnot, Work::Logic, "d = a == 0.", &[form("$bits", "=T T")]),
    since(
        4,
        3,
        op(
            Opcode::Lop3,
            Work::Logic,
            "d = any function of three bits, bit by bit, by its truth table.",
            &[
                form("b32", "=T T T T imm"),
                form("or|and b32", "=T|pred T T T imm pred"),
            ],
        ),
    ),
    op(
        Opcode::Shl,
        Work::Logic,
        "d = a << b.",
        &[form("$bits", "=T T u32")],
    ),
    op(
        Opcode::Shr,
        Work::Logic,
        "d = a >> b, with sign for a signed type.",
        &[form("$bits|$int", "=T T u32")],
    ),
    op(
        Opcode::Shf,
        Work::Logic,
        "d = 32 bits of b:a, shifted.",
        &[form("l|r clamp|wrap b32", "=T T T u32")],
    ),
    op(
        Opcode::Prmt,
        Work::Logic,
        "d = four bytes picked from a and b.",
        &[form("b32 f4e|b4e|rc8|ecl|ecr|rc16?", "=T T T u32")],
    ),
    op(
        Opcode::Popc,
        Work::Logic,
        "d = how many bits of a are one.",
        &[form("b32|b64", "=u32 T")],
    ),
    op(
        Opcode::Clz,
        Work::Logic,
        "d = how many leading bits of a are zero.",
        &[form("b32|b64", "=u32 T")],
    ),
    op(
        Opcode::Bfind,
        Work::Logic,
        "d = position of the leading bit that is no sign bit; all ones if none.",
        &[form("shiftamt? $carry", "=u32 T")],
    ),
    since(
        6,
        0,
        op(
            Opcode::Fns,
            Work::Logic,
            "d = position of the n-th set bit.",
            &[form("b32", "=b32 b32 b32 s32")],
        ),
    ),
    op(
        Opcode::Brev,
        Work::Logic,
        "d = the bits of a reversed.",
        &[form("b32|b64", "=T T")],
    ),
    op(
        Opcode::Bfe,
        Work::Logic,
        "d = c bits of a from bit b.",
        &[form("$carry", "=T T u32 u32")],
    ),
    op(
        Opcode::Bfi,
        Work::Logic,
        "f = b with d bits of a put in at bit c.",
        &[form("b32|b64", "=T T T u32 u32")],
    ),
    since(
        7,
        6,
        op(
            Opcode::Bmsk,
            Work::Logic,
            "d = b ones from bit a.",
            &[form("clamp|wrap b32", "=T u32 u32")],
        ),
    ),
    since(
        7,
        6,
        op(
            Opcode::Szext,
            Work::Logic,
            "d = a, extended from bit b.",
            &[form("clamp|wrap u32|s32", "=T T u32")],
        ),
    ),
];
