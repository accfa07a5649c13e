//! Instructions that move, convert, branch and synchronise, and those known by name only.

use super::{Class, Entry, Form, Opcode, Work, form, later, op, since, unknown, vp};

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
    form("up|down|bfly|idx b32|u32|s32|f32", "=T|pred T b32 b32"),
    form("sync up|down|bfly|idx b32|u32|s32|f32", "=T|pred T b32 b32 b32"),
];

pub(super) const TABLE: &[Entry] = &[
    // ---- data movement and conversion ----
    op(
        Opcode::Mov,
        Work::Move,
        "d = a: a register, constant, special register or address; or packs and unpacks vectors.",
        &[
            form("$vector? pred|b128|$value|f16|f16x2|bf16|bf16x2|vf32", "=P P"),
            form("f32|b32 into", "=T T"),
        ],
    ),
    vp(
        Opcode::Cvt,
        Work::Convert,
        Class::Convert,
        "d = a, converted.",
        &[
            form("sat? $int8 $int8", "=~T ~T2"),
            form("rni|rzi|rmi|rpi ftz? sat? f32 f32 into", "=T T2"),
            form("$round f32 $int8|f64 into", "=T ~T2"),
            form("$round ftz? sat? f16|bf16|f32|f64 $int8", "=~T ~T2"),
            form("rni|rzi|rmi|rpi ftz? sat? $int8 f16|bf16|f32|f64|vf32", "=~T ~T2"),
            form(
                "$round|rni|rzi|rmi|rpi? ftz? sat? relu? satfinite? f16|f32|f64 f16|bf16|f32|f64|vf32",
                "=~T ~T2",
            ),
            form(
                "$round|rni|rzi|rmi|rpi? ftz? sat? relu? satfinite? bf16 f16|bf16|f32|f64|vf32",
                "=~T ~T2",
            ),
            form(
                "$vround|rni|rzi|rmi|rpi? ftz? sat? vf32 f16|bf16|f32|f64|vf32|$int8",
                "=~T ~T2",
            ),
            form("rn|rna|rz relu? satfinite? tf32 f32", "=~T ~T2"),
            form("rn|rz ftz? relu? satfinite? f16x2|bf16x2 f32", "=~T T2 T2"),
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
            form("weak|volatile? $space? wb|cg|cs|wt? $hint* f32|b32 into", "[] T"),
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
                "relaxed|acquire|release|acq_rel? $scope? $space? add|inc|dec|min|max|and|or|xor|exch noftz? L2::cache_hint? b32|b64|u32|u64|s32|s64|f32|f64|$half",
                "=T [] T b64?",
            ),
            form(
                "relaxed|acquire|release|acq_rel? $scope? $space? exch|cas L2::cache_hint? b128",
                "=T [] T T? b64?",
            ),
            form(
                "relaxed|acquire|release|acq_rel? $scope? $space? add $vround? noftz? L2::cache_hint? vf32",
                "=T [] T b64?",
            ),
            form(
                "relaxed|acquire|release|acq_rel? $scope? $space? cas L2::cache_hint? b16|b32|b64|u32|u64|s32|s64",
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
                "relaxed|release? $scope? $space? add $vround? noftz? L2::cache_hint? vf32",
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
