//! The PTX instruction set as one table: every opcode, modifier, type, state space and special register is
//! declared here once; parser, printer, checker, override, lowering and reference page follow from it.

mod form;
mod lookup;
mod table;

use std::collections::BTreeSet;
use std::sync::Mutex;

pub use form::Form;
pub(crate) use form::{Miss, Pattern, Shape, Want};
pub use lookup::{
    Class, Entry, Latency, Unit, Work, entry, is_form, is_supported, is_variable, latency, reference,
};
pub(crate) use lookup::{all_modifier_words, modifier_words, shapes};
pub use table::table;

/// Declares an enum whose variants each have one PTX spelling.
macro_rules! spelled {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // the spelling beside each variant says what it is
        pub enum $name { $($(#[$vmeta])* $variant),* }
        impl $name {
            /// Every variant, in the order declared.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            /// The PTX spelling, without a leading dot.
            pub const fn text(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
            /// The variant spelled `text`.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.text()) }
        }
    };
}

spelled! {
    /// Type of a register, a variable or an operation. `Vf32` is Vernier's: an f32 register holding a value
    /// of the launch's format, or of the one that the instruction names (see [`crate::ast::Numerics`]).
    ScalarType {
        B8 = "b8", B16 = "b16", B32 = "b32", B64 = "b64", B128 = "b128",
        U8 = "u8", U16 = "u16", U32 = "u32", U64 = "u64", U16x2 = "u16x2",
        S8 = "s8", S16 = "s16", S32 = "s32", S64 = "s64", S16x2 = "s16x2",
        F16 = "f16", F16x2 = "f16x2", F32 = "f32", F32x2 = "f32x2", F64 = "f64",
        Bf16 = "bf16", Bf16x2 = "bf16x2", Tf32 = "tf32", Vf32 = "vf32",
        E4m3 = "e4m3", E5m2 = "e5m2", E4m3x2 = "e4m3x2", E5m2x2 = "e5m2x2", E4m3x4 = "e4m3x4", E5m2x4 = "e5m2x4",
        Pred = "pred", Texref = "texref", Samplerref = "samplerref", Surfref = "surfref",
    }
}

spelled! {
    /// State space of a variable or an access.
    StateSpace {
        Reg = "reg", Sreg = "sreg", Const = "const", Global = "global", Local = "local", Param = "param",
        Shared = "shared", SharedCta = "shared::cta", SharedCluster = "shared::cluster",
        ParamEntry = "param::entry", ParamFunc = "param::func", Tex = "tex",
    }
}

spelled! {
    /// Special registers that may be read.
    SpecialRegister {
        TidX = "%tid.x", TidY = "%tid.y", TidZ = "%tid.z",
        NtidX = "%ntid.x", NtidY = "%ntid.y", NtidZ = "%ntid.z",
        CtaidX = "%ctaid.x", CtaidY = "%ctaid.y", CtaidZ = "%ctaid.z",
        NctaidX = "%nctaid.x", NctaidY = "%nctaid.y", NctaidZ = "%nctaid.z",
        Laneid = "%laneid", Warpid = "%warpid", Nwarpid = "%nwarpid", Smid = "%smid", Nsmid = "%nsmid",
        Gridid = "%gridid",
        LanemaskEq = "%lanemask_eq", LanemaskLt = "%lanemask_lt", LanemaskLe = "%lanemask_le",
        LanemaskGt = "%lanemask_gt", LanemaskGe = "%lanemask_ge",
        Clock = "%clock", ClockHi = "%clock_hi", Clock64 = "%clock64", Globaltimer = "%globaltimer",
        GlobaltimerLo = "%globaltimer_lo", GlobaltimerHi = "%globaltimer_hi",
        DynamicSmemSize = "%dynamic_smem_size", TotalSmemSize = "%total_smem_size",
        WarpSz = "WARP_SZ",
        ClusteridX = "%clusterid.x", ClusteridY = "%clusterid.y", ClusteridZ = "%clusterid.z",
        NclusteridX = "%nclusterid.x", NclusteridY = "%nclusterid.y", NclusteridZ = "%nclusterid.z",
        ClusterCtaidX = "%cluster_ctaid.x", ClusterCtaidY = "%cluster_ctaid.y", ClusterCtaidZ = "%cluster_ctaid.z",
        ClusterNctaidX = "%cluster_nctaid.x", ClusterNctaidY = "%cluster_nctaid.y",
        ClusterNctaidZ = "%cluster_nctaid.z",
        ClusterCtarank = "%cluster_ctarank", ClusterNctarank = "%cluster_nctarank",
        IsExplicitCluster = "%is_explicit_cluster", AggrSmemSize = "%aggr_smem_size",
        ReservedSmemOffsetBegin = "%reserved_smem_offset_begin", ReservedSmemOffsetEnd = "%reserved_smem_offset_end",
        ReservedSmemOffsetCap = "%reserved_smem_offset_cap",
        ReservedSmemOffset0 = "%reserved_smem_offset_0", ReservedSmemOffset1 = "%reserved_smem_offset_1",
        CurrentGraphExec = "%current_graph_exec",
        // Driver state: 1 and 2 hold the address of the grid barrier of a cooperative launch.
        Envreg0 = "%envreg0", Envreg1 = "%envreg1", Envreg2 = "%envreg2", Envreg3 = "%envreg3",
        Envreg4 = "%envreg4", Envreg5 = "%envreg5", Envreg6 = "%envreg6", Envreg7 = "%envreg7",
        Envreg8 = "%envreg8", Envreg9 = "%envreg9", Envreg10 = "%envreg10", Envreg11 = "%envreg11",
        Envreg12 = "%envreg12", Envreg13 = "%envreg13", Envreg14 = "%envreg14", Envreg15 = "%envreg15",
        Envreg16 = "%envreg16", Envreg17 = "%envreg17", Envreg18 = "%envreg18", Envreg19 = "%envreg19",
        Envreg20 = "%envreg20", Envreg21 = "%envreg21", Envreg22 = "%envreg22", Envreg23 = "%envreg23",
        Envreg24 = "%envreg24", Envreg25 = "%envreg25", Envreg26 = "%envreg26", Envreg27 = "%envreg27",
        Envreg28 = "%envreg28", Envreg29 = "%envreg29", Envreg30 = "%envreg30", Envreg31 = "%envreg31",
        Pm0 = "%pm0", Pm1 = "%pm1", Pm2 = "%pm2", Pm3 = "%pm3",
        Pm4 = "%pm4", Pm5 = "%pm5", Pm6 = "%pm6", Pm7 = "%pm7",
        Pm0Wide = "%pm0_64", Pm1Wide = "%pm1_64", Pm2Wide = "%pm2_64", Pm3Wide = "%pm3_64",
        Pm4Wide = "%pm4_64", Pm5Wide = "%pm5_64", Pm6Wide = "%pm6_64", Pm7Wide = "%pm7_64",
    }
}

spelled! {
    /// Opcodes: what stands before the first dot (`async` of `cp.async` is a modifier).
    Opcode {
        Abs = "abs", Activemask = "activemask", Add = "add", Addc = "addc", Addm = "addm", And = "and",
        Atom = "atom", Bar = "bar", Barrier = "barrier", Bfe = "bfe", Bfi = "bfi", Bfind = "bfind", Bmsk = "bmsk",
        Bra = "bra", Brev = "brev", Brkpt = "brkpt", Brx = "brx", Call = "call", Clz = "clz", Cnot = "cnot",
        Copysign = "copysign", Cos = "cos", Cvt = "cvt", Cvta = "cvta", Discard = "discard", Div = "div",
        Dp2a = "dp2a", Dp4a = "dp4a", Elect = "elect", Ex2 = "ex2", Exit = "exit", Fence = "fence", Fma = "fma",
        Fmam = "fmam", Fns = "fns", Isspacep = "isspacep", Ld = "ld", Ldu = "ldu", Lg2 = "lg2", Lop3 = "lop3",
        Mad = "mad", Mad24 = "mad24", Madc = "madc", Match = "match", Max = "max", Membar = "membar", Min = "min",
        Mov = "mov", Mul = "mul", Mul24 = "mul24", Nanosleep = "nanosleep", Neg = "neg", Not = "not", Or = "or",
        Popc = "popc", Prefetch = "prefetch", Prefetchu = "prefetchu", Prmt = "prmt", Rcp = "rcp", Red = "red",
        Redux = "redux", Rem = "rem", Ret = "ret", Rsqrt = "rsqrt", Sad = "sad", Selp = "selp", Set = "set",
        Setp = "setp", Shf = "shf", Shfl = "shfl", Shl = "shl", Shr = "shr", Sin = "sin", Slct = "slct",
        Sqrt = "sqrt", St = "st", Sub = "sub", Subc = "subc", Szext = "szext", Tanh = "tanh", Testp = "testp",
        Trap = "trap", Vote = "vote", Xor = "xor",
        // Known by name, not executed by Vernier (`supported: false` in the table).
        Alloca = "alloca", Applypriority = "applypriority", Clusterlaunchcontrol = "clusterlaunchcontrol", Cp = "cp",
        Createpolicy = "createpolicy", Getctarank = "getctarank", Griddepcontrol = "griddepcontrol",
        Istypep = "istypep", Ldmatrix = "ldmatrix", Mapa = "mapa", Mbarrier = "mbarrier", Mma = "mma",
        Movmatrix = "movmatrix", Multimem = "multimem", Pmevent = "pmevent", Setmaxnreg = "setmaxnreg",
        Stackrestore = "stackrestore", Stacksave = "stacksave", Stmatrix = "stmatrix", Suld = "suld", Suq = "suq",
        Sured = "sured", Sust = "sust", Tcgen05 = "tcgen05", Tensormap = "tensormap", Tex = "tex", Tld4 = "tld4",
        Txq = "txq", Vabsdiff = "vabsdiff", Vabsdiff2 = "vabsdiff2", Vabsdiff4 = "vabsdiff4", Vadd = "vadd",
        Vadd2 = "vadd2", Vadd4 = "vadd4", Vavrg2 = "vavrg2", Vavrg4 = "vavrg4", Vmad = "vmad", Vmax = "vmax",
        Vmax2 = "vmax2", Vmax4 = "vmax4", Vmin = "vmin", Vmin2 = "vmin2", Vmin4 = "vmin4", Vset = "vset",
        Vset2 = "vset2", Vset4 = "vset4", Vshl = "vshl", Vshr = "vshr", Vsub = "vsub", Vsub2 = "vsub2",
        Vsub4 = "vsub4", Wgmma = "wgmma", Wmma = "wmma",
    }
}

/// Declares [`Modifier`] from the words that have one spelling each.
macro_rules! modifiers {
    ($($variant:ident = $text:literal),* $(,)?) => {
        /// Everything dotted after an opcode. A word with two meanings (`.lo`, `.and`, `.red`, `.nan`) has one variant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // named as spelled
        pub enum Modifier {
            /// `.f32` and the like.
            Type(ScalarType),
            /// `.global` and the like.
            Space(StateSpace),
            /// A word of the ISA that Vernier keeps but does not interpret: cache hints, shapes of matrix
            /// instructions, ... without its dot.
            Other(&'static str),
            $($variant),*,
            /// Never parsed; spelled like [`Modifier::Uni`].
            Uni2,
        }
        impl Modifier {
            /// The words, types and spaces left out.
            pub const WORDS: &'static [(&'static str, Modifier)] = &[$(($text, Modifier::$variant)),*];
            /// The PTX spelling, without the dot.
            pub const fn text(self) -> &'static str {
                match self {
                    Modifier::Type(t) => t.text(),
                    Modifier::Space(s) => s.text(),
                    Modifier::Other(text) => text,
                    Modifier::Uni2 => "uni",
                    $(Modifier::$variant => $text),*
                }
            }
            /// The spelling behind an opcode: `.NaN` of min and max is `.nan` where it compares.
            pub const fn text_in(self, opcode: Opcode) -> &'static str {
                match (self, opcode) {
                    (Modifier::Nan, Opcode::Setp | Opcode::Set) => "nan",
                    _ => self.text(),
                }
            }
            /// The modifier spelled `text`: a word, a type, a state space or one of [`OTHER_WORDS`].
            pub fn from_text(text: &str) -> Option<Self> {
                match text {
                    "nan" => Some(Modifier::Nan),
                    $($text => Some(Modifier::$variant),)*
                    _ => ScalarType::from_text(text).map(Modifier::Type)
                        .or_else(|| StateSpace::from_text(text).map(Modifier::Space))
                        .or_else(|| OTHER_WORDS.iter().find(|w| **w == text).map(|w| Modifier::Other(w))),
                }
            }
        }
        impl std::fmt::Display for Modifier {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.text()) }
        }
    };
}

modifiers! {
    V2 = "v2", V4 = "v4", V8 = "v8", Rn = "rn", Rz = "rz", Rm = "rm", Rp = "rp", Rna = "rna",
    Ra = "ra", Ro = "ro", Rs = "rs",
    Rni = "rni", Rzi = "rzi", Rmi = "rmi", Rpi = "rpi", Approx = "approx", Full = "full", Ftz = "ftz",
    Sat = "sat", Satfinite = "satfinite", Relu = "relu", Nan = "NaN", Xorsign = "xorsign", Abs = "abs",
    Lo = "lo", Hi = "hi", Wide = "wide", Cc = "cc", Eq = "eq", Ne = "ne", Lt = "lt", Le = "le",
    Gt = "gt", Ge = "ge", Ls = "ls", Hs = "hs", Equ = "equ", Neu = "neu", Ltu = "ltu", Leu = "leu",
    Gtu = "gtu", Geu = "geu", Num = "num", And = "and", Or = "or", Xor = "xor", Popc = "popc",
    Add = "add", Inc = "inc", Dec = "dec", Min = "min", Max = "max", Exch = "exch", Cas = "cas",
    Uni = "uni", To = "to", Into = "into", Sync = "sync", Aligned = "aligned", Arrive = "arrive", Red = "red",
    Warp = "warp", Cta = "cta", Cluster = "cluster", Gl = "gl", Sys = "sys", Gpu = "gpu", All = "all",
    Any = "any", Ballot = "ballot", Up = "up", Down = "down", Bfly = "bfly", Idx = "idx",
    Wrap = "wrap", Clamp = "clamp", L = "l", R = "r", Shiftamt = "shiftamt", B4e = "b4e", F4e = "f4e",
    Rc8 = "rc8", Rc16 = "rc16", Ecl = "ecl", Ecr = "ecr", Mode = "mode", Volatile = "volatile",
    Relaxed = "relaxed", Acquire = "acquire", Release = "release", AcqRel = "acq_rel", Sc = "sc",
    Weak = "weak", Nc = "nc", Ca = "ca", Cg = "cg", Cs = "cs", Lu = "lu", Cv = "cv", Wb = "wb",
    Wt = "wt", Noftz = "noftz", Finite = "finite", Infinite = "infinite", Number = "number",
    Notanumber = "notanumber", Normal = "normal", Subnormal = "subnormal",
}

/// Words of the ISA that are kept as [`Modifier::Other`]: hints that change no result, and forms of supported
/// opcodes that Vernier does not execute.
pub const OTHER_WORDS: &[&str] = &[
    // Cache hints.
    "L1::evict_normal",
    "L1::evict_unchanged",
    "L1::evict_first",
    "L1::evict_last",
    "L1::no_allocate",
    "L2::cache_hint",
    "L2::evict_normal",
    "L2::evict_first",
    "L2::evict_last",
    "L2::64B",
    "L2::128B",
    "L2::256B",
    "L2",
    "L1",
    "unified",
    "tensormap",
    "evict_last",
    "evict_normal",
    // Forms of opcodes that are otherwise supported.
    "async",
    "bulk",
    "proxy",
    "alias",
    "mmio",
    "pack",
    "scaled",
    "v16",
    "b8x16",
    "oob",
    "mbarrier_init",
    "mbarrier",
    "sync_restrict",
    "acquire::sync_restrict",
    "release::sync_restrict",
    "proxy::async",
    "async::generic",
    "complete_tx::bytes",
    "mbarrier::complete_tx::bytes",
    "barrier",
    "wait",
    "mask",
    "generic",
    "reduce",
    "noinc",
    "tensormap::generic",
    "to::generic",
    "s2f6x2",
    "ue8m0x2",
    "e2m1x2",
    "e2m1x4",
    "e2m3x2",
    "e2m3x4",
    "e3m2x2",
    "e3m2x4",
    "e2m1",
    "e2m3",
    "e3m2",
    "ue8m0",
    "ue4m3",
];

impl StateSpace {
    /// The space whose rules hold: `.shared::cta` is `.shared`, `.param::entry` is `.param`.
    pub const fn base(self) -> Self {
        match self {
            StateSpace::SharedCta => StateSpace::Shared,
            StateSpace::ParamEntry | StateSpace::ParamFunc => StateSpace::Param,
            other => other,
        }
    }
}

impl SpecialRegister {
    /// Its width in bits. `%gridid` had 32 before PTX 3.0; reading it with `mov` takes either.
    pub const fn bits(self) -> u32 {
        use SpecialRegister::*;
        match self {
            Clock64 | Globaltimer | Gridid | CurrentGraphExec | Pm0Wide | Pm1Wide | Pm2Wide | Pm3Wide
            | Pm4Wide | Pm5Wide | Pm6Wide | Pm7Wide => 64,
            _ => 32,
        }
    }
}

/// What a type is made of, as far as operand checks care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// `.b8` ... `.b128`: no interpretation.
    Bits,
    /// `.u8` ... `.u64`.
    Unsigned,
    /// `.s8` ... `.s64`.
    Signed,
    /// Floating point, packed or not.
    Float,
    /// `.pred`.
    Predicate,
    /// `.texref` and the like.
    Opaque,
}

impl ScalarType {
    /// Size of a value in bits; 1 for a predicate, 64 for a texture reference.
    pub const fn bits(self) -> u32 {
        use ScalarType::*;
        match self {
            Pred => 1,
            B8 | U8 | S8 | E4m3 | E5m2 => 8,
            B16 | U16 | S16 | F16 | Bf16 | E4m3x2 | E5m2x2 => 16,
            B32 | U32 | S32 | U16x2 | S16x2 | F16x2 | F32 | Bf16x2 | Tf32 | Vf32 | E4m3x4 | E5m2x4 => 32,
            B64 | U64 | S64 | F32x2 | F64 | Texref | Samplerref | Surfref => 64,
            B128 => 128,
        }
    }
    /// Size in memory, bytes.
    pub const fn bytes(self) -> u32 {
        self.bits().div_ceil(8)
    }
    /// What it is made of.
    pub const fn kind(self) -> TypeKind {
        use ScalarType::*;
        match self {
            B8 | B16 | B32 | B64 | B128 => TypeKind::Bits,
            U8 | U16 | U32 | U64 | U16x2 => TypeKind::Unsigned,
            S8 | S16 | S32 | S64 | S16x2 => TypeKind::Signed,
            F16 | F16x2 | F32 | F32x2 | F64 | Bf16 | Bf16x2 | Tf32 | Vf32 | E4m3 | E5m2 | E4m3x2 | E5m2x2
            | E4m3x4 | E5m2x4 => TypeKind::Float,
            Pred => TypeKind::Predicate,
            Texref | Samplerref | Surfref => TypeKind::Opaque,
        }
    }
}

/// A word with no meaning in this crate: the name of a number format, say. Each different word is stored once
/// for the life of the process, so it copies and compares like a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(&'static str);

impl Word {
    /// The word, if it is one that can stand behind `.vf32::`: letters a to z, digits and `_`.
    pub fn new(text: &str) -> Option<Word> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        (!text.is_empty() && text.bytes().all(fits)).then(|| Word(kept(text)))
    }

    /// Its text.
    pub const fn text(self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A modifier of an instruction that Vernier does not execute (`m16n8k16`, `1d`): kept, with no meaning.
pub(crate) fn intern(word: &str) -> Modifier {
    Modifier::Other(kept(word))
}

fn kept(word: &str) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut words = WORDS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(known) = words.get(word) {
        return known;
    }
    let kept: &'static str = Box::leak(word.to_string().into_boxed_str());
    words.insert(kept);
    kept
}
