//! Integer arithmetic. One definition per instruction, over numbers wide enough that nothing overflows.

use super::*;

/// An integer type, and what it has in common with the others.
pub(super) trait Int: Bits + Ord {
    /// Width, bits.
    const WIDTH: u32;
    /// Smallest value.
    const MIN: i128;
    /// Largest value.
    const MAX: i128;
    /// The number.
    fn wide(self) -> i128;
    /// The low bits of a number.
    fn cut(x: i128) -> Self;
    /// The number nearest to x.
    fn saturate(x: i128) -> Self {
        Self::cut(x.clamp(Self::MIN, Self::MAX))
    }
    /// Quotient; the smallest number by -1 wraps. PTX leaves division by zero open; quotient and remainder are
    /// then all ones, as measured on an H200 for every type.
    fn quotient(self, divisor: Self) -> Self;
    /// Remainder; see `quotient`.
    fn remainder(self, divisor: Self) -> Self;
}
macro_rules! int {
    ($($t:ident)*) => { $(impl Int for $t {
        const WIDTH: u32 = $t::BITS;
        const MIN: i128 = $t::MIN as i128;
        const MAX: i128 = $t::MAX as i128;
        #[inline(always)]
        fn wide(self) -> i128 { self as i128 }
        #[inline(always)]
        fn cut(x: i128) -> Self { x as $t }
        #[inline(always)]
        fn quotient(self, divisor: Self) -> Self {
            if divisor == 0 { !0 } else { self.wrapping_div(divisor) }
        }
        #[inline(always)]
        fn remainder(self, divisor: Self) -> Self {
            if divisor == 0 { !0 } else { self.wrapping_rem(divisor) }
        }
    })* };
}
int!(u8 u16 u32 u64 i8 i16 i32 i64);

/// The low half of a product.
fn mul_lo<T: Int>(a: T, b: T) -> T {
    T::cut(a.wide().wrapping_mul(b.wide()))
}

/// The high half of a product. (The low 128 bits of a product of two `u64` are right even where it wraps.)
fn mul_hi<T: Int>(a: T, b: T) -> T {
    T::cut(a.wide().wrapping_mul(b.wide()) >> T::WIDTH)
}

/// a + b, with wrap.
fn plus<T: Int>(a: T, b: T) -> T {
    T::cut(a.wide() + b.wide())
}

/// The low 24 bits of an operand of `mul24`, sign-extended if signed.
fn low24<T: Int>(a: T) -> i128 {
    let shifted = a.wide() << 104;
    if T::MIN < 0 {
        shifted >> 104
    } else {
        (shifted as u128 >> 104) as i128
    }
}

/// `mul24.lo`: bits 31..0 of the 48-bit product.
fn mul24_lo<T: Int>(a: T, b: T) -> T {
    T::cut(low24(a) * low24(b))
}

/// `mul24.hi`: bits 47..16 of the 48-bit product.
fn mul24_hi<T: Int>(a: T, b: T) -> T {
    T::cut((low24(a) * low24(b)) >> 16)
}

/// Byte `index` of a register.
fn byte<const SIGNED: bool>(a: u32, index: u32) -> i32 {
    let byte = (a >> (8 * index)) as u8;
    if SIGNED {
        i32::from(byte as i8)
    } else {
        i32::from(byte)
    }
}

/// Half `index` of a register.
fn half<const SIGNED: bool>(a: u32, index: u32) -> i32 {
    let half = (a >> (16 * index)) as u16;
    if SIGNED {
        i32::from(half as i16)
    } else {
        i32::from(half)
    }
}

/// c plus the dot product of four bytes; wraps.
fn dp4a<const A: bool, const B: bool>(a: u32, b: u32, c: u32) -> u32 {
    let dot: i32 = (0..4).map(|i| byte::<A>(a, i) * byte::<B>(b, i)).sum();
    c.wrapping_add(dot as u32)
}

/// c plus the dot product of two halves of a and the low (0) or high (2) bytes of b; wraps.
fn dp2a<const A: bool, const B: bool, const FROM: u32>(a: u32, b: u32, c: u32) -> u32 {
    let product = |i| (half::<A>(a, i) * byte::<B>(b, FROM + i)) as u32; // at most 24 bits
    c.wrapping_add(product(0)).wrapping_add(product(1))
}

/// A function on both halves of 32-bit registers.
macro_rules! packed {
    ($t:ty, $f:expr) => {
        ScalarOp::F2(|a, b| {
            let f: fn($t, $t) -> $t = $f;
            halves(|at| Bits::bits(f(Bits::of(a >> at), Bits::of(b >> at))))
        })
    };
}
macro_rules! with_packed {
    ($ty:expr, $T:ident => $result:expr) => {
        with_type!($ty, [U16x2 u16, S16x2 i16], $T => $result)
    };
}

pub(super) fn scalar_op(form: &Form) -> Found {
    let (ty, relu) = (form.ty, form.post == RELU);
    let sat = form.post == SAT;
    let allow = |words: &str| form.only(words);
    use Opcode::*;
    use ScalarType::*;
    let integer = matches!(ty, U16 | S16 | U32 | S32 | U64 | S64 | U16x2 | S16x2);
    if !integer {
        return Ok(None);
    }
    let signed = |t: ScalarType| t == S32;
    Ok(match form.opcode {
        Add | Sub if sat => {
            allow(if ty == S32 { "sat" } else { "" })?;
            Some(match form.opcode {
                Add => f2!(i32, |a, b| a.saturating_add(b)),
                _ => f2!(i32, |a, b| a.saturating_sub(b)),
            })
        }
        Add => {
            allow("")?;
            with_int!(ty, T => f2!(T, plus)).or(with_packed!(ty, T => packed!(T, plus)))
        }
        Sub => {
            allow("")?;
            with_int!(ty, T => f2!(T, |a, b| T::cut(a.wide() - b.wide())))
        }
        Mul if form.has(Modifier::Wide) => {
            allow("wide")?;
            match ty {
                U16 => Some(f2!(u16, |a, b| u32::from(a) * u32::from(b))),
                S16 => Some(f2!(i16, |a, b| i32::from(a) * i32::from(b))),
                U32 => Some(f2!(u32, |a, b| u64::from(a) * u64::from(b))),
                S32 => Some(f2!(i32, |a, b| i64::from(a) * i64::from(b))),
                _ => None,
            }
        }
        Mul if form.has(Modifier::Hi) => {
            allow("hi")?;
            with_int!(ty, T => f2!(T, mul_hi))
        }
        Mul => {
            allow("lo")?;
            with_int!(ty, T => f2!(T, mul_lo))
        }
        Mad if form.has(Modifier::Wide) => {
            allow("wide")?;
            match ty {
                U16 => Some(mad_wide::<u16, u32>()),
                S16 => Some(mad_wide::<i16, i32>()),
                U32 => Some(mad_wide::<u32, u64>()),
                S32 => Some(mad_wide::<i32, i64>()),
                _ => None,
            }
        }
        Mad if form.has(Modifier::Hi) && sat => {
            allow(if ty == S32 { "hi sat" } else { "hi" })?;
            Some(f3!(i32, |a, b, c| mul_hi(a, b).saturating_add(c)))
        }
        Mad if form.has(Modifier::Hi) => {
            allow("hi")?;
            with_int!(ty, T => f3!(T, |a, b, c| plus(mul_hi(a, b), c)))
        }
        Mad => {
            allow("lo")?;
            with_int!(ty, T => f3!(T, |a, b, c| plus(mul_lo(a, b), c)))
        }
        Mul24 => {
            allow("lo hi")?;
            let hi = form.has(Modifier::Hi);
            with_type!(ty, [U32 u32, S32 i32], T => if hi { f2!(T, mul24_hi) } else { f2!(T, mul24_lo) })
        }
        Mad24 if sat => {
            allow(if ty == S32 && form.has(Modifier::Hi) {
                "hi sat"
            } else {
                "lo hi"
            })?;
            Some(f3!(i32, |a, b, c| mul24_hi(a, b).saturating_add(c)))
        }
        Mad24 => {
            allow("lo hi")?;
            let hi = form.has(Modifier::Hi);
            with_type!(ty, [U32 u32, S32 i32], T => if hi {
                f3!(T, |a, b, c| plus(mul24_hi(a, b), c))
            } else {
                f3!(T, |a, b, c| plus(mul24_lo(a, b), c))
            })
        }
        Sad => {
            allow("")?;
            with_int!(ty, T => f3!(T, |a, b, c| T::cut((a.wide() - b.wide()).abs() + c.wide())))
        }
        Div => {
            allow("")?;
            with_int!(ty, T => f2!(T, Int::quotient))
        }
        Rem => {
            allow("")?;
            with_int!(ty, T => f2!(T, Int::remainder))
        }
        Abs => {
            allow("")?;
            with_type!(ty, [S16 i16, S32 i32, S64 i64], T => f1!(T, |a| a.wrapping_abs()))
        }
        Neg => {
            allow("")?;
            with_type!(ty, [S16 i16, S32 i32, S64 i64], T => f1!(T, |a| a.wrapping_neg()))
        }
        Min | Max if relu => {
            allow(if matches!(ty, S32 | S16x2) { "relu" } else { "" })?;
            match (form.opcode, ty) {
                (Min, S32) => Some(f2!(i32, |a, b| a.min(b).max(0))),
                (Max, S32) => Some(f2!(i32, |a, b| a.max(b).max(0))),
                (Min, _) => Some(packed!(i16, |a, b| a.min(b).max(0))),
                _ => Some(packed!(i16, |a, b| a.max(b).max(0))),
            }
        }
        Min => {
            allow("")?;
            with_int!(ty, T => f2!(T, Ord::min)).or(with_packed!(ty, T => packed!(T, Ord::min)))
        }
        Max => {
            allow("")?;
            with_int!(ty, T => f2!(T, Ord::max)).or(with_packed!(ty, T => packed!(T, Ord::max)))
        }
        Dp4a => {
            allow("")?;
            let (a, b) = (signed(ty), signed(form.source));
            Some(with_bool!(a, A => with_bool!(b, B => f3!(u32, dp4a::<A, B>))))
        }
        Dp2a => {
            allow("lo hi")?;
            let (a, b) = (signed(ty), signed(form.source));
            Some(with_bool!(a, A => with_bool!(b, B => if form.has(Modifier::Hi) {
                f3!(u32, dp2a::<A, B, 2>)
            } else {
                f3!(u32, dp2a::<A, B, 0>)
            })))
        }
        _ => None,
    })
}

/// The full product plus a number of twice the width.
fn mad_wide<T: Int, W: Int>() -> ScalarOp {
    ScalarOp::F3(|a, b, c| W::cut(T::of(a).wide() * T::of(b).wide() + W::of(c).wide()).bits())
}
