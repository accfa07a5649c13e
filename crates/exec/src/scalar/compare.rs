//! `set`, `setp`, `slct`, `testp`, and `min` and `max` of floating-point numbers.

use std::cmp::Ordering;

use super::float::Real;
use super::int::Int;
use super::*;

// A comparison is the set of outcomes for which it holds.
const LESS: u8 = 1;
const EQUAL: u8 = 2;
const GREATER: u8 = 4;
const UNORDERED: u8 = 8;

/// The comparisons: `.lo` and the like are for unsigned numbers, those with UNORDERED and `.num` for
/// floating point, `.eq` and `.ne` for every type, the rest for every type but `.b*`.
const COMPARISONS: &[(Modifier, u8)] = &[
    (Modifier::Eq, EQUAL),
    (Modifier::Ne, LESS | GREATER),
    (Modifier::Lt, LESS),
    (Modifier::Le, LESS | EQUAL),
    (Modifier::Gt, GREATER),
    (Modifier::Ge, GREATER | EQUAL),
    (Modifier::Lo, LESS),
    (Modifier::Ls, LESS | EQUAL),
    (Modifier::Hi, GREATER),
    (Modifier::Hs, GREATER | EQUAL),
    (Modifier::Equ, EQUAL | UNORDERED),
    (Modifier::Neu, LESS | GREATER | UNORDERED),
    (Modifier::Ltu, LESS | UNORDERED),
    (Modifier::Leu, LESS | EQUAL | UNORDERED),
    (Modifier::Gtu, GREATER | UNORDERED),
    (Modifier::Geu, GREATER | EQUAL | UNORDERED),
    (Modifier::Num, LESS | EQUAL | GREATER),
    (Modifier::Nan, UNORDERED),
];

/// Whether an outcome is in a set.
#[inline(always)]
fn holds<const C: u8>(outcome: Option<Ordering>) -> bool {
    let kind = match outcome {
        Some(Ordering::Less) => LESS,
        Some(Ordering::Equal) => EQUAL,
        Some(Ordering::Greater) => GREATER,
        None => UNORDERED,
    };
    C & kind != 0
}

fn integers<T: Int, const C: u8>(a: u64, b: u64) -> bool {
    holds::<C>(Some(T::of(a).cmp(&T::of(b))))
}

fn floats<T: Real, const Z: bool, const C: u8>(a: u64, b: u64) -> bool {
    holds::<C>(
        T::operand::<Z>(a)
            .to_f64()
            .partial_cmp(&T::operand::<Z>(b).to_f64()),
    )
}

/// The operation that asks a comparison of a source type: `$use` with `$test`, a `fn(u64, u64) -> bool`.
macro_rules! comparison {
    ($ty:expr, $ftz:expr, $outcomes:expr, $test:ident => $result:expr) => {{
        let (ty, ftz, outcomes): (ScalarType, bool, u8) = ($ty, $ftz, $outcomes);
        let of_ints = with_type!(
            ty,
            [B16 u16, U16 u16, S16 i16, B32 u32, U32 u32, S32 i32, B64 u64, U64 u64, S64 i64],
            T => with_const!(outcomes, [1, 2, 3, 4, 5, 6], C: u8 => {
                const $test: fn(u64, u64) -> bool = integers::<T, C>;
                $result
            })
        );
        let of_floats = || with_type!(
            ty,
            [F16 Binary16, F16x2 Binary16, Bf16 Bfloat16, Bf16x2 Bfloat16, F32 f32, F64 f64],
            T => with_bool!(ftz, Z =>
                with_const!(outcomes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], C: u8 => {
                    const $test: fn(u64, u64) -> bool = floats::<T, Z, C>;
                    $result
                }))
        );
        of_ints.or_else(of_floats).flatten()
    }};
}

/// The outcomes of the comparison that the form names, if the compared type has it.
fn outcomes(form: &Form, compared: ScalarType) -> Result<u8, String> {
    use Modifier::*;
    use ScalarType::*;
    let mut named = COMPARISONS.iter().filter(|(m, _)| form.has(*m));
    let Some((word, outcomes)) = named.next() else {
        return Err(format!("no comparison in `{}`", form.inst.mnemonic()));
    };
    let float = matches!(compared, F16 | F16x2 | Bf16 | Bf16x2 | F32 | F64);
    let known = match word {
        Eq | Ne => true,
        Lt | Le | Gt | Ge => !matches!(compared, B16 | B32 | B64),
        Lo | Ls | Hi | Hs => matches!(compared, U16 | U32 | U64),
        _ => float,
    };
    if !known || named.next().is_some() {
        return Err(format!("comparison `.{word}` with `.{compared}`"));
    }
    let flushes = matches!(compared, F16 | F16x2 | F32);
    form.only(&format!(
        "{} and or xor{}",
        COMPARISON_WORDS,
        if flushes { " ftz" } else { "" }
    ))?;
    Ok(*outcomes)
}
const COMPARISON_WORDS: &str = "eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan";

/// What `set` gives for true; for packed types, in each half.
fn truth(destination: ScalarType, packed: bool) -> Option<u64> {
    use ScalarType::*;
    Some(match destination {
        U32 | S32 if packed => 0xffff,
        U32 | S32 => 0xffff_ffff,
        U16 | S16 if !packed => 0xffff,
        F32 if !packed => 0x3f80_0000,
        F16 | F16x2 => 0x3c00,
        Bf16 | Bf16x2 => 0x3f80,
        _ => return None,
    })
}

/// The larger or smaller number; -0 is below +0. `NAN`: a NaN wins, otherwise it loses. `SIGNS`: 1 compares
/// magnitudes and gives the result the product of the signs (`.xorsign.abs`), 2 only compares magnitudes.
fn extreme<T: Real, const LARGER: bool, const NAN: bool, const SIGNS: u8, const Z: bool>(
    a: u64,
    b: u64,
) -> u64 {
    let (mut x, mut y) = (T::operand::<Z>(a), T::operand::<Z>(b));
    let sign = if SIGNS == 1 {
        (x.bits() ^ y.bits()) & T::SIGN
    } else {
        0
    };
    if SIGNS != 0 {
        (x, y) = (x.magnitude(), y.magnitude());
    }
    let (u, v) = (x.to_f64(), y.to_f64());
    let below = u < v || (u == v && u.is_sign_negative());
    let chosen = match (x.is_nan(), y.is_nan()) {
        (true, true) => return T::NAN,
        (true, false) | (false, true) if NAN => return T::NAN,
        (true, false) => y,
        (false, true) => x,
        (false, false) if below == LARGER => y,
        (false, false) => x,
    };
    chosen.bits() | sign
}

fn extreme_x2<T: Real, const LARGER: bool, const NAN: bool, const SIGNS: u8, const Z: bool>(
    a: u64,
    b: u64,
) -> u64 {
    halves(|at| extreme::<T, LARGER, NAN, SIGNS, Z>(a >> at, b >> at))
}

fn extreme3<const LARGER: bool, const NAN: bool, const SIGNS: u8, const Z: bool>(
    a: u64,
    b: u64,
    c: u64,
) -> u64 {
    extreme::<f32, LARGER, NAN, SIGNS, Z>(extreme::<f32, LARGER, NAN, SIGNS, Z>(a, b), c)
}

fn min_max(form: &Form) -> Found {
    use ScalarType::*;
    let three = form.inst.operands.len() == 4;
    form.only(match form.ty {
        F32 if three => "ftz nan abs",
        F32 | F16 | F16x2 => "ftz nan xorsign abs",
        Bf16 | Bf16x2 => "nan xorsign abs",
        _ => "",
    })?;
    let signs = match (form.has(Modifier::Xorsign), form.has(Modifier::Abs)) {
        (false, false) => 0,
        (true, true) => 1,
        (false, true) if three => 2,
        _ => return Err("`.xorsign` and `.abs` come together".into()),
    };
    let (larger, nan) = (form.opcode == Opcode::Max, form.has(Modifier::Nan));
    Ok(
        with_bool!(larger, LARGER => with_bool!(nan, NAN => with_bool!(form.ftz, Z => {
            with_const!(signs, [0, 1, 2], SIGNS: u8 => {
                let one = with_type!(form.ty, [F32 f32, F64 f64, F16 Binary16, Bf16 Bfloat16], T =>
                    ScalarOp::F2(extreme::<T, LARGER, NAN, SIGNS, Z>));
                let two = with_type!(form.ty, [F16x2 Binary16, Bf16x2 Bfloat16], T =>
                    ScalarOp::F2(extreme_x2::<T, LARGER, NAN, SIGNS, Z>));
                let threefold = (three && form.ty == F32).then_some(ScalarOp::F3(extreme3::<LARGER, NAN, SIGNS, Z>));
                threefold.or(one).or(two)
            }).flatten()
        }))),
    )
}

fn testp(form: &Form) -> Found {
    const TESTS: &str = "finite infinite number notanumber normal subnormal";
    form.only(TESTS)?;
    macro_rules! test {
        ($f:expr) => {
            with_type!(form.ty, [F32 f32, F64 f64], T => ScalarOp::P1(|a| {
                let f: fn(T) -> bool = $f;
                f(T::of(a))
            }))
        };
    }
    Ok(
        match form
            .inst
            .modifiers
            .iter()
            .find(|m| TESTS.split(' ').any(|word| word == m.text()))
        {
            Some(Modifier::Finite) => test!(|x| x.is_finite()),
            Some(Modifier::Infinite) => test!(|x| x.is_infinite()),
            Some(Modifier::Number) => test!(|x| !x.is_nan()),
            Some(Modifier::Notanumber) => test!(|x| x.is_nan()),
            Some(Modifier::Normal) => test!(|x| x.is_normal() || x == 0.0), // PTX counts zeros as normal
            Some(Modifier::Subnormal) => test!(|x| x.is_subnormal()),
            _ => return Err("`testp` without a test".into()),
        },
    )
}

pub(super) fn scalar_op(form: &Form) -> Found {
    use ScalarType::*;
    match form.opcode {
        Opcode::Setp => {
            let outcomes = outcomes(form, form.ty)?;
            Ok(comparison!(form.ty, form.ftz, outcomes, TEST => ScalarOp::P2(TEST)))
        }
        Opcode::Set => {
            let outcomes = outcomes(form, form.source)?;
            let packed = matches!(form.source, F16x2 | Bf16x2);
            let Some(truth) = truth(form.ty, packed) else {
                return Ok(None);
            };
            Ok(comparison!(form.source, form.ftz, outcomes, TEST => {
                with_const!(truth, [0xffff_ffff, 0xffff, 0x3f80_0000, 0x3c00, 0x3f80], TRUE: u64 =>
                    if packed {
                        ScalarOp::F2(|a, b| halves(|at| if TEST(a >> at, b >> at) { TRUE } else { 0 }))
                    } else {
                        ScalarOp::F2(|a, b| if TEST(a, b) { TRUE } else { 0 })
                    })
            })
            .flatten())
        }
        Opcode::Slct => {
            form.only(if form.source == F32 { "ftz" } else { "" })?;
            let known = matches!(
                form.ty,
                B16 | U16 | S16 | B32 | U32 | S32 | F32 | B64 | U64 | S64 | F64
            );
            Ok(match form.source {
                _ if !known => None,
                S32 => Some(ScalarOp::F3(|a, b, c| if c as i32 >= 0 { a } else { b })),
                F32 if form.ftz => Some(ScalarOp::F3(|a, b, c| {
                    if ieee::flush_f32(f32::of(c)) >= 0.0 { a } else { b }
                })),
                F32 => Some(ScalarOp::F3(|a, b, c| if f32::of(c) >= 0.0 { a } else { b })),
                _ => None,
            })
        }
        Opcode::Testp => testp(form),
        Opcode::Min | Opcode::Max => min_max(form),
        _ => Ok(None),
    }
}
