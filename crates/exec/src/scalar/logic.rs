//! Bits and bytes: logic, shifts, bit fields, counting, permutation, and moves.

use super::*;

/// An integer of a register's width, to be shifted.
trait Word: Bits {
    const WIDTH: u32;
    /// Shifted right by an amount of at most the width, filling with zeros or, for signed types, the sign.
    fn right(self, amount: u32) -> Self;
}
macro_rules! word {
    ($($t:ident)*) => { $(impl Word for $t {
        const WIDTH: u32 = $t::BITS;
        #[inline(always)]
        fn right(self, amount: u32) -> Self { self >> (amount / 2) >> (amount - amount / 2) }
    })* };
}
word!(u16 u32 u64 i16 i32 i64);

/// Shift left; an amount of the width or more leaves zero.
fn shl<T: Word>(a: u64, amount: u64) -> u64 {
    let amount = amount as u32;
    if amount >= T::WIDTH {
        0
    } else {
        T::of(a << amount).bits()
    }
}

/// Shift right; an amount of the width or more leaves only the filling.
fn shr<T: Word>(a: u64, amount: u64) -> u64 {
    T::of(a).right((amount as u32).min(T::WIDTH)).bits()
}

/// `shf.l`: the high word of b:a shifted left by n <= 32.
fn funnel_left(a: u32, b: u32, n: u32) -> u32 {
    let pair = u128::from(b) << 32 | u128::from(a);
    (pair << n >> 32) as u32
}

/// `shf.r`: the low word of b:a shifted right by n <= 32.
fn funnel_right(a: u32, b: u32, n: u32) -> u32 {
    let pair = u64::from(b) << 32 | u64::from(a);
    (pair >> n) as u32
}

/// That many ones, from bit 0 on.
fn ones(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Bit field of `length` bits from `position` on, both of 8 bits; `signed` fills above with its highest bit,
/// which is the highest of a where the field reaches beyond it.
fn bfe(a: u64, position: u64, length: u64, width: u32, signed: bool) -> u64 {
    let (position, length) = ((position & 0xff) as u32, (length & 0xff) as u32);
    let a = a & ones(width);
    let inside = ones(length.min(width.saturating_sub(position)));
    let field = a.checked_shr(position).unwrap_or(0) & inside;
    let negative = signed && length != 0 && a >> (position + length - 1).min(width - 1) & 1 == 1;
    (if negative { field | !inside } else { field }) & ones(width)
}

/// b with `length` bits from `position` on replaced by the low bits of a.
fn bfi(a: u64, b: u64, position: u64, length: u64, width: u32) -> u64 {
    let (position, length) = ((position & 0xff) as u32, (length & 0xff) as u32);
    let mask = ones(length).checked_shl(position).unwrap_or(0);
    let moved = a.checked_shl(position).unwrap_or(0);
    (b & !mask | moved & mask) & ones(width)
}

/// Position of the highest bit that is no sign, `u32::MAX` if there is none.
fn bfind(magnitude: u64) -> u32 {
    63u32.wrapping_sub(magnitude.leading_zeros())
}

/// The bits of a number that are not its sign.
fn without_sign(a: i64) -> u64 {
    (if a < 0 { !a } else { a }) as u64
}

/// `bfind.shiftamt`: the shift that moves the found bit to the top.
fn shift_amount(found: u32, width: u32) -> u32 {
    if found == u32::MAX {
        found
    } else {
        width - 1 - found
    }
}

/// `bmsk`: `length` ones from `position` on; wrapping takes both modulo 32.
fn bmsk<const WRAP: bool>(position: u32, length: u32) -> u32 {
    let (position, length) = if WRAP {
        (position & 31, length & 31)
    } else {
        (position, length)
    };
    if position >= 32 {
        return 0;
    }
    let ones = if length >= 32 { u32::MAX } else { (1 << length) - 1 };
    ones << position
}

/// `szext`: the low `width` bits, sign- or zero-extended; wrapping takes the width modulo 32.
fn szext<const WRAP: bool, const SIGNED: bool>(a: u32, width: u32) -> u32 {
    let width = if WRAP { width & 31 } else { width };
    if width >= 32 {
        return a;
    }
    if width == 0 {
        return 0;
    }
    let up = 32 - width;
    if SIGNED {
        ((a << up) as i32 >> up) as u32
    } else {
        a << up >> up
    }
}

/// `fns`: position of the n-th set bit of `mask` from `base` on, upward or, for negative n, downward.
fn fns(mask: u32, base: u32, offset: i32) -> u32 {
    let set = |at: i64| (0..32).contains(&at) && mask >> at & 1 == 1;
    let base = i64::from(base);
    let found = match offset {
        0 => Some(base).filter(|&at| set(at)),
        1.. => (base..32).filter(|&at| set(at)).nth(offset as usize - 1),
        _ => (0..=base.min(31))
            .rev()
            .filter(|&at| base < 32 && set(at))
            .nth(offset.unsigned_abs() as usize - 1),
    };
    found.map_or(u32::MAX, |at| at as u32)
}

/// The bytes of b:a that the four numbers select; a number with 8 added takes the byte's sign instead.
fn permute(a: u32, b: u32, select: impl Fn(u32) -> u32) -> u32 {
    let bytes = (u64::from(b) << 32 | u64::from(a)).to_le_bytes();
    u32::from_le_bytes([0, 1, 2, 3].map(|i| {
        let number = select(i);
        let byte = bytes[(number & 7) as usize];
        if number & 8 == 0 {
            byte
        } else {
            (byte as i8 >> 7) as u8
        }
    }))
}

/// Any function of three bits, on every bit: bit `4a + 2b + c` of the table.
fn lop3(a: u32, b: u32, c: u32, table: u32) -> u32 {
    (0..8).filter(|row| table >> row & 1 == 1).fold(0, |sum, row| {
        let match_bits = |x: u32, bit: u32| if row >> bit & 1 == 1 { x } else { !x };
        sum | match_bits(a, 2) & match_bits(b, 1) & match_bits(c, 0)
    })
}

pub(super) fn scalar_op(form: &Form) -> Found {
    let ty = form.ty;
    let allow = |words: &str| form.only(words);
    let wrap = form.has(Modifier::Wrap);
    use Opcode::*;
    use ScalarType::*;
    Ok(match form.opcode {
        And | Or | Xor => {
            allow("")?;
            let width_known = matches!(ty, Pred | B16 | B32 | B64);
            let op = match form.opcode {
                And => ScalarOp::F2(|a, b| a & b),
                Or => ScalarOp::F2(|a, b| a | b),
                _ => ScalarOp::F2(|a, b| a ^ b),
            };
            width_known.then_some(op)
        }
        Not => {
            allow("")?;
            with_bits!(ty, T => f1!(T, |a| !a)).or((ty == Pred).then_some(ScalarOp::F1(|a| !a & 1)))
        }
        Cnot => {
            allow("")?;
            with_bits!(ty, T => f1!(T, |a| if a == 0 { 1 as T } else { 0 }))
        }
        Lop3 if ty == B32 => {
            allow("and or xor")?;
            Some(ScalarOp::F4(|a, b, c, t| {
                lop3(a as u32, b as u32, c as u32, t as u32).into()
            }))
        }
        Shl => {
            allow("")?;
            with_bits!(ty, T => ScalarOp::F2(shl::<T>))
        }
        Shr => {
            allow("")?;
            let bits = with_bits!(ty, T => ScalarOp::F2(shr::<T>));
            bits.or(with_int!(ty, T => ScalarOp::F2(shr::<T>)))
        }
        Shf if ty == B32 => {
            allow("l r clamp wrap")?;
            Some(match (form.has(Modifier::L), wrap) {
                (true, true) => f3!(u32, |a, b, n| funnel_left(a, b, n & 31)),
                (true, false) => f3!(u32, |a, b, n| funnel_left(a, b, n.min(32))),
                (false, true) => f3!(u32, |a, b, n| funnel_right(a, b, n & 31)),
                (false, false) => f3!(u32, |a, b, n| funnel_right(a, b, n.min(32))),
            })
        }
        Bfe => {
            allow("")?;
            match ty {
                U32 => Some(ScalarOp::F3(|a, b, c| bfe(a, b, c, 32, false))),
                S32 => Some(ScalarOp::F3(|a, b, c| bfe(a, b, c, 32, true))),
                U64 => Some(ScalarOp::F3(|a, b, c| bfe(a, b, c, 64, false))),
                S64 => Some(ScalarOp::F3(|a, b, c| bfe(a, b, c, 64, true))),
                _ => None,
            }
        }
        Bfi => {
            allow("")?;
            match ty {
                B32 => Some(ScalarOp::F4(|a, b, c, d| bfi(a, b, c, d, 32))),
                B64 => Some(ScalarOp::F4(|a, b, c, d| bfi(a, b, c, d, 64))),
                _ => None,
            }
        }
        Bfind => {
            allow("shiftamt")?;
            if form.has(Modifier::Shiftamt) {
                match ty {
                    U32 => Some(f1!(u32, |a| shift_amount(bfind(a.into()), 32))),
                    S32 => Some(f1!(i32, |a| shift_amount(bfind(without_sign(a.into())), 32))),
                    U64 => Some(f1!(u64, |a| shift_amount(bfind(a), 64))),
                    S64 => Some(f1!(i64, |a| shift_amount(bfind(without_sign(a)), 64))),
                    _ => None,
                }
            } else {
                match ty {
                    U32 => Some(f1!(u32, |a| bfind(a.into()))),
                    S32 => Some(f1!(i32, |a| bfind(without_sign(a.into())))),
                    U64 => Some(f1!(u64, bfind)),
                    S64 => Some(f1!(i64, |a| bfind(without_sign(a)))),
                    _ => None,
                }
            }
        }
        Popc => {
            allow("")?;
            with_type!(ty, [B32 u32, B64 u64], T => f1!(T, |a| a.count_ones()))
        }
        Clz => {
            allow("")?;
            with_type!(ty, [B32 u32, B64 u64], T => f1!(T, |a| a.leading_zeros()))
        }
        Brev => {
            allow("")?;
            with_type!(ty, [B32 u32, B64 u64], T => f1!(T, |a| a.reverse_bits()))
        }
        Bmsk if ty == B32 => {
            allow("clamp wrap")?;
            Some(with_bool!(wrap, W => f2!(u32, bmsk::<W>)))
        }
        Szext if matches!(ty, U32 | S32) => {
            allow("clamp wrap")?;
            Some(with_bool!(wrap, W => with_bool!(ty == S32, S => f2!(u32, szext::<W, S>))))
        }
        Fns if ty == B32 => {
            allow("")?;
            Some(ScalarOp::F3(|a, b, c| fns(a as u32, b as u32, c as i32).into()))
        }
        Prmt if ty == B32 => {
            allow("f4e b4e rc8 rc16 ecl ecr")?;
            let modes = [
                (Modifier::F4e, f3!(u32, |a, b, c| permute(a, b, |i| (c & 3) + i))),
                (
                    Modifier::B4e,
                    f3!(u32, |a, b, c| permute(a, b, |i| (c & 3).wrapping_sub(i) & 7)),
                ),
                (Modifier::Rc8, f3!(u32, |a, b, c| permute(a, b, |_| c & 3))),
                (
                    Modifier::Rc16,
                    f3!(u32, |a, b, c| permute(a, b, |i| 2 * (c & 1) + (i & 1))),
                ),
                (Modifier::Ecl, f3!(u32, |a, b, c| permute(a, b, |i| i.max(c & 3)))),
                (Modifier::Ecr, f3!(u32, |a, b, c| permute(a, b, |i| i.min(c & 3)))),
            ];
            let plain = f3!(u32, |a, b, c| permute(a, b, |i| c >> (4 * i)));
            Some(
                modes
                    .iter()
                    .find(|(m, _)| form.has(*m))
                    .map_or(plain, |(_, op)| *op),
            )
        }
        Mov => {
            allow("")?;
            (ty.bits() <= 64).then_some(ScalarOp::F1(|a| a))
        }
        _ => None,
    })
}
