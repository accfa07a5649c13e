//! Arithmetic in a variable format, by `vfloat`'s reference, as the semantics page lists it.

use exec::Numerics;
use ptx::ast::{Instruction, Modifier as M, Opcode as O, ScalarType as T};
use std::cmp::Ordering;
use vfloat::reference::{Arithmetic, Outcome};
use vfloat::{Format, Rounding};

/// What an instruction gives.
pub enum Answer {
    Value(u64),
    /// The truth of a comparison.
    Holds(bool),
}

/// The arithmetic of `i`, if it computes in a variable format. `width` is that of its first register, bits.
pub fn arithmetic(i: &Instruction, width: Option<u32>, numerics: &Numerics) -> Option<Arithmetic> {
    let launch = i.types().any(|t| t == T::Vf32);
    let early = i.types().any(|t| t == T::Bf16) && i.opcode != O::Cvt && width == Some(32);
    let named = i.numerics.format.map(|w| w.text().parse().expect("a format"));
    let format = match (launch, early) {
        (true, _) => named.unwrap_or(numerics.format),
        (false, true) => Format::BF16,
        (false, false) => return None,
    };
    let result = match () {
        () if i.has(M::Rz) => Rounding::TowardZero,
        () if i.has(M::Rm) => Rounding::TowardNegative,
        () if i.has(M::Rp) => Rounding::TowardPositive,
        () if i.has(M::Ra) => Rounding::NearestAway,
        () if i.has(M::Ro) => Rounding::ToOdd,
        () if i.has(M::Rs) => Rounding::Stochastic(i.numerics.random_bits.unwrap_or(Rounding::RANDOM_BITS)),
        () => Rounding::NearestEven,
    };
    let accumulator = i
        .numerics
        .accumulator
        .map(|w| w.text().parse().expect("a format"));
    Some(Arithmetic {
        accumulator: accumulator.unwrap_or(Format::FP32),
        input: numerics.input,
        result,
        saturate: i.has(M::Sat),
        ..Arithmetic::new(format)
    })
}

/// The result for the given operand bits.
pub fn compute(i: &Instruction, a: &Arithmetic, s: &[u64]) -> Result<Answer, String> {
    let f = |n: usize| f32::from_bits(s[n] as u32);
    let value = |o: Outcome| Ok(Answer::Value(u64::from(o.value.to_bits())));
    match i.opcode {
        O::Add => value(a.add(f(0), f(1))),
        O::Sub => value(a.sub(f(0), f(1))),
        O::Mul => value(a.mul(f(0), f(1))),
        O::Div => value(a.div(f(0), f(1))),
        O::Fma | O::Mad => value(a.fma(f(0), f(1), f(2))),
        O::Fmam => value(a.fmam(f(0), f(1), f(2))),
        O::Addm => value(a.addm(f(0), f(1))),
        O::Max => value(a.max(f(0), f(1))),
        O::Min => value(a.min(f(0), f(1))),
        O::Neg => value(a.neg(f(0))),
        O::Abs => value(a.abs(f(0))),
        O::Sqrt => value(a.sqrt(f(0))),
        O::Rsqrt => value(a.rsqrt(f(0))),
        O::Rcp => value(a.rcp(f(0))),
        O::Ex2 => value(a.ex2(f(0))),
        O::Lg2 => value(a.lg2(f(0))),
        O::Sin => value(a.sin(f(0))),
        O::Cos => value(a.cos(f(0))),
        O::Tanh => value(a.tanh(f(0))),
        O::Setp => Ok(Answer::Holds(holds(i, a.compare(f(0), f(1)))?)),
        O::Cvt => convert(i, a, s[0]),
        _ => Err("no variable-precision meaning".into()),
    }
}

fn holds(i: &Instruction, o: Option<Ordering>) -> Result<bool, String> {
    use Ordering::{Equal, Greater, Less};
    let table: &[(M, &[Option<Ordering>])] = &[
        (M::Eq, &[Some(Equal)]),
        (M::Ne, &[Some(Less), Some(Greater)]),
        (M::Lt, &[Some(Less)]),
        (M::Le, &[Some(Less), Some(Equal)]),
        (M::Gt, &[Some(Greater)]),
        (M::Ge, &[Some(Greater), Some(Equal)]),
        (M::Equ, &[Some(Equal), None]),
        (M::Neu, &[Some(Less), Some(Greater), None]),
        (M::Ltu, &[Some(Less), None]),
        (M::Leu, &[Some(Less), Some(Equal), None]),
        (M::Gtu, &[Some(Greater), None]),
        (M::Geu, &[Some(Greater), Some(Equal), None]),
        (M::Num, &[Some(Less), Some(Equal), Some(Greater)]),
        (M::Nan, &[None]),
    ];
    let (_, set) = table.iter().find(|(m, _)| i.has(*m)).ok_or("no comparison")?;
    Ok(set.contains(&o))
}

fn convert(i: &Instruction, a: &Arithmetic, bits: u64) -> Result<Answer, String> {
    let mut types = i.types();
    let (Some(to), Some(from)) = (types.next(), types.next()) else {
        return Err("two types are needed".into());
    };
    if from == T::Vf32 {
        // T(x), then what the ordinary conversion does.
        let mut plain = i.clone();
        for m in &mut plain.modifiers {
            if *m == M::Type(T::Vf32) {
                *m = M::Type(T::F32);
            }
        }
        let x = a.truncate(f32::from_bits(bits as u32)).value;
        return match exec::scalar::scalar_op(&plain)? {
            exec::scalar::ScalarOp::F1(g) => Ok(Answer::Value(g(x.to_bits().into()))),
            _ => Err("no conversion".into()),
        };
    }
    let f = f32::from_bits(bits as u32);
    let integral = [
        (M::Rni, Rounding::NearestEven),
        (M::Rzi, Rounding::TowardZero),
        (M::Rmi, Rounding::TowardNegative),
        (M::Rpi, Rounding::TowardPositive),
    ];
    let o = match (from, integral.iter().find(|(m, _)| i.has(*m))) {
        (T::F32, Some((_, mode))) => a.integral(f, *mode),
        (T::F32, None) => a.quantize(f),
        (T::F64, _) => a.round(f64::from_bits(bits)),
        (T::S32, _) => a.round_integer((bits as i32).into()),
        (T::U32, _) => a.round_integer((bits as u32).into()),
        (T::S64, _) => a.round_integer((bits as i64).into()),
        (T::U64, _) => a.round_integer(bits.into()),
        _ => return Err(format!("conversion from {from} to {to}")),
    };
    Ok(Answer::Value(o.value.to_bits().into()))
}
