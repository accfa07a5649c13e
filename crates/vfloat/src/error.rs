//! What can be wrong with a format, a rounding mode or their texts.

/// Why a text or a number is not a format or a rounding mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// P outside 2..=24.
    #[error(
        "a significand of {precision} bits is not possible: P counts the leading bit and goes from 2 to 24"
    )]
    Precision {
        /// The refused number of bits.
        precision: i64,
    },
    /// EMIN below that of binary32.
    #[error("minimum exponent {emin} is out of range: EMIN is at least -148 (binary32's)")]
    ExponentMin {
        /// The refused EMIN.
        emin: i64,
    },
    /// EMAX above that of binary32.
    #[error("maximum exponent {emax} is out of range: EMAX is at most 128 (binary32's)")]
    ExponentMax {
        /// The refused EMAX.
        emax: i64,
    },
    /// EMIN above EMAX.
    #[error("minimum exponent {emin} is above maximum exponent {emax}: are the two swapped?")]
    Swapped {
        /// The given EMIN.
        emin: i64,
        /// The given EMAX.
        emax: i64,
    },
    /// An `eXmY` outside 1..=8 exponent bits and 1..=23 explicit significand bits.
    #[error(
        "e{exponent_bits}m{significand_bits} is not possible: a format has 1 to 8 exponent bits and 1 to 23 explicit significand bits"
    )]
    Ieee {
        /// The given number of exponent bits.
        exponent_bits: i64,
        /// The given number of explicit significand bits.
        significand_bits: i64,
    },
    /// A text that is no format at all.
    #[error(
        "unknown format `{text}`: give a name (fp32, tf32, bf16, fp16, e5m2, e4m3, e4m3fn, ...), eXmY (e8m7: 8 exponent bits, 7 explicit significand bits), eXmYfn or eXmYfnuz (no infinities) or P,EMIN,EMAX (3,-15,16); _sat behind it saturates, _ftz flushes subnormals"
    )]
    Unknown {
        /// The refused text.
        text: String,
    },
    /// A setting (environment variable or policy entry) that is not a whole number or is out of bounds.
    #[error("{variable} is `{text}`, but must be {allowed}")]
    Setting {
        /// The variable's name.
        variable: &'static str,
        /// Its text.
        text: String,
        /// What would be accepted.
        allowed: &'static str,
    },
    /// Settings whose minimum exponent is above the maximum.
    #[error("VF_EXPONENT_MIN ({emin}) is above VF_EXPONENT_MAX ({emax}): are the two swapped?")]
    SettingsSwapped {
        /// The minimum exponent in force.
        emin: i64,
        /// The maximum exponent in force.
        emax: i64,
    },
    /// `VERNIER_FORMAT` is no format.
    #[error("VERNIER_FORMAT: {0}")]
    Variable(Box<FormatError>),
    /// A text that is no rounding mode.
    #[error(
        "unknown rounding mode `{text}`: use rn (nearest even), rz (toward zero), rm (toward minus infinity), rp (toward plus infinity), ra (nearest, ties away from zero), ro (to odd), rs (stochastic) or rsN (with N random bits)"
    )]
    UnknownRounding {
        /// The refused text.
        text: String,
    },
    /// Stochastic rounding with a number of random bits that is not possible.
    #[error("`{text}`: stochastic rounding takes 1 to 28 random bits (rs alone: 24)")]
    RandomBits {
        /// The refused text.
        text: String,
    },
    /// An integer format that is not possible.
    #[error("`{text}`: integer formats are int2 to int16, and intN_bB with a scale for each B values")]
    Integer {
        /// The refused text.
        text: String,
    },
    /// Stochastic rounding of operands.
    #[error("operands cannot enter a format by stochastic rounding: use rz, rm, rn, rp, ra or ro")]
    StochasticOperands,
    /// `_ftz` on a format in which every value is subnormal.
    #[error(
        "`{text}` flushes everything: its exponent range is narrower than its significand, so it has only subnormal values"
    )]
    FlushesAll {
        /// The refused text.
        text: String,
    },
}
