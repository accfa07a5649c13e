//! The instruction set: every instruction once, with its forms, the work it is to a machine, what an override
//! may do with it, and a line of documentation. The language of the forms is in `form.rs`; facts are those of
//! NVIDIA's "PTX ISA" document, versions 3.2 to 9.x, plus Vernier's `fmam`, `addm` and `.vf32`.

use super::form::Form;
use super::{Class, Entry, Opcode, Work};

const fn form(modifiers: &'static str, operands: &'static str) -> Form {
    Form {
        modifiers,
        operands,
        supported: true,
    }
}

/// A form that Vernier knows and does not execute.
const fn later(modifiers: &'static str, operands: &'static str) -> Form {
    Form {
        modifiers,
        operands,
        supported: false,
    }
}

const fn op(opcode: Opcode, work: Work, doc: &'static str, forms: &'static [Form]) -> Entry {
    Entry {
        opcode,
        work,
        class: None,
        since: (1, 0),
        supported: true,
        doc,
        forms,
    }
}

/// An instruction that an override may bring to `.vf32`.
const fn vp(opcode: Opcode, work: Work, class: Class, doc: &'static str, forms: &'static [Form]) -> Entry {
    Entry {
        opcode,
        work,
        class: Some(class),
        since: (1, 0),
        supported: true,
        doc,
        forms,
    }
}

/// The first PTX version that has it.
const fn since(major: u32, minor: u32, entry: Entry) -> Entry {
    Entry {
        since: (major, minor),
        ..entry
    }
}

/// Known by name only: any modifiers, any operands.
const fn unknown(opcode: Opcode, work: Work, doc: &'static str) -> Entry {
    Entry {
        opcode,
        work,
        class: None,
        since: (1, 0),
        supported: false,
        doc,
        forms: &[],
    }
}

/// Forms of add and sub.
const SUM: &[Form] = &[
    form("sat? $int|u16x2|s16x2", "=T T T"),
    form("cc $carry", "=T T T"),
    form("$round? ftz? sat? f32|$vp", "=T T T"),
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
    form("ftz? $half", "=T T"),
];

/// Forms of functions that plain PTX has only as approximations.
const APPROXIMATE: &[Form] = &[
    form("approx ftz? f32", "=T T"),
    form("approx? $round? ftz? $vp", "=T T"),
];

/// Forms of rcp and sqrt.
const ROOT: &[Form] = &[
    form("approx|$round ftz? f32", "=T T"),
    form("approx|$round ftz? f64", "=T T"),
    form("approx? $round? ftz? $vp", "=T T"),
];

const LOGIC: &[Form] = &[form("pred|$bits", "=T T T")];

/// Forms of bar and barrier.
const BARRIER: &[Form] = &[
    form("cta? sync aligned?", "u32 u32?"),
    form("cta? arrive aligned?", "u32 u32"),
    form("cta? red aligned? popc u32", "=u32 u32 u32? pred"),
    form("cta? red aligned? and|or pred", "=pred u32 u32? pred"),
    form("warp sync", "u32"),
    later("cluster arrive|wait release|acquire|relaxed? aligned?", ""),
];

const EXCHANGE: &[Form] = &[
    form("up|down|bfly|idx b32|u32|s32|f32", "=T|pred T u32 u32"),
    form("sync up|down|bfly|idx b32|u32|s32|f32", "=T|pred T u32 u32 u32"),
];

/// The table, in the order of the ISA's chapters.
pub const TABLE: &[Entry] = &[
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
            form("$round? ftz? sat? f32|$vp", "=T T T"),
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
            form("$round? ftz? sat? f32|$vp", "=T T T T"),
            form("$round? f64", "=T T T T"),
        ],
    ),
    vp(
        Opcode::Fma,
        Work::Mad,
        Class::Fma,
        "d = a * b + c, rounded once; on `.vf32` rounded after the product and after the sum.",
        &[
            form("$round ftz? sat? f32", "=T T T T"),
            form("$round f64", "=T T T T"),
            form("$round? ftz? sat? $vp", "=T T T T"),
            form("rn ftz? sat? relu? $half", "=T T T T"),
            later("rn oob relu? $half", "=T T T T"),
            later("$round ftz? f32x2", "=T T T T"),
            later("$round sat? f32 f16|bf16", "=T T2 T2 T"),
        ],
    ),
    op(
        Opcode::Fmam,
        Work::Mad,
        "Vernier: d = a * b + c, the product in the launch's format, c, the sum and d in FP32.",
        &[form("$round? ftz? sat? $vp", "=T T T f32")],
    ),
    op(
        Opcode::Addm,
        Work::Add,
        "Vernier: d = a + b, b in the launch's format, a (the accumulator) and d in FP32.",
        &[form("$round? ftz? sat? $vp", "=T f32 T")],
    ),
    vp(
        Opcode::Div,
        Work::Div,
        Class::Div,
        "d = a / b.",
        &[
            form("$int", "=T T T"),
            form("approx|full|$round ftz? f32", "=T T T"),
            form("$round f64", "=T T T"),
            form("approx|full? $round? ftz? $vp", "=T T T"),
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
            form("approx? $round? ftz? $vp", "=T T"),
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
            form("approx ftz? f32", "=T T"),
            form("approx? $round? ftz? $vp", "=T T"),
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
                form("approx? $round? ftz? $vp", "=T T"),
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
        &[form("$value|f16|f16x2|bf16|bf16x2", "=T T T pred")],
    ),
    vp(
        Opcode::Slct,
        Work::Max,
        Class::Compare,
        "d = c >= 0 ? a : b.",
        &[form("ftz? $value s32|f32|$vp", "=T T T T2")],
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
    // ---- data movement and conversion ----
    op(
        Opcode::Mov,
        Work::Move,
        "d = a: a register, constant, special register or address; or packs and unpacks vectors.",
        &[form("$vector? pred|b128|$value|f16|f16x2|bf16|bf16x2", "=P P")],
    ),
    vp(
        Opcode::Cvt,
        Work::Convert,
        Class::Convert,
        "d = a, converted.",
        &[
            form("sat? $int8 $int8", "=~T ~T2"),
            form("$round ftz? sat? f16|bf16|f32|f64 $int8", "=~T ~T2"),
            form("rni|rzi|rmi|rpi ftz? sat? $int8 f16|bf16|f32|f64|vf32", "=~T ~T2"),
            form(
                "$round|rni|rzi|rmi|rpi? ftz? sat? relu? satfinite? f16|f32|f64 f16|bf16|f32|f64|vf32",
                "=~T ~T2",
            ),
            form(
                "$round? ftz? relu? satfinite? bf16 f16|bf16|f32|f64|vf32",
                "=~T ~T2",
            ),
            form(
                "$round|rni|rzi|rmi|rpi? ftz? sat? vf32 f16|bf16|f32|f64|vf32|$int8",
                "=~T ~T2",
            ),
            form("rn|rna|rz relu? satfinite? tf32 f32", "=~T ~T2"),
            form("rn|rz ftz? relu? satfinite? f16x2|bf16x2 f32", "=T T2 T2"),
            form("rn satfinite relu? $tiny f32", "=T T2 T2"),
            form("rn satfinite relu? $tiny f16x2", "=T T2"),
            form("rn relu? f16x2 $tiny", "=T T2"),
            later("pack sat $int8 s32 b32?", "=b32 T2 T2 b32?"),
            later("rs relu? satfinite? f16x2|bf16x2 f32", "any any any any"),
            later(
                "rn|rz|rp? satfinite? relu? e2m1x2|e2m3x2|e3m2x2|ue8m0x2 f32|bf16x2|f16x2|bf16",
                "any any any?",
            ),
            later("rn relu? f16x2|bf16x2 e2m1x2|e2m3x2|e3m2x2|ue8m0x2", "any any"),
        ],
    ),
    op(
        Opcode::Cvta,
        Work::Move,
        "d = a generic address from one of a state space, or back with `.to`.",
        &[form("to? $space u32|u64", "=T T")],
    ),
    op(
        Opcode::Isspacep,
        Work::Move,
        "p = whether a generic address lies in a state space.",
        &[form("$space", "=pred ptr")],
    ),
    op(
        Opcode::Ld,
        Work::Memory,
        "d = memory at a.",
        &[
            form(
                "weak|volatile? $space? ca|cg|cs|lu|cv? nc? $hint* unified? $vector? $data",
                "=V [] b64?",
            ),
            form(
                "relaxed|acquire $scope $space? $hint* $vector? $data",
                "=V [] b64?",
            ),
            later("mmio relaxed sys global? $data", "=V []"),
        ],
    ),
    op(
        Opcode::Ldu,
        Work::Memory,
        "d = memory at a, the same address in all lanes.",
        &[form("global? $vector? $data", "=V []")],
    ),
    op(
        Opcode::St,
        Work::Memory,
        "Memory at a = b.",
        &[
            form(
                "weak|volatile? $space? wb|cg|cs|wt? $hint* $vector? $data",
                "[] V b64?",
            ),
            form(
                "relaxed|release $scope $space? $hint* $vector? $data",
                "[] V b64?",
            ),
            later("mmio relaxed sys global? $data", "[] V"),
            later(
                "async weak? shared::cluster? mbarrier::complete_tx::bytes? $vector? $data",
                "[] V []?",
            ),
            later("bulk weak? shared::cta? $data", "[] imm imm"),
        ],
    ),
    op(
        Opcode::Prefetch,
        Work::Memory,
        "Brings a line into a cache: changes no result.",
        &[
            form("$space? L1|L2|L2::evict_last|L2::evict_normal", "[]"),
            later("$space? tensormap", "[]"),
        ],
    ),
    op(
        Opcode::Prefetchu,
        Work::Memory,
        "Brings a line into the uniform cache.",
        &[form("L1", "[]")],
    ),
    since(
        7,
        4,
        op(
            Opcode::Discard,
            Work::Memory,
            "Says that a line need not be written back.",
            &[form("global? L2", "[] imm")],
        ),
    ),
    // ---- control flow ----
    op(
        Opcode::Bra,
        Work::Branch,
        "Goes to a label.",
        &[form("uni?", "label")],
    ),
    since(
        6,
        0,
        op(
            Opcode::Brx,
            Work::Branch,
            "Goes to entry a of a list of labels.",
            &[form("idx uni?", "u32 label")],
        ),
    ),
    op(
        Opcode::Call,
        Work::Branch,
        "Calls a function, by name or by address with its prototype.",
        &[form("uni?", "any any? any? any?")],
    ),
    op(
        Opcode::Ret,
        Work::Branch,
        "Returns from a function; ends the thread in a kernel.",
        &[form("uni?", "")],
    ),
    op(Opcode::Exit, Work::Branch, "Ends the thread.", &[form("", "")]),
    op(
        Opcode::Trap,
        Work::Branch,
        "Ends the launch with an error.",
        &[form("", "")],
    ),
    op(
        Opcode::Pmevent,
        Work::Branch,
        "Counts an event for a profiler: changes no result.",
        &[form("mask?", "imm")],
    ),
    op(
        Opcode::Brkpt,
        Work::Branch,
        "Stops for a debugger.",
        &[form("", "")],
    ),
    since(
        6,
        3,
        op(
            Opcode::Nanosleep,
            Work::Branch,
            "Waits about a nanoseconds.",
            &[form("u32", "T")],
        ),
    ),
    // ---- synchronisation, atomics, warps ----
    op(
        Opcode::Bar,
        Work::Barrier,
        "Barrier of a block's warps, with an optional reduction; `.warp`: of a warp's lanes.",
        BARRIER,
    ),
    since(
        6,
        0,
        op(
            Opcode::Barrier,
            Work::Barrier,
            "Barrier that not all threads of a warp need to meet together.",
            BARRIER,
        ),
    ),
    op(
        Opcode::Membar,
        Work::Barrier,
        "Orders memory accesses.",
        &[form("cta|gl|sys", ""), later("proxy alias|async|tensormap", "")],
    ),
    since(
        6,
        0,
        op(
            Opcode::Fence,
            Work::Barrier,
            "Orders memory accesses.",
            &[
                form("sc|acq_rel|acquire|release? $scope", ""),
                later(
                    "proxy alias|async|tensormap|async::generic|tensormap::generic sc|acq_rel|acquire|release? $scope? global|shared::cta|shared::cluster? sync_restrict|acquire::sync_restrict|release::sync_restrict?",
                    "[]? imm?",
                ),
                later("mbarrier_init release cluster", ""),
                later(
                    "acquire|release sync_restrict shared::cluster|shared::cta $scope",
                    "",
                ),
            ],
        ),
    ),
    op(
        Opcode::Atom,
        Work::Atomic,
        "d = memory at a, and memory at a = memory op b, in one step.",
        &[
            form(
                "relaxed|acquire|release|acq_rel? $scope? $space? add|inc|dec|min|max|and|or|xor|exch noftz? L2::cache_hint? b32|b64|b128|u32|u64|s32|s64|f32|f64|$half",
                "=T [] T b64?",
            ),
            form(
                "relaxed|acquire|release|acq_rel? $scope? $space? cas L2::cache_hint? b16|b32|b64|b128|u32|u64|s32|s64",
                "=T [] T T b64?",
            ),
            form(
                "relaxed|acquire|release|acq_rel? $scope? global? add|min|max noftz? L2::cache_hint? $vector f32|$half",
                "=V [] V b64?",
            ),
        ],
    ),
    op(
        Opcode::Red,
        Work::Atomic,
        "Memory at a = memory op b, in one step.",
        &[
            form(
                "relaxed|release? $scope? $space? add|inc|dec|min|max|and|or|xor noftz? L2::cache_hint? b32|b64|u32|u64|s32|s64|f32|f64|$half",
                "[] T b64?",
            ),
            form(
                "relaxed|release? $scope? global? add|min|max noftz? L2::cache_hint? $vector f32|$half",
                "[] V b64?",
            ),
            later(
                "async relaxed? cluster? shared::cluster? mbarrier::complete_tx::bytes? add|inc|dec|min|max|and|or|xor b32|b64|u32|u64|s32|s64",
                "[] T []?",
            ),
        ],
    ),
    op(
        Opcode::Vote,
        Work::Shuffle,
        "d = whether all, any or the same, or a bit for each lane that holds a predicate.",
        &[
            form("all|any|uni pred", "=pred pred"),
            form("ballot b32", "=b32 pred"),
            form("sync all|any|uni pred", "=pred pred u32"),
            form("sync ballot b32", "=b32 pred u32"),
        ],
    ),
    since(
        6,
        0,
        op(
            Opcode::Match,
            Work::Shuffle,
            "d = the lanes that hold the same value.",
            &[
                form("any sync b32|b64", "=b32 T u32"),
                form("all sync b32|b64", "=b32|pred T u32"),
            ],
        ),
    ),
    since(
        6,
        2,
        op(
            Opcode::Activemask,
            Work::Shuffle,
            "d = the lanes that execute.",
            &[form("b32", "=T")],
        ),
    ),
    since(
        8,
        0,
        op(
            Opcode::Elect,
            Work::Shuffle,
            "Picks one lane.",
            &[form("sync", "=b32|pred u32")],
        ),
    ),
    since(
        7,
        0,
        op(
            Opcode::Redux,
            Work::Shuffle,
            "d = a reduced over lanes.",
            &[
                form("sync add|min|max u32|s32", "=T T u32"),
                form("sync and|or|xor b32", "=T T u32"),
                form("sync min|max abs? NaN? f32", "=T T u32"),
            ],
        ),
    ),
    since(
        3,
        0,
        op(Opcode::Shfl, Work::Shuffle, "d = a of another lane.", EXCHANGE),
    ),
    // ---- known, not executed ----
    unknown(Opcode::Alloca, Work::Memory, "Takes memory from the stack."),
    unknown(
        Opcode::Applypriority,
        Work::Memory,
        "Sets the priority of cache lines.",
    ),
    unknown(
        Opcode::Clusterlaunchcontrol,
        Work::Barrier,
        "Takes over another cluster's work.",
    ),
    unknown(
        Opcode::Cp,
        Work::Memory,
        "Copies asynchronously (`cp.async`, `cp.async.bulk`, ...).",
    ),
    unknown(Opcode::Createpolicy, Work::Memory, "Makes a cache policy."),
    unknown(
        Opcode::Getctarank,
        Work::Move,
        "Rank of the block a shared address belongs to.",
    ),
    unknown(Opcode::Griddepcontrol, Work::Barrier, "Orders dependent grids."),
    unknown(
        Opcode::Istypep,
        Work::Move,
        "Whether a name is a texture, sampler or surface.",
    ),
    unknown(
        Opcode::Ldmatrix,
        Work::Memory,
        "Loads matrices, spread over a warp.",
    ),
    unknown(
        Opcode::Mapa,
        Work::Move,
        "Address of a variable in another block's shared memory.",
    ),
    unknown(Opcode::Mbarrier, Work::Barrier, "Barriers in memory."),
    unknown(Opcode::Mma, Work::Tensor, "Matrix product of a warp."),
    unknown(
        Opcode::Movmatrix,
        Work::Shuffle,
        "Transposes a matrix over a warp.",
    ),
    unknown(
        Opcode::Multimem,
        Work::Memory,
        "Accesses the memory of several GPUs.",
    ),
    unknown(
        Opcode::Setmaxnreg,
        Work::Branch,
        "Changes the number of registers.",
    ),
    unknown(Opcode::Stackrestore, Work::Memory, "Sets the stack pointer."),
    unknown(Opcode::Stacksave, Work::Memory, "Reads the stack pointer."),
    unknown(
        Opcode::Stmatrix,
        Work::Memory,
        "Stores matrices, spread over a warp.",
    ),
    unknown(Opcode::Suld, Work::Memory, "Loads from a surface."),
    unknown(Opcode::Suq, Work::Memory, "Attribute of a surface."),
    unknown(Opcode::Sured, Work::Atomic, "Reduces into a surface."),
    unknown(Opcode::Sust, Work::Memory, "Stores to a surface."),
    unknown(
        Opcode::Tcgen05,
        Work::Tensor,
        "Matrix products of a tensor core with its own memory.",
    ),
    unknown(Opcode::Tensormap, Work::Memory, "Changes a tensor's description."),
    unknown(Opcode::Tex, Work::Memory, "Reads a texture."),
    unknown(Opcode::Tld4, Work::Memory, "Reads four neighbours of a texture."),
    unknown(Opcode::Txq, Work::Memory, "Attribute of a texture."),
    unknown(Opcode::Vabsdiff, Work::Add, "Video: absolute difference."),
    unknown(
        Opcode::Vabsdiff2,
        Work::Add,
        "Video: absolute difference of halves.",
    ),
    unknown(
        Opcode::Vabsdiff4,
        Work::Add,
        "Video: absolute difference of bytes.",
    ),
    unknown(Opcode::Vadd, Work::Add, "Video: sum."),
    unknown(Opcode::Vadd2, Work::Add, "Video: sum of halves."),
    unknown(Opcode::Vadd4, Work::Add, "Video: sum of bytes."),
    unknown(Opcode::Vavrg2, Work::Add, "Video: mean of halves."),
    unknown(Opcode::Vavrg4, Work::Add, "Video: mean of bytes."),
    unknown(Opcode::Vmad, Work::Mad, "Video: product and sum."),
    unknown(Opcode::Vmax, Work::Max, "Video: maximum."),
    unknown(Opcode::Vmax2, Work::Max, "Video: maximum of halves."),
    unknown(Opcode::Vmax4, Work::Max, "Video: maximum of bytes."),
    unknown(Opcode::Vmin, Work::Max, "Video: minimum."),
    unknown(Opcode::Vmin2, Work::Max, "Video: minimum of halves."),
    unknown(Opcode::Vmin4, Work::Max, "Video: minimum of bytes."),
    unknown(Opcode::Vset, Work::Max, "Video: comparison."),
    unknown(Opcode::Vset2, Work::Max, "Video: comparison of halves."),
    unknown(Opcode::Vset4, Work::Max, "Video: comparison of bytes."),
    unknown(Opcode::Vshl, Work::Logic, "Video: shift left."),
    unknown(Opcode::Vshr, Work::Logic, "Video: shift right."),
    unknown(Opcode::Vsub, Work::Add, "Video: difference."),
    unknown(Opcode::Vsub2, Work::Add, "Video: difference of halves."),
    unknown(Opcode::Vsub4, Work::Add, "Video: difference of bytes."),
    unknown(Opcode::Wgmma, Work::Tensor, "Matrix product of a warp group."),
    unknown(
        Opcode::Wmma,
        Work::Tensor,
        "Matrix product of a warp, loads and stores of its fragments.",
    ),
];
