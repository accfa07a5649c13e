//! Rounding modes: names and meaning.

use std::fmt;
use std::str::FromStr;

use crate::error::FormatError;

/// How a value between two neighbours is rounded.
///
/// *Between* has an exact meaning for all modes: x lies between two neighbouring multiples of its quantum, and
/// the fraction of x is how far it is from the one nearer zero, in quanta, from 0 up to but not 1. Fraction 0 is
/// exact: no mode changes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Rounding {
    /// To the nearest, ties to the even significand (`.rn`).
    #[default]
    NearestEven,
    /// Toward zero (`.rz`).
    TowardZero,
    /// Toward minus infinity (`.rm`).
    TowardNegative,
    /// Toward plus infinity (`.rp`).
    TowardPositive,
    /// To the nearest, ties away from zero (`.ra`).
    NearestAway,
    /// To the neighbour whose significand is odd (`.ro`); overflow gives the largest finite value.
    ToOdd,
    /// Stochastic with this many random bits N, 1 to [`Rounding::MOST_RANDOM_BITS`] (`.rs`, `.rs::N`): the fraction is
    /// cut to N bits, a uniform N-bit integer is added, and a carry rounds away from zero.
    Stochastic(u8),
}

/// The names of stochastic rounding with 0, 1, 2, ... random bits; the first is a filler.
const STOCHASTIC_NAMES: [&str; 29] = [
    "rs0", "rs1", "rs2", "rs3", "rs4", "rs5", "rs6", "rs7", "rs8", "rs9", "rs10", "rs11", "rs12", "rs13",
    "rs14", "rs15", "rs16", "rs17", "rs18", "rs19", "rs20", "rs21", "rs22", "rs23", "rs", "rs25", "rs26",
    "rs27", "rs28",
];

impl Rounding {
    /// The modes that need no random bits, with their PTX names.
    pub const ALL: [(&'static str, Rounding); 6] = [
        ("rn", Rounding::NearestEven),
        ("rz", Rounding::TowardZero),
        ("rm", Rounding::TowardNegative),
        ("rp", Rounding::TowardPositive),
        ("ra", Rounding::NearestAway),
        ("ro", Rounding::ToOdd),
    ];

    /// Random bits of `rs`.
    pub const RANDOM_BITS: u8 = 24;

    /// The most random bits: with 24 bits of significand they still fit the 53 of the arithmetic in between.
    pub const MOST_RANDOM_BITS: u8 = 28;

    /// Stochastic rounding with `bits` random bits, if that is 1 to [`Rounding::MOST_RANDOM_BITS`].
    pub const fn stochastic(bits: u32) -> Option<Rounding> {
        if bits >= 1 && bits <= Rounding::MOST_RANDOM_BITS as u32 {
            Some(Rounding::Stochastic(bits as u8))
        } else {
            None
        }
    }

    /// The PTX name: rn, rz, rm, rp, ra, ro, rs (24 random bits) or rsN.
    pub fn name(self) -> &'static str {
        if let Rounding::Stochastic(bits) = self {
            return STOCHASTIC_NAMES.get(usize::from(bits)).copied().unwrap_or("rs");
        }
        Rounding::ALL
            .iter()
            .find(|(_, mode)| *mode == self)
            .map_or("rn", |(name, _)| name)
    }

    /// Whether the mode needs random bits.
    pub const fn is_stochastic(self) -> bool {
        matches!(self, Rounding::Stochastic(_))
    }

    /// Whether an inexact value of this sign is always rounded away from zero in this mode.
    pub const fn is_away(self, negative: bool) -> bool {
        matches!(
            (self, negative),
            (Rounding::TowardPositive, false) | (Rounding::TowardNegative, true)
        )
    }

    /// Whether a value of this sign beyond the largest finite one becomes what the format has for overflow
    /// (infinity, NaN, the largest value), rather than the largest finite value in any format.
    pub const fn overflows(self, negative: bool) -> bool {
        match self {
            Rounding::NearestEven | Rounding::NearestAway | Rounding::Stochastic(_) => true,
            Rounding::TowardZero | Rounding::ToOdd => false,
            Rounding::TowardNegative | Rounding::TowardPositive => self.is_away(negative),
        }
    }

    /// Reads a mode for operands (T): any but the stochastic ones.
    pub fn for_operands(text: &str) -> Result<Rounding, FormatError> {
        match text.parse()? {
            Rounding::Stochastic(_) => Err(FormatError::StochasticOperands),
            mode => Ok(mode),
        }
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rounding {
    type Err = FormatError;

    /// Reads rn, rz, rm, rp, ra, ro, rs or rsN, in any case.
    fn from_str(text: &str) -> Result<Rounding, FormatError> {
        let lower = text.trim().to_ascii_lowercase();
        if let Some((_, mode)) = Rounding::ALL.iter().find(|(name, _)| *name == lower) {
            return Ok(*mode);
        }
        let unknown = || FormatError::UnknownRounding {
            text: text.to_string(),
        };
        match lower.strip_prefix("rs").ok_or_else(unknown)? {
            "" => Ok(Rounding::Stochastic(Rounding::RANDOM_BITS)),
            bits if bits.bytes().all(|b| b.is_ascii_digit()) => {
                Rounding::stochastic(bits.parse().unwrap_or(u32::MAX)).ok_or_else(|| {
                    FormatError::RandomBits {
                        text: text.to_string(),
                    }
                })
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back() {
        let stochastic = (1..=28).filter_map(Rounding::stochastic);
        for mode in Rounding::ALL.iter().map(|(_, mode)| *mode).chain(stochastic) {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(mode.name().to_uppercase().parse(), Ok(mode));
        }
        assert_eq!("rs24".parse(), "rs".parse::<Rounding>());
        assert_eq!(Rounding::stochastic(0), None);
        assert_eq!(Rounding::stochastic(29), None);
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let message = |text: &str| text.parse::<Rounding>().unwrap_err().to_string();
        assert!(message("up").contains("rn (nearest even)"));
        assert!(message("rsx").contains("unknown rounding mode"));
        assert!(message("rs0").contains("1 to 28"));
        assert!(message("rs99999999999").contains("1 to 28"));
        let refused = Rounding::for_operands("rs8").unwrap_err();
        assert!(refused.to_string().contains("operands"));
    }
}
