//! `cvt`, between every pair of types that PTX allows.

use super::exact::{RM, RN, RNA, RP, RZ};
use super::float::{Flushed, TensorFloat32, Value};
use super::int::Int;
use super::*;

/// Integer to integer: extended by the source's sign, cut or clamped to the destination.
fn int_to_int<S: Int, D: Int, const CLAMP: bool>(a: u64) -> u64 {
    let x = S::of(a).wide();
    (if CLAMP { D::saturate(x) } else { D::cut(x) }).wide() as u64
}

/// Integer to floating point.
fn int_to_float<S: Int, D: Value, const M: u8, const P: u8>(a: u64) -> u64 {
    let x = S::of(a).wide();
    D::of_int::<M>(x < 0, x.unsigned_abs() as u64)
        .bounded::<P>()
        .bits()
}

/// The integer that a number rounds to. -0 and what rounds to zero from below give -0.
fn integral<const M: u8>(x: f64) -> f64 {
    match M {
        RN => x.round_ties_even(),
        RM => x.floor(),
        RP => x.ceil(),
        _ => x.trunc(),
    }
}

/// Floating point to integer: rounded, then clamped to the destination.
///
/// NaN gives 0; but the highest bit alone if the source is `f64` or the destination has 64 bits (PTX ISA,
/// section on `cvt`).
fn float_to_int<S: Value, D: Int, const M: u8>(a: u64) -> u64 {
    let x = S::of(a).to_f64();
    if x.is_nan() {
        let open = S::SIGN == f64::SIGN || D::WIDTH == 64;
        return if open {
            D::cut(1 << (D::WIDTH - 1)).wide() as u64
        } else {
            0
        };
    }
    D::saturate(integral::<M>(x) as i128).wide() as u64 // the cast clamps, too
}

/// Floating point to floating point.
fn float_to_float<S: Value, D: Value, const M: u8, const P: u8>(a: u64) -> u64 {
    D::round::<M>(S::of(a).to_f64()).bounded::<P>().bits()
}

/// Floating point to an integer in the same type.
fn float_to_integral<S: Value, const M: u8, const P: u8>(a: u64) -> u64 {
    S::round::<RN>(integral::<M>(S::of(a).to_f64()))
        .bounded::<P>()
        .bits()
}

/// Two numbers into one register of `SHIFT`-bit elements; the first operand becomes the high element.
fn pack<S: Value, D: Value, const M: u8, const P: u8, const SHIFT: u32>(a: u64, b: u64) -> u64 {
    float_to_float::<S, D, M, P>(a) << SHIFT | float_to_float::<S, D, M, P>(b)
}

/// Both elements of a packed register, to a packed register.
fn repack<S: Value, D: Value, const P: u8, const FROM: u32, const TO: u32>(a: u64) -> u64 {
    pack::<S, D, RN, P, TO>(a >> FROM, a)
}

macro_rules! with_all_ints {
    ($ty:expr, $T:ident => $result:expr) => {
        with_type!($ty, [U8 u8, S8 i8, U16 u16, S16 i16, U32 u32, S32 i32, U64 u64, S64 i64], $T => $result)
    };
}
/// The floating-point types; with `.ftz`, `f32` is `Flushed`.
macro_rules! with_float {
    ($ty:expr, $ftz:expr, $T:ident => $result:expr) => {
        if $ftz {
            with_type!($ty, [F16 Binary16, Bf16 Bfloat16, F32 Flushed, F64 f64], $T => $result)
        } else {
            with_type!($ty, [F16 Binary16, Bf16 Bfloat16, F32 f32, F64 f64], $T => $result)
        }
    };
}

fn is_int(ty: ScalarType) -> bool {
    use ScalarType::*;
    matches!(ty, U8 | S8 | U16 | S16 | U32 | S32 | U64 | S64)
}

fn is_float(ty: ScalarType) -> bool {
    matches!(
        ty,
        ScalarType::F16 | ScalarType::Bf16 | ScalarType::F32 | ScalarType::F64
    )
}

/// Refuses a form without one of the rounding words.
fn need(form: &Form, words: &str) -> Result<(), String> {
    if words
        .split(' ')
        .any(|word| form.inst.modifiers.iter().any(|m| m.text() == word))
    {
        Ok(())
    } else {
        Err(format!(
            "`{}` needs one of the roundings {words}",
            form.inst.mnemonic()
        ))
    }
}

const MODES: &str = "rn rz rm rp";
const INTEGER_MODES: &str = "rni rzi rmi rpi";

/// `cvt.rn.f16x2.f32` and the other conversions to and from packed types and `tf32`.
fn packed(form: &Form) -> Found {
    use ScalarType::*;
    macro_rules! with_post {
        ($posts:tt, $P:ident => $result:expr) => {
            with_const!(form.post, $posts, $P: u8 => $result)
        };
    }
    let all = || form.only("rn rz rna relu satfinite");
    let eight = || {
        form.only("rn relu satfinite")
            .and(if form.has(Modifier::Satfinite) {
                Ok(())
            } else {
                Err(format!("`{}` needs `.satfinite`", form.inst.mnemonic()))
            })
    };
    Ok(match (form.ty, form.source) {
        (Tf32, F32) => {
            all()?;
            need(form, "rn rz rna")?;
            with_const!(form.mode, [RN, RZ, RNA], M: u8 =>
                with_post!([AS_IS, RELU, FINITE, RELU_FINITE], P =>
                    ScalarOp::F1(float_to_float::<f32, TensorFloat32, M, P>)))
            .flatten()
        }
        (F16x2 | Bf16x2, F32) => {
            form.only("rn rz relu satfinite")?;
            need(form, "rn rz")?;
            with_type!(form.ty, [F16x2 Binary16, Bf16x2 Bfloat16], D => with_const!(form.mode, [RN, RZ], M: u8 =>
                with_post!([AS_IS, RELU, FINITE, RELU_FINITE], P => ScalarOp::F2(pack::<f32, D, M, P, 16>))))
            .flatten()
            .flatten()
        }
        (E4m3x2 | E5m2x2, F32) => {
            eight()?;
            with_type!(form.ty, [E4m3x2 Fp8E4m3, E5m2x2 Fp8E5m2], D =>
                with_post!([FINITE, RELU_FINITE], P => ScalarOp::F2(pack::<f32, D, RN, P, 8>)))
            .flatten()
        }
        (E4m3x2 | E5m2x2, F16x2 | Bf16x2) => {
            eight()?;
            with_type!(form.ty, [E4m3x2 Fp8E4m3, E5m2x2 Fp8E5m2], D =>
                with_type!(form.source, [F16x2 Binary16, Bf16x2 Bfloat16], S =>
                    with_post!([FINITE, RELU_FINITE], P => ScalarOp::F1(repack::<S, D, P, 16, 8>))))
            .flatten()
            .flatten()
        }
        (F16x2 | Bf16x2, E4m3x2 | E5m2x2) => {
            form.only("rn relu")?;
            with_type!(form.ty, [F16x2 Binary16, Bf16x2 Bfloat16], D =>
                with_type!(form.source, [E4m3x2 Fp8E4m3, E5m2x2 Fp8E5m2], S =>
                    with_post!([AS_IS, RELU], P => ScalarOp::F1(repack::<S, D, P, 8, 16>))))
            .flatten()
            .flatten()
        }
        _ => None,
    })
}

pub(super) fn scalar_op(form: &Form) -> Found {
    if form.opcode != Opcode::Cvt {
        return Ok(None);
    }
    let (to, from, sat) = (form.ty, form.source, form.post == SAT);
    let integral = INTEGER_MODES
        .split(' ')
        .any(|word| form.inst.modifiers.iter().any(|m| m.text() == word));
    if is_int(to) && is_int(from) {
        form.only("sat")?;
        return Ok(with_all_ints!(from, S => with_all_ints!(to, D =>
            with_bool!(sat, CLAMP => ScalarOp::F1(int_to_int::<S, D, CLAMP>))))
        .flatten());
    }
    if is_int(to) && is_float(from) {
        form.only("rni rzi rmi rpi ftz sat")?; // `.sat` changes nothing: these conversions always clamp
        need(form, INTEGER_MODES)?;
        return Ok(with_float!(from, form.ftz, S => with_all_ints!(to, D =>
            with_mode!(form.mode, M => ScalarOp::F1(float_to_int::<S, D, M>))))
        .flatten()
        .flatten());
    }
    if is_float(to) && is_int(from) {
        form.only("rn rz rm rp ftz sat")?;
        need(form, MODES)?;
        return Ok(
            with_all_ints!(from, S => with_float!(to, false, D => with_mode!(form.mode, M =>
            with_bool!(sat, SATURATE => if SATURATE {
                ScalarOp::F1(int_to_float::<S, D, M, SAT>)
            } else {
                ScalarOp::F1(int_to_float::<S, D, M, AS_IS>)
            }))))
            .flatten()
            .flatten(),
        );
    }
    if !is_float(to) || !is_float(from) {
        return packed(form);
    }
    if integral {
        form.only(if to == from { "rni rzi rmi rpi ftz sat" } else { "" })?;
        return Ok(with_float!(from, form.ftz, S => with_mode!(form.mode, M =>
            with_const!(form.post, [AS_IS, SAT], P: u8 => ScalarOp::F1(float_to_integral::<S, M, P>))))
        .flatten()
        .flatten());
    }
    form.only("rn rz rm rp ftz sat relu satfinite")?;
    if to != from && to.bits() <= from.bits() {
        need(form, MODES)?;
    }
    if (to, from, form.ftz, form.post) == (ScalarType::F32, ScalarType::Bf16, false, AS_IS) {
        return Ok(Some(f1!(Bfloat16, Bfloat16::to_f32))); // a mere shift: the bits of a NaN stay, as on GPUs
    }
    // To `f16`, GPUs ignore `.ftz`: a subnormal `f32` counts, rounded up or down.
    let flush = form.ftz && to != ScalarType::F16;
    Ok(
        with_float!(from, flush, S => with_float!(to, flush, D => with_mode!(form.mode, M =>
        with_const!(form.post, [AS_IS, SAT, RELU, FINITE, RELU_FINITE], P: u8 =>
            ScalarOp::F1(float_to_float::<S, D, M, P>)))))
        .flatten()
        .flatten()
        .flatten(),
    )
}
