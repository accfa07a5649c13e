//! What the numbers of a kernel did, by PTX line. What is counted is said in `exec::observe` and docs/observe.md.

use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Bin of [`Observation::lost`] for sums that cancelled to zero.
pub const ALL_BITS: u32 = 25;

/// At which results a launch is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stop {
    /// A NaN made of operands of which none is one.
    pub nan: bool,
    /// An infinity made of finite operands.
    pub inf: bool,
    /// A result beyond the format's largest finite value, be it an infinity, a NaN or saturated.
    pub overflow: bool,
}

impl Stop {
    /// Whether it stops at anything.
    pub fn any(self) -> bool {
        self.nan | self.inf | self.overflow
    }
}

impl std::str::FromStr for Stop {
    type Err = String;
    fn from_str(text: &str) -> Result<Stop, String> {
        let mut stop = Stop::default();
        for word in text.split(',').map(str::trim) {
            *match word {
                "nan" => &mut stop.nan,
                "inf" => &mut stop.inf,
                "overflow" => &mut stop.overflow,
                _ => return Err(format!("`{word}` is none of nan, inf and overflow")),
            } = true;
        }
        Ok(stop)
    }
}

/// Values, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Values {
    /// Zeros.
    pub zero: u64,
    /// NaNs.
    pub nan: u64,
    /// Infinities.
    pub inf: u64,
    /// Exponent e (2^e <= |x| < 2^(e+1)), how many; binary32 subnormals count as -127.
    pub exponents: Vec<(i32, u64)>,
    /// The same finite values by the bits of significand that they use, 1 to 24: how many.
    pub widths: Vec<(u32, u64)>,
}

impl Values {
    /// Adds others.
    pub fn add(&mut self, other: &Values) {
        self.zero += other.zero;
        self.nan += other.nan;
        self.inf += other.inf;
        add_pairs(&mut self.exponents, &other.exponents);
        add_pairs(&mut self.widths, &other.widths);
    }

    /// All values.
    pub fn total(&self) -> u64 {
        self.zero + self.nan + self.inf + self.exponents.iter().map(|(_, n)| n).sum::<u64>()
    }
}

fn add_pairs<K: Ord + Copy>(sum: &mut Vec<(K, u64)>, more: &[(K, u64)]) {
    let mut all: BTreeMap<K, u64> = sum.iter().copied().collect();
    for (k, n) in more {
        *all.entry(*k).or_default() += n;
    }
    *sum = all.into_iter().collect();
}

/// JSON has no infinity: a relative error beyond binary64's range is written as null.
fn or_infinite<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Option::<f64>::deserialize(from).map(|number| number.unwrap_or(f64::INFINITY))
}

/// Distance of results from a binary64 execution of the same instructions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shadow {
    /// Results compared.
    pub count: u64,
    /// Equal to their shadow.
    pub exact: u64,
    /// Not comparable: one is not finite, or the shadow is zero and the result is not.
    pub apart: u64,
    /// Largest relative error.
    #[serde(deserialize_with = "or_infinite")]
    pub max_relative: f64,
    /// Sum of relative errors.
    #[serde(deserialize_with = "or_infinite")]
    pub sum_relative: f64,
    /// Largest error in units in the last place of the instruction's format.
    #[serde(deserialize_with = "or_infinite")]
    pub max_ulps: f64,
    /// floor(log2(relative error)), how often.
    pub histogram: Vec<(i32, u64)>,
}

impl Shadow {
    /// Adds other results of the same instruction.
    pub fn add(&mut self, other: &Shadow) {
        self.count += other.count;
        self.exact += other.exact;
        self.apart += other.apart;
        self.max_relative = self.max_relative.max(other.max_relative);
        self.sum_relative += other.sum_relative;
        self.max_ulps = self.max_ulps.max(other.max_ulps);
        add_pairs(&mut self.histogram, &other.histogram);
    }

    /// Mean relative error of the results that can be compared.
    pub fn mean_relative(&self) -> f64 {
        self.sum_relative / (self.count - self.apart).max(1) as f64
    }
}

/// What was counted at an instruction of a PTX line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// Mangled kernel name.
    pub kernel: String,
    /// PTX file.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// The line's text.
    pub text: String,
    /// CUDA source file, empty where the PTX does not say.
    pub cuda_file: String,
    /// Its line.
    pub cuda_line: u32,
    /// What the instruction computes: `add`, `fma`, ...
    pub operation: String,
    /// Format of the result.
    pub format: String,
    /// Its bits of significand.
    pub precision: u32,
    /// Its smallest positive value.
    pub min: f64,
    /// Its smallest normal value.
    pub min_normal: f64,
    /// Its largest finite value.
    pub max: f64,
    /// Executions; each active thread counts.
    pub executions: u64,
    /// What happened, how often: `overflow`, `underflow`, `subnormal`, `nan_made`, ...
    pub facts: BTreeMap<String, u64>,
    /// By operand: how often the cut to the format changed it.
    pub cut: Vec<u64>,
    /// By operand, before the cut.
    pub operands: Vec<Values>,
    /// Results.
    pub result: Values,
    /// Bits that cancelled in a sum, how often; [`ALL_BITS`]: the sum is zero.
    pub lost: Vec<(u32, u64)>,
    /// With `--shadow`: distance from binary64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
}

impl Observation {
    /// How often a fact was met.
    pub fn get(&self, fact: &str) -> u64 {
        self.facts.get(fact).copied().unwrap_or(0)
    }

    /// Sums that lost at least `bits` bits.
    pub fn cancelled(&self, bits: u32) -> u64 {
        self.lost.iter().filter(|(b, _)| *b >= bits).map(|(_, n)| n).sum()
    }

    /// Adds what another process counted at the same instruction.
    pub fn add(&mut self, other: &Observation) {
        self.executions += other.executions;
        for (fact, n) in &other.facts {
            *self.facts.entry(fact.clone()).or_default() += n;
        }
        self.cut.iter_mut().zip(&other.cut).for_each(|(a, b)| *a += b);
        for (a, b) in self.operands.iter_mut().zip(&other.operands) {
            a.add(b);
        }
        self.result.add(&other.result);
        add_pairs(&mut self.lost, &other.lost);
        match (&mut self.shadow, &other.shadow) {
            (Some(sum), Some(more)) => sum.add(more),
            (sum @ None, more) => sum.clone_from(more),
            _ => {}
        }
    }

    /// What is the same in observations of the same instruction; their order.
    pub fn key(&self) -> (&str, &str, u32, &str, &str) {
        (&self.kernel, &self.file, self.line, &self.format, &self.operation)
    }
}
