//! What arithmetic costs, and the arithmetic that a layer can be given.
//!
//! Nothing here is measured. `bits` is a definition; `cycles` and `energy` are models of the first order, of the
//! multiply-add alone: no memory, no instruction around it. They order formats; only differences between formats mean
//! something. A performance simulation that knows more would take their place.

use lab::sweep::axes::AS_COMPILED;
use lab::sweep::axes::width;
use run::settings;
use tell::Error;

/// What a layer computes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// The format of its operations; `none`: as compiled.
    pub format: String,
    /// The format of its sums over loops, if another.
    pub accumulate: Option<String>,
}

/// What a choice of formats is unless it is said: from wide to narrow, with sums in the format and wider ones.
pub const FORMATS: &[&str] = &[
    AS_COMPILED,
    "bf16+fp32",
    "bf16",
    "e6m5",
    "e4m3+bf16",
    "e5m4",
    "e4m3",
    "e5m2",
];

impl Arithmetic {
    /// The program as compiled.
    pub fn as_compiled() -> Arithmetic {
        Arithmetic {
            format: AS_COMPILED.into(),
            accumulate: None,
        }
    }

    /// Whether it leaves a layer as it was compiled.
    pub fn is_as_compiled(&self) -> bool {
        self.format == AS_COMPILED
    }

    /// `none`, `e4m3` or `e4m3+fp32`.
    pub fn name(&self) -> String {
        match &self.accumulate {
            Some(sums) => format!("{}+{sums}", self.format),
            None => self.format.clone(),
        }
    }

    /// Bits of significand with the leading one, and of all, of products and of sums. A format without known bits
    /// was refused by [`choices`]; here it counts as binary32.
    fn bits(&self) -> [(f64, f64); 2] {
        let of = |format: &str| {
            let (exponent, significand) = width(format).unwrap_or((8, 23));
            (f64::from(significand + 1), f64::from(1 + exponent + significand))
        };
        let products = of(&self.format);
        [products, self.accumulate.as_deref().map_or(products, of)]
    }
}

/// Every format with every accumulator, each once, the one that costs most by `objective` first, and before all the
/// program as compiled. `none` among `accumulate` is: sums in the format. A format that says itself what its sums run
/// in (`e4m3+fp32`) has no other.
///
/// # Errors
/// Texts that are no formats; fewer than two choices.
pub fn choices(
    formats: &[String],
    accumulate: &[String],
    objective: Objective,
) -> Result<Vec<Arithmetic>, Error> {
    let known = |option: &str, text: &str| {
        let text = settings::accumulator(text.trim())
            .map_err(|e| Error::Usage(format!("`{text}` is no value of {option}: {e}")))?;
        if width(&text).is_none() {
            return Err(Error::Usage(format!(
                "{option}: how many bits of exponent {text} has cannot be said\n  = help: give a format as eXmY"
            )));
        }
        Ok(text)
    };
    let mut all = vec![Arithmetic::as_compiled()];
    for item in formats {
        let (format, own) = match item.split_once('+') {
            Some((format, sums)) => (format, Some(vec![sums.to_string()])),
            None => (item.as_str(), None),
        };
        let format = known("--formats", format)?;
        if format == AS_COMPILED {
            if own.is_some() {
                return Err(Error::Usage(format!(
                    "`{item}` is no value of --formats: {AS_COMPILED} is the program as compiled, its sums too"
                )));
            }
            continue;
        }
        let option = if own.is_some() {
            "--formats"
        } else {
            "--accumulate"
        };
        let sums = own.unwrap_or_else(|| accumulate.to_vec());
        let none = [AS_COMPILED.to_string()];
        for sums in if sums.is_empty() { &none[..] } else { &sums[..] } {
            let sums = known(option, sums)?;
            let one = Arithmetic {
                format: format.clone(),
                accumulate: (sums != AS_COMPILED && sums != format).then_some(sums),
            };
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    if all.len() < 2 {
        return Err(Error::Usage(
            "there is nothing to choose between: only the program as compiled\n  = help: --formats bf16,e5m4,e4m3"
                .into(),
        ));
    }
    all[1..].sort_by(|a, b| {
        let narrower = objective.cost(b).total_cmp(&objective.cost(a));
        narrower.then(b.bits()[0].0.total_cmp(&a.bits()[0].0))
    });
    Ok(all)
}

/// What is to be least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// Width of the operands.
    Bits,
    /// Time of the arithmetic, modelled.
    Cycles,
    /// Energy of the arithmetic, modelled.
    Energy,
}

impl Objective {
    /// All, by their names.
    pub const ALL: &[(&str, Objective)] = &[
        ("bits", Objective::Bits),
        ("cycles", Objective::Cycles),
        ("energy", Objective::Energy),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, o)| *o == self)
            .map_or("bits", |(n, _)| n)
    }

    /// What a cost is, for people; models say so.
    pub fn about(self) -> &'static str {
        match self {
            Objective::Bits => "bits of an operand of a multiply-add, mean of its two factors and its sum",
            Objective::Cycles => "cycles of a 32-bit lane for a multiply-add, modelled, not measured",
            Objective::Energy => "pJ of a multiply-add, modelled, not measured",
        }
    }

    /// Head of a column of costs.
    pub fn head(self) -> &'static str {
        match self {
            Objective::Bits => "bits",
            Objective::Cycles => "cycles (modelled)",
            Objective::Energy => "pJ (modelled)",
        }
    }

    /// Cost of a multiply-add.
    pub fn cost(self, arithmetic: &Arithmetic) -> f64 {
        let [(precision, product), (_, sum)] = arithmetic.bits();
        match self {
            Objective::Bits => (2.0 * product + sum) / 3.0,
            Objective::Cycles => cycles(product.max(sum)),
            Objective::Energy => multiplier(precision) + adder(sum),
        }
    }
}

/// Cycles that a 32-bit lane takes for a multiply-add of operands of so many bits: it does as many at a time as have
/// room in it, up to 8. So it is with packed halves: devices of compute capability 7 have twice the throughput of
/// binary32 in binary16 (CUDA C++ Programming Guide, "Arithmetic Instructions", table of throughput). For widths other
/// than 16 and 32 it is an assumption.
fn cycles(bits: f64) -> f64 {
    1.0 / (32.0 / bits).floor().clamp(1.0, 8.0)
}

/// Energy of a multiplication with this precision (leading bit counted), pJ: grows with the square of the precision as
/// the array of the multiplier does, through the two points that are published, 1.1 pJ for binary16 and 3.7 pJ for
/// binary32 in 45 nm at 0.9 V (Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014).
fn multiplier(precision: f64) -> f64 {
    let slope = (3.7 - 1.1) / (24.0 * 24.0 - 11.0 * 11.0);
    1.1 + slope * (precision * precision - 11.0 * 11.0)
}

/// Energy of an addition of this width (all bits), pJ: linear through 0.4 pJ for binary16 and 0.9 pJ for binary32, of the
/// same source.
fn adder(bits: f64) -> f64 {
    (0.4 + (0.9 - 0.4) / 16.0 * (bits - 16.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Arithmetic {
        let parsed = choices(&[text.into()], &[], Objective::Bits).unwrap();
        parsed[1].clone()
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn costs_are_those_of_the_definition_and_the_published_points() {
        near(Objective::Bits.cost(&Arithmetic::as_compiled()), 32.0);
        near(Objective::Bits.cost(&of("bf16+fp32")), 64.0 / 3.0);
        near(Objective::Bits.cost(&of("e4m3")), 8.0);
        near(Objective::Energy.cost(&of("fp32")), 3.7 + 0.9);
        near(Objective::Energy.cost(&of("fp16")), 1.1 + 0.4);
        near(Objective::Energy.cost(&of("fp16+fp32")), 1.1 + 0.9);
        near(Objective::Cycles.cost(&of("fp32")), 1.0);
        near(Objective::Cycles.cost(&of("fp16")), 0.5);
        near(Objective::Cycles.cost(&of("fp16+fp32")), 1.0);
        near(Objective::Cycles.cost(&of("e5m4")), 1.0 / 3.0);
        near(Objective::Cycles.cost(&of("e2m1fn")), 1.0 / 8.0);
        // The narrowest that there are still cost something.
        assert!(Objective::Energy.cost(&of("e2m1fn")) > 0.0);
    }

    #[test]
    fn choices_are_the_combinations_from_wide_to_narrow() {
        let names = |formats: &[&str], accumulate: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|t| t.to_string()).collect::<Vec<_>>();
            choices(&own(formats), &own(accumulate), Objective::Bits)
                .map(|all| all.iter().map(Arithmetic::name).collect::<Vec<_>>().join(" "))
                .map_err(|e| e.to_string())
        };
        assert_eq!(names(FORMATS, &[]).unwrap(), FORMATS.join(" "));
        assert_eq!(
            names(&["e4m3", "bf16"], &["none", "fp32"]).unwrap(),
            "none bf16+fp32 bf16 e4m3+fp32 e4m3"
        );
        assert_eq!(
            names(&["e4m3+bf16", "e4m3"], &["e4m3"]).unwrap(),
            "none e4m3+bf16 e4m3"
        );
        assert!(names(&["none"], &[]).is_err());
        assert!(names(&["e9q"], &[]).unwrap_err().contains("--formats"));
        assert!(names(&["e4m3"], &["huge"]).unwrap_err().contains("--accumulate"));
        assert!(names(&["none+fp32"], &[]).is_err());
    }
}
