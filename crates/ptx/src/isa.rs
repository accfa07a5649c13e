//! The PTX instruction set as one table: every opcode, modifier, type, state space and special register is
//! declared here once; parser, printer, checker, override, lowering and reference page follow from it.

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
    /// of the launch's format.
    ScalarType {
        B8 = "b8", B16 = "b16", B32 = "b32", B64 = "b64", B128 = "b128",
        U8 = "u8", U16 = "u16", U32 = "u32", U64 = "u64", U16x2 = "u16x2",
        S8 = "s8", S16 = "s16", S32 = "s32", S64 = "s64", S16x2 = "s16x2",
        F16 = "f16", F16x2 = "f16x2", F32 = "f32", F32x2 = "f32x2", F64 = "f64",
        Bf16 = "bf16", Bf16x2 = "bf16x2", Tf32 = "tf32", Vf32 = "vf32",
        E4m3 = "e4m3", E5m2 = "e5m2", E4m3x2 = "e4m3x2", E5m2x2 = "e5m2x2", E4m3x4 = "e4m3x4", E5m2x4 = "e5m2x4",
        Pred = "pred",
    }
}

spelled! {
    /// State space of a variable or an access.
    StateSpace {
        Reg = "reg", Sreg = "sreg", Const = "const", Global = "global", Local = "local", Param = "param",
        Shared = "shared",
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
    }
}

spelled! {
    /// Opcodes: what stands before the first dot (`cp.async` and the like keep their dots).
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
    }
}

/// Everything dotted after an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // named as spelled
pub enum Modifier {
    Type(ScalarType),
    Space(StateSpace),
    V2, V4, V8,
    Rn, Rz, Rm, Rp, Rna, Rni, Rzi, Rmi, Rpi,
    Approx, Full, Ftz, Sat, Satfinite, Relu, Nan, Xorsign, Abs,
    Lo, Hi, Wide, Cc,
    Eq, Ne, Lt, Le, Gt, Ge, Ls, Hs, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, // `.lo`, `.hi`, `.nan` double as comparisons
    And, Or, Xor, Popc,
    Add, Inc, Dec, Min, Max, Exch, Cas,
    Uni, To, Sync, Aligned, Arrive, Red, Warp, Cta, Cluster, Gl, Sys, Gpu, All, Any, Ballot, Uni2,
    Up, Down, Bfly, Idx, Wrap, Clamp, L, R, Shiftamt, B4e, F4e, Rc8, Rc16, Ecl, Ecr, Mode,
    Volatile, Relaxed, Acquire, Release, AcqRel, Sc, Weak, Nc, Ca, Cg, Cs, Lu, Cv, Wb, Wt, Noftz,
    Finite, Infinite, Number, Notanumber, Normal, Subnormal,
}
