//! Counters of one instruction.

/// Binary32 values, counted by exponent and by the bits of significand that they use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// Bins 0 to 255 are the biased exponent (0: binary32 subnormals, 255: infinities); zeros and NaNs apart.
    pub(crate) exponents: [u64; Values::BINS],
    /// From the leading one to the last one: 1 to 24. Bin 0 has the zeros, infinities and NaNs.
    pub(crate) widths: [u64; Values::WIDTHS],
}

impl Values {
    pub(crate) const BINS: usize = 258;
    pub(crate) const ZERO: usize = 256;
    pub(crate) const NAN: usize = 257;
    pub(crate) const WIDTHS: usize = 25;

    /// Zeros.
    pub fn zeros(&self) -> u64 {
        self.exponents[Self::ZERO]
    }
    /// NaNs.
    pub fn nans(&self) -> u64 {
        self.exponents[Self::NAN]
    }
    /// Infinities.
    pub fn infinities(&self) -> u64 {
        self.exponents[255]
    }
    /// Finite values that are not zero, by exponent e (2^e <= |x| < 2^(e+1)); all binary32 subnormals count as -127.
    pub fn finite(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        let bins = self.exponents[..255].iter().enumerate();
        bins.filter(|(_, n)| **n > 0).map(|(k, n)| (k as i32 - 127, *n))
    }
    /// The same values by the bits of significand that they use, 1 to 24.
    pub fn widths(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        let bins = (0u32..).zip(&self.widths).skip(1);
        bins.filter(|(_, n)| **n > 0).map(|(k, n)| (k, *n))
    }
    fn add(&mut self, other: &Values) {
        let exponents = self.exponents.iter_mut().zip(&other.exponents);
        let widths = self.widths.iter_mut().zip(&other.widths);
        exponents.chain(widths).for_each(|(a, b)| *a += b);
    }
}

impl Default for Values {
    fn default() -> Values {
        Values {
            exponents: [0; Values::BINS],
            widths: [0; Values::WIDTHS],
        }
    }
}

/// Declares [`Fact`]: variant, name in records, meaning.
macro_rules! facts {
    ($($variant:ident = $name:literal, $meaning:literal;)*) => {
        /// Something that may happen to a result.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fact { $(#[doc = $meaning] $variant),* }
        impl Fact {
            /// All.
            pub const ALL: &'static [Fact] = &[$(Fact::$variant),*];
            /// Its name in records.
            pub const fn name(self) -> &'static str {
                match self { $(Fact::$variant => $name),* }
            }
            /// What is counted.
            pub const fn meaning(self) -> &'static str {
                match self { $(Fact::$variant => $meaning),* }
            }
        }
    };
}

facts! {
    Overflow = "overflow", "finite operands, exact result beyond the largest finite value: infinite, NaN or saturated";
    Underflow = "underflow", "exact result not zero, result zero";
    Subnormal = "subnormal", "result below the normal range of its format";
    NanMade = "nan_made", "result NaN, no operand NaN";
    NanIn = "nan_in", "some operand NaN";
    Pole = "pole", "infinite result of finite operands that is exact: a division by zero and the like";
    Inexact = "inexact", "result differs from the exact one (of the operands as they entered the format)";
    Swamped = "swamped", "a term that is not zero vanished in a sum: the result is the other term";
    ProductOverflow = "product_overflow", "the rounded product of a multiply-add overflowed";
    ProductUnderflow = "product_underflow", "the rounded product of a multiply-add became zero";
}

/// Bins of [`Tally::lost`]: 0 to 24 bits, and all of them (the sum is zero).
pub const LOST_BITS: usize = 26;

/// What was counted at an instruction; each active thread counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Executions.
    pub executions: u64,
    /// By [`Fact`].
    pub(crate) facts: [u64; Fact::ALL.len()],
    /// By operand: how often T changed it.
    pub cut: [u64; 3],
    /// By operand, as it was before T.
    pub operands: [Values; 3],
    /// Results.
    pub result: Values,
    /// Sums by the bits that cancelled: exponent of the larger term less exponent of the exact sum, at most 24; the
    /// last bin counts sums that cancelled to zero.
    pub lost: [u64; LOST_BITS],
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            executions: 0,
            facts: [0; Fact::ALL.len()],
            cut: [0; 3],
            operands: std::array::from_fn(|_| Values::default()),
            result: Values::default(),
            lost: [0; LOST_BITS],
        }
    }
}

impl Tally {
    /// How often a fact was met.
    pub fn get(&self, fact: Fact) -> u64 {
        self.facts[fact as usize]
    }
    /// Adds another one of the same instruction.
    pub fn add(&mut self, other: &Tally) {
        self.executions += other.executions;
        let sums = self.facts.iter_mut().zip(&other.facts);
        let sums = sums.chain(self.cut.iter_mut().zip(&other.cut));
        let sums = sums.chain(self.lost.iter_mut().zip(&other.lost));
        sums.for_each(|(a, b)| *a += b);
        for (a, b) in self.operands.iter_mut().zip(&other.operands) {
            a.add(b);
        }
        self.result.add(&other.result);
    }
}
