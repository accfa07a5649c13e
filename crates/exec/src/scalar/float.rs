//! Floating-point arithmetic over `f32`, `f64`, `f16`, `bf16` and the packed types.

use vfloat::functions;

use super::exact::{Layout, RN, round_f64};
use super::*;

/// A binary floating-point type of a register.
pub(super) trait Value: Bits {
    /// Codes: the sign bit, one, the largest finite number, the canonical NaN.
    const SIGN: u64;
    const ONE: u64;
    const MAX: u64;
    const NAN: u64;
    /// The number, exactly.
    fn to_f64(self) -> f64;
    /// A number rounded into the type; NaN becomes the canonical one.
    fn round<const M: u8>(x: f64) -> Self;
    /// An integer rounded into the type. (Rounded to odd to 53 digits first, which is exact enough for all
    /// types of at most 51.)
    fn of_int<const M: u8>(negative: bool, magnitude: u64) -> Self {
        let odd = if magnitude >> 53 == 0 {
            magnitude as f64
        } else {
            (magnitude >> 11 | u64::from(magnitude << 53 != 0)) as f64 * 2048.0
        };
        Self::round::<M>(if negative { -odd } else { odd })
    }
    /// The number with what `.sat`, `.relu` or `.satfinite` do to it.
    #[inline(always)]
    fn bounded<const P: u8>(self) -> Self {
        let x = self.to_f64();
        let relu = matches!(P, RELU | RELU_FINITE);
        let finite = matches!(P, FINITE | RELU_FINITE);
        if P == AS_IS {
            self
        } else if P == SAT {
            let positive = if x < 1.0 { self } else { Self::of(Self::ONE) };
            if x > 0.0 { positive } else { Self::of(0) }
        } else if x.is_nan() {
            Self::of(Self::NAN)
        } else if relu && x <= 0.0 {
            Self::of(0)
        } else if finite && x.is_infinite() {
            Self::of(Self::MAX | if x < 0.0 { Self::SIGN } else { 0 })
        } else {
            self
        }
    }
}

macro_rules! value {
    ($t:ident, $layout:ident, one $one:literal, |$x:ident| $to:expr, $M:ident |$y:ident| $round:expr $(, $of_int:item)?) => {
        impl Value for $t {
            const SIGN: u64 = 1 << Layout::$layout.sign_bit;
            const ONE: u64 = $one;
            const MAX: u64 = Layout::$layout.max_finite;
            const NAN: u64 = Layout::$layout.nan;
            #[inline(always)]
            fn to_f64(self) -> f64 { let $x = self; $to }
            #[inline(always)]
            fn round<const $M: u8>($y: f64) -> Self { $round }
            $($of_int)?
        }
    };
}
value!(f32, F32, one 0x3f80_0000, |x| f64::from(x), M |y| ieee::canonical_f32(ieee::round_f32::<M>(y)));
value!(f64, F64, one 0x3ff0_0000_0000_0000, |x| x, M |y| ieee::canonical_f64(y),
    fn of_int<const M: u8>(negative: bool, magnitude: u64) -> f64 {
        f64::from_bits(exact::Exact::of_int(negative && magnitude != 0, magnitude).round(M, Layout::F64))
    }
);
value!(Binary16, F16, one 0x3c00, |x| f64::from(x.to_f32()), M |y| Binary16::round::<M>(y));
value!(Bfloat16, BF16, one 0x3f80, |x| f64::from(x.to_f32()), M |y| Bfloat16::round::<M>(y));
value!(Fp8E4m3, E4M3, one 0x38, |x| Fp8E4m3::to_f64(x), M |y| Fp8E4m3::round::<M>(y));
value!(Fp8E5m2, E5M2, one 0x3c, |x| Fp8E5m2::to_f64(x), M |y| Fp8E5m2::round::<M>(y));

/// An `f32` register of an instruction with `.ftz`.
#[derive(Clone, Copy)]
pub(super) struct Flushed(f32);
impl Bits for Flushed {
    #[inline(always)]
    fn of(bits: u64) -> Self {
        Flushed(ieee::flush_f32(f32::of(bits)))
    }
    #[inline(always)]
    fn bits(self) -> u64 {
        ieee::flush_f32(self.0).bits()
    }
}
value!(Flushed, F32, one 0x3f80_0000, |x| f64::from(x.0), M |y| {
    let result = <f32 as Value>::round::<M>(y);
    Flushed(settled::<f32, true>(result, || <f32 as Value>::round::<M>(y * f32::UP)))
});

/// A 32-bit register that holds a TensorFloat-32: its 19 bits are the high ones.
#[derive(Clone, Copy)]
pub(super) struct TensorFloat32(u32);
code_bits!(TensorFloat32: u32);
impl Value for TensorFloat32 {
    const SIGN: u64 = 1 << 31;
    const ONE: u64 = 0x3f80_0000;
    const MAX: u64 = Layout::TF32.max_finite << 13;
    const NAN: u64 = 0x7fff_e000;
    fn to_f64(self) -> f64 {
        f32::from_bits(self.0).into()
    }
    fn round<const M: u8>(x: f64) -> Self {
        TensorFloat32(if x.is_nan() {
            Self::NAN as u32
        } else {
            (round_f64(x, M, Layout::TF32) << 13) as u32
        })
    }
}

/// A type with arithmetic.
pub(super) trait Real: Value {
    /// Width, bits.
    const WIDTH: u32;
    /// The smallest normal number, and a power of two that brings results of its size well above it.
    const LEAST: f64;
    const UP: f64;
    fn flush(self) -> Self;
    fn add<const M: u8>(self, b: Self) -> Self;
    fn mul<const M: u8>(self, b: Self) -> Self;
    fn fma<const M: u8>(self, b: Self, c: Self) -> Self;
    /// The sign bit inverted.
    #[inline(always)]
    fn negate(self) -> Self {
        Self::of(self.bits() ^ Self::SIGN)
    }
    /// The sign bit cleared.
    #[inline(always)]
    fn magnitude(self) -> Self {
        Self::of(self.bits() & !Self::SIGN)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.to_f64().is_nan()
    }
    /// An operand, flushed or not.
    #[inline(always)]
    fn operand<const Z: bool>(bits: u64) -> Self {
        let x = Self::of(bits);
        if Z { x.flush() } else { x }
    }
    /// The operand times [`Real::UP`].
    #[inline(always)]
    fn up(self) -> Self {
        Self::round::<RN>(self.to_f64() * Self::UP)
    }
    /// A result, bounded and flushed or not.
    #[inline(always)]
    fn result<const Z: bool, const P: u8>(self) -> u64 {
        let x = self.bounded::<P>();
        if Z { x.flush().bits() } else { x.bits() }
    }
}
macro_rules! real {
    ($t:ident, $width:literal, $up:expr, $flush:expr, $add:ident, $mul:ident, $fma:ident) => {
        impl Real for $t {
            const WIDTH: u32 = $width;
            const LEAST: f64 = $t::MIN_POSITIVE as f64;
            const UP: f64 = $up;
            #[inline(always)]
            fn flush(self) -> Self {
                $flush(self)
            }
            #[inline(always)]
            fn add<const M: u8>(self, b: Self) -> Self {
                ieee::$add::<M>(self, b)
            }
            #[inline(always)]
            fn mul<const M: u8>(self, b: Self) -> Self {
                ieee::$mul::<M>(self, b)
            }
            #[inline(always)]
            fn fma<const M: u8>(self, b: Self, c: Self) -> Self {
                ieee::$fma::<M>(self, b, c)
            }
        }
    };
    ($t:ident, $least:expr) => {
        impl Real for $t {
            const WIDTH: u32 = 16;
            const LEAST: f64 = $least;
            const UP: f64 = (1u64 << 10) as f64;
            #[inline(always)]
            fn flush(self) -> Self {
                $t::flush(self)
            }
            #[inline(always)]
            fn add<const M: u8>(self, b: Self) -> Self {
                $t::plus(self, b)
            }
            #[inline(always)]
            fn mul<const M: u8>(self, b: Self) -> Self {
                $t::times(self, b)
            }
            #[inline(always)]
            fn fma<const M: u8>(self, b: Self, c: Self) -> Self {
                $t::fma(self, b, c)
            }
        }
    };
}
real!(
    f32,
    32,
    (1u64 << 60) as f64,
    ieee::flush_f32,
    add_f32,
    mul_f32,
    fma_f32
);
real!(
    f64,
    64,
    1.0, // no `.ftz`
    |x: f64| if x.is_subnormal() { 0f64.copysign(x) } else { x },
    add_f64,
    mul_f64,
    fma_f64
);
real!(Binary16, 1.0 / 16384.0); // to nearest: PTX has no other mode
real!(Bfloat16, f32::MIN_POSITIVE as f64);

/// A function on both elements of a packed register: of the shift that brings an element down.
#[inline(always)]
fn both<T: Real>(f: impl Fn(u32) -> u64) -> u64 {
    f(0) | f(T::WIDTH) << T::WIDTH
}

/// Instructions in two forms: on a number, and on both numbers of a packed register.
macro_rules! elementwise {
    ($($name:ident, $packed:ident: $M:ident ($($x:ident),*) $value:expr;)*) => { $(
        fn $name<T: Real, const $M: u8, const Z: bool, const P: u8>($($x: u64),*) -> u64 {
            $(let $x = T::operand::<Z>($x);)*
            Real::result::<Z, P>($value)
        }
        fn $packed<T: Real, const M: u8, const Z: bool, const P: u8>($($x: u64),*) -> u64 {
            both::<T>(|at| $name::<T, M, Z, P>($($x >> at),*))
        }
    )* };
}
elementwise! {
    add, add_x2: M (a, b) a.add::<M>(b);
    sub, sub_x2: M (a, b) a.add::<M>(b.negate());
    mul, mul_x2: M (a, b) settled::<T, Z>(a.mul::<M>(b), || {
        let (small, large) = by_magnitude(a, b);
        small.up().mul::<M>(large)
    });
    fma, fma_x2: M (a, b, c) settled::<T, Z>(a.fma::<M>(b, c), || {
        let (small, large) = by_magnitude(a, b);
        small.up().fma::<M>(large, c.up())
    });
    neg, neg_x2: _M (a) canonical(a.negate());
    abs, abs_x2: _M (a) canonical(a.magnitude());
}

/// What `.ftz` takes for subnormal is decided by the result rounded as if exponents had no lower end (seen on
/// an H200): a result that only reaches the smallest normal number because it was rounded to the coarser
/// subnormal grid becomes zero. `scaled` computes the result times [`Real::UP`], where that grid is far away;
/// no operand of a result of this size and inexact is large enough to overflow there.
#[inline(always)]
fn settled<T: Real, const Z: bool>(result: T, scaled: impl FnOnce() -> T) -> T {
    if Z && result.magnitude().to_f64() == T::LEAST && scaled().magnitude().to_f64() < T::LEAST * T::UP {
        T::of(result.bits() & T::SIGN)
    } else {
        result
    }
}

/// Two operands, the one nearer to zero first.
#[inline(always)]
fn by_magnitude<T: Real>(a: T, b: T) -> (T, T) {
    if a.to_f64().abs() < b.to_f64().abs() {
        (a, b)
    } else {
        (b, a)
    }
}

/// Any NaN becomes the canonical one, as `neg` and `abs` do on GPUs (PTX leaves its bits open).
#[inline(always)]
fn canonical<T: Real>(x: T) -> T {
    if x.is_nan() { T::of(T::NAN) } else { x }
}

/// The instance of a function of `elementwise!` that the form asks for.
macro_rules! instance {
    ($form:ident, $variant:ident, $f:ident, $t:ty, modes [$($mode:expr),*], posts [$($post:expr),*]) => {
        with_const!($form.mode, [$($mode),*], M: u8 => with_const!($form.post, [$($post),*], P: u8 =>
            with_bool!($form.ftz, Z => ScalarOp::$variant($f::<$t, M, Z, P>)))).flatten()
    };
}

/// `add`, `sub`, `mul`, `fma`, `mad` of every type.
macro_rules! arithmetic {
    ($form:ident, $variant:ident, $f:ident, $packed:ident, $halves:expr) => {{
        let (half, brain) = $halves;
        match $form.ty {
            ScalarType::F32 => {
                $form.only("rn rz rm rp ftz sat")?;
                use exact::*;
                instance!($form, $variant, $f, f32, modes [RN, RZ, RM, RP], posts [AS_IS, SAT])
            }
            ScalarType::F32x2 => {
                $form.only("rn rz rm rp ftz")?;
                use exact::*;
                instance!($form, $variant, $packed, f32, modes [RN, RZ, RM, RP], posts [AS_IS])
            }
            ScalarType::F64 => {
                $form.only("rn rz rm rp")?;
                use exact::*;
                instance!($form, $variant, $f, f64, modes [RN, RZ, RM, RP], posts [AS_IS])
            }
            ScalarType::F16 => {
                $form.only(half)?;
                instance!($form, $variant, $f, Binary16, modes [RN], posts [AS_IS, SAT, RELU])
            }
            ScalarType::F16x2 => {
                $form.only(half)?;
                instance!($form, $variant, $packed, Binary16, modes [RN], posts [AS_IS, SAT, RELU])
            }
            ScalarType::Bf16 => {
                $form.only(brain)?;
                instance!($form, $variant, $f, Bfloat16, modes [RN], posts [AS_IS, RELU])
            }
            ScalarType::Bf16x2 => {
                $form.only(brain)?;
                instance!($form, $variant, $packed, Bfloat16, modes [RN], posts [AS_IS, RELU])
            }
            _ => None,
        }
    }};
}

/// `neg` and `abs`.
macro_rules! signs {
    ($form:ident, $f:ident, $packed:ident) => {{
        use ScalarType::*;
        $form.only(if matches!($form.ty, F32 | F16 | F16x2) { "ftz" } else { "" })?;
        let one = with_type!($form.ty, [F32 f32, F64 f64, F16 Binary16, Bf16 Bfloat16], T =>
            with_bool!($form.ftz, Z => ScalarOp::F1($f::<T, RN, Z, AS_IS>)));
        one.or(with_type!($form.ty, [F16x2 Binary16, Bf16x2 Bfloat16], T =>
            with_bool!($form.ftz, Z => ScalarOp::F1($packed::<T, RN, Z, AS_IS>))))
    }};
}

/// `add.f32.f16` and the like: a (and b) of 16 bits, widened; c and the result `f32`.
macro_rules! mixed {
    ($form:ident, $variant:ident, $S:ident ($($x:ident),*) $M:ident $value:expr) => {{
        $form.only("rn rz rm rp sat")?;
        with_type!($form.source, [F16 Binary16, Bf16 Bfloat16], $S => with_mode!($form.mode, $M =>
            with_bool!($form.post == SAT, SATURATE => ScalarOp::$variant(|$($x),*| {
                let sum = $value;
                (if SATURATE { sum.bounded::<SAT>() } else { sum }).bits()
            })))).flatten()
    }};
}

fn div<T: Real + Divide, const M: u8, const Z: bool, const P: u8>(a: u64, b: u64) -> u64 {
    quotient::<T, M, Z>(T::operand::<Z>(a), T::operand::<Z>(b)).result::<Z, P>()
}
fn rcp<T: Real + Divide, const M: u8, const Z: bool, const P: u8>(a: u64) -> u64 {
    quotient::<T, M, Z>(T::of(T::ONE), T::operand::<Z>(a)).result::<Z, P>()
}
fn quotient<T: Real + Divide, const M: u8, const Z: bool>(a: T, b: T) -> T {
    settled::<T, Z>(a.div::<M>(b), || a.up().div::<M>(b))
}
fn sqrt<T: Real + Divide, const M: u8, const Z: bool, const P: u8>(a: u64) -> u64 {
    T::operand::<Z>(a).sqrt::<M>().result::<Z, P>()
}

/// Division and square root, which only `f32` and `f64` have.
trait Divide {
    fn div<const M: u8>(self, b: Self) -> Self;
    fn sqrt<const M: u8>(self) -> Self;
}
impl Divide for f32 {
    fn div<const M: u8>(self, b: f32) -> f32 {
        ieee::div_f32::<M>(self, b)
    }
    fn sqrt<const M: u8>(self) -> f32 {
        ieee::sqrt_f32::<M>(self)
    }
}
impl Divide for f64 {
    fn div<const M: u8>(self, b: f64) -> f64 {
        ieee::div_f64::<M>(self, b)
    }
    fn sqrt<const M: u8>(self) -> f64 {
        ieee::sqrt_f64::<M>(self)
    }
}

/// `div`, `rcp`, `sqrt` rounded as asked, or to nearest for `.approx` and `.full`.
macro_rules! divisions {
    ($form:ident, $variant:ident, $f:ident) => {{
        use exact::*;
        let words = if $form.inst.has(Modifier::Approx) { "approx ftz" } else { "rn rz rm rp full ftz" };
        match $form.ty {
            ScalarType::F32 => {
                $form.only(words)?;
                instance!($form, $variant, $f, f32, modes [RN, RZ, RM, RP], posts [AS_IS])
            }
            ScalarType::F64 => {
                $form.only("rn rz rm rp")?;
                instance!($form, $variant, $f, f64, modes [RN, RZ, RM, RP], posts [AS_IS])
            }
            _ => None,
        }
    }};
}

/// `div.approx.f32` is a * (1/b), which beyond 2^126 is defined as: 0 for finite a, NaN for infinite a.
fn div_approx<const Z: bool>(a: u64, b: u64) -> u64 {
    const LIMIT: f32 = f32::from_bits((126 + 127) << 23);
    let divisor = f32::operand::<Z>(b);
    if divisor.is_finite() && divisor.abs() > LIMIT {
        let product = f32::operand::<Z>(a) * 0f32.copysign(divisor);
        return ieee::canonical_f32(product).bits();
    }
    div::<f32, RN, Z, AS_IS>(a, b)
}

/// A function of vfloat, whose value rounds correctly into any type of at most 24 digits.
fn approx<T: Real, const Z: bool>(a: u64, f: fn(f32) -> f64) -> u64 {
    let x = T::operand::<Z>(a).to_f64() as f32; // exact
    T::round::<RN>(f(x)).result::<Z, AS_IS>()
}
macro_rules! function {
    ($form:ident, $f:expr, [$($one:ident $t:ident),*], [$($two:ident $u:ident),*]) => {{
        $form.only("approx ftz")?;
        with_bool!($form.ftz, Z => {
            let one = with_type!($form.ty, [$($one $t),*], T => ScalarOp::F1(|a| approx::<T, Z>(a, $f)));
            one.or(with_type!($form.ty, [$($two $u),*], T =>
                ScalarOp::F1(|a| both::<T>(|at| approx::<T, Z>(a >> at, $f)))))
        })
    }};
}

/// The coarse `f64` functions, `.approx.ftz`: of the high word of the operand, and the low word of the result
/// is zero.
fn high_word(a: u64, f: fn(f64) -> f64) -> u64 {
    const HIGH: u64 = 0xffff_ffff_0000_0000;
    let y = ieee::canonical_f64(f(f64::operand::<true>(a & HIGH)));
    f64::of(y.bits().wrapping_add(if y.is_finite() { 1 << 31 } else { 0 }) & HIGH)
        .flush()
        .bits()
}

/// 1 / sqrt(x), of -0 minus infinity; within two units in the last place.
fn rsqrt_f64(x: f64) -> f64 {
    ieee::canonical_f64(1.0 / ieee::sqrt_f64::<RN>(x))
}

pub(super) fn scalar_op(form: &Form) -> Found {
    let has_approx = form.has(Modifier::Approx);
    let coarse = has_approx && form.ty == ScalarType::F64;
    let mixed = form.ty == ScalarType::F32 && form.source != ScalarType::F32;
    use Opcode::*;
    Ok(match form.opcode {
        Add if mixed => mixed!(form, F2, S (a, c) M f32::of(c).add::<M>(S::of(a).to_f32())),
        Sub if mixed => mixed!(form, F2, S (a, c) M f32::of(c).negate().add::<M>(S::of(a).to_f32())),
        Fma if mixed => {
            mixed!(form, F3, S (a, b, c) M S::of(a).to_f32().fma::<M>(S::of(b).to_f32(), f32::of(c)))
        }
        Add => arithmetic!(form, F2, add, add_x2, ("rn ftz sat", "rn")),
        Sub => arithmetic!(form, F2, sub, sub_x2, ("rn ftz sat", "rn")),
        Mul => arithmetic!(form, F2, mul, mul_x2, ("rn ftz sat", "rn")),
        Fma => arithmetic!(form, F3, fma, fma_x2, ("rn ftz sat relu", "rn relu")),
        Mad if matches!(form.ty, ScalarType::F32 | ScalarType::F64) => {
            arithmetic!(form, F3, fma, fma_x2, ("", ""))
        }
        Neg => signs!(form, neg, neg_x2),
        Abs => signs!(form, abs, abs_x2),
        Copysign => {
            form.only("")?;
            with_type!(form.ty, [F32 f32, F64 f64], T => f2!(T, |a, b| b.copysign(a)))
        }
        Div if has_approx && form.ty == ScalarType::F32 => {
            form.only("approx ftz")?;
            Some(with_bool!(form.ftz, Z => ScalarOp::F2(div_approx::<Z>)))
        }
        Div => divisions!(form, F2, div),
        Rcp if coarse => {
            form.only(if form.ftz { "approx ftz" } else { "ftz" })?;
            Some(ScalarOp::F1(|a| high_word(a, |x| 1.0 / x)))
        }
        Rcp => divisions!(form, F1, rcp),
        Sqrt => divisions!(form, F1, sqrt),
        Rsqrt if coarse => {
            form.only("approx ftz")?;
            let full = f1!(f64, rsqrt_f64);
            Some(if form.ftz {
                ScalarOp::F1(|a| high_word(a, rsqrt_f64))
            } else {
                full
            })
        }
        Rsqrt => function!(form, functions::rsqrt, [F32 f32], []),
        Ex2 => {
            function!(form, functions::ex2, [F32 f32, F16 Binary16, Bf16 Bfloat16], [F16x2 Binary16, Bf16x2 Bfloat16])
        }
        Tanh => {
            function!(form, functions::tanh, [F32 f32, F16 Binary16, Bf16 Bfloat16], [F16x2 Binary16, Bf16x2 Bfloat16])
        }
        Lg2 => function!(form, functions::lg2, [F32 f32], []),
        Sin => function!(form, functions::sin, [F32 f32], []),
        Cos => function!(form, functions::cos, [F32 f32], []),
        _ => None,
    })
}
