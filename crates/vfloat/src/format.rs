//! A number format (significand bits and exponent range) and a rounding mode: values, limits, texts.
//!
//! A format follows MPFR's convention: a finite non-zero value is `m * 2^e` with `1/2 <= m < 1`, at most
//! `P` significant bits and `EMIN <= e <= EMAX`; results below the normal range are multiples of
//! `2^(EMIN-1)`. Everything a format can hold is exactly a binary32, so values travel in `f32`.

use std::fmt;
use std::str::FromStr;

/// Fewest and most bits of significand, the leading bit counted.
pub const PRECISION_RANGE: std::ops::RangeInclusive<u32> = 2..=24;
/// Smallest EMIN: `2^(EMIN-1)` is then the smallest subnormal binary32.
pub const EMIN_LOWEST: i32 = -148;
/// Largest EMAX: `2^EMAX` is then just above the largest binary32.
pub const EMAX_HIGHEST: i32 = 128;

/// A binary floating-point format of `P` bits (leading bit counted) and exponents `EMIN..=EMAX`.
///
/// Every triple inside the bounds is a format. If `EMAX < EMIN + P - 1`, no value has all P bits: the format
/// is a fixed-point grid, the multiples of `2^(EMIN-1)` below `2^EMAX`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Format {
    precision: u8,
    emin: i16,
    emax: i16,
}

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
        "unknown format `{text}`: give a name (fp32, tf32, bf16, fp16, e5m2, e4m3), eXmY (e8m7: 8 exponent bits, 7 explicit significand bits) or P,EMIN,EMAX (3,-15,16)"
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
    /// A text that is no rounding mode.
    #[error(
        "unknown rounding mode `{text}`: use rn (nearest even), rz (toward zero), rm (toward minus infinity) or rp (toward plus infinity)"
    )]
    UnknownRounding {
        /// The refused text.
        text: String,
    },
}

/// The IEEE-style format of bits that are known to be inside the bounds.
const fn ieee_unchecked(exponent_bits: u32, significand_bits: u32) -> Format {
    let emax = 1i32 << (exponent_bits - 1);
    Format {
        precision: significand_bits as u8 + 1,
        emin: (3 - emax - significand_bits as i32) as i16,
        emax: emax as i16,
    }
}

impl Format {
    /// IEEE binary32: P 24, exponents -148..=128.
    pub const FP32: Format = ieee_unchecked(8, 23);
    /// TensorFloat-32: P 11, exponents -135..=128.
    pub const TF32: Format = ieee_unchecked(8, 10);
    /// bfloat16: P 8, exponents -132..=128.
    pub const BF16: Format = ieee_unchecked(8, 7);
    /// IEEE binary16: P 11, exponents -23..=16.
    pub const FP16: Format = ieee_unchecked(5, 10);
    /// FP8 E5M2: P 3, exponents -15..=16.
    pub const E5M2: Format = ieee_unchecked(5, 2);
    /// FP8 E4M3, IEEE-style with infinities: P 4, exponents -8..=8.
    pub const E4M3: Format = ieee_unchecked(4, 3);

    /// The formats that have a name of their own, widest first.
    pub const NAMED: &'static [(&'static str, Format)] = &[
        ("fp32", Format::FP32),
        ("tf32", Format::TF32),
        ("bf16", Format::BF16),
        ("fp16", Format::FP16),
        ("e5m2", Format::E5M2),
        ("e4m3", Format::E4M3),
    ];

    /// Other spellings that are understood.
    const ALIASES: &'static [(&'static str, Format)] = &[
        ("f32", Format::FP32),
        ("float", Format::FP32),
        ("binary32", Format::FP32),
        ("bfloat16", Format::BF16),
        ("f16", Format::FP16),
        ("half", Format::FP16),
        ("binary16", Format::FP16),
        ("fp8e5m2", Format::E5M2),
        ("fp8-e5m2", Format::E5M2),
        ("fp8_e5m2", Format::E5M2),
        ("fp8e4m3", Format::E4M3),
        ("fp8-e4m3", Format::E4M3),
        ("fp8_e4m3", Format::E4M3),
    ];

    /// A format of `precision` bits (leading bit counted, 2..=24) and exponents `emin..=emax` in MPFR's
    /// convention (inside -148..=128). Errors say which number is out of bounds, or that the two exponents are
    /// swapped.
    pub const fn new(precision: u32, emin: i32, emax: i32) -> Result<Format, FormatError> {
        if precision < *PRECISION_RANGE.start() || precision > *PRECISION_RANGE.end() {
            return Err(FormatError::Precision {
                precision: precision as i64,
            });
        }
        if emin > emax {
            return Err(FormatError::Swapped {
                emin: emin as i64,
                emax: emax as i64,
            });
        }
        if emin < EMIN_LOWEST {
            return Err(FormatError::ExponentMin { emin: emin as i64 });
        }
        if emax > EMAX_HIGHEST {
            return Err(FormatError::ExponentMax { emax: emax as i64 });
        }
        Ok(Format {
            precision: precision as u8,
            emin: emin as i16,
            emax: emax as i16,
        })
    }

    /// The IEEE-style format of E `exponent_bits` (1..=8) and M explicit `significand_bits` (1..=23):
    /// `P = M + 1`, `EMAX = 2^(E-1)`, `EMIN = 3 - 2^(E-1) - M`.
    pub const fn ieee(exponent_bits: u32, significand_bits: u32) -> Result<Format, FormatError> {
        if exponent_bits < 1 || exponent_bits > 8 || significand_bits < 1 || significand_bits > 23 {
            return Err(FormatError::Ieee {
                exponent_bits: exponent_bits as i64,
                significand_bits: significand_bits as i64,
            });
        }
        Ok(ieee_unchecked(exponent_bits, significand_bits))
    }

    /// P: bits of significand, the leading bit counted.
    pub const fn precision(self) -> u32 {
        self.precision as u32
    }

    /// EMIN: the smallest positive value is `2^(EMIN-1)`.
    pub const fn emin(self) -> i32 {
        self.emin as i32
    }

    /// EMAX: every finite value is below `2^EMAX` in magnitude.
    pub const fn emax(self) -> i32 {
        self.emax as i32
    }

    /// (E, M) if this is the IEEE-style format of E exponent bits and M explicit significand bits.
    pub fn ieee_bits(self) -> Option<(u32, u32)> {
        let significand_bits = self.precision() - 1;
        (1..=8)
            .map(|e| (e, significand_bits))
            .find(|&(e, m)| Format::ieee(e, m) == Ok(self))
    }

    /// The exponent of the distance between neighbours just below `2^EMAX`.
    const fn top_quantum(self) -> i32 {
        let normal = self.emax() - self.precision() as i32;
        if normal > self.emin() - 1 {
            normal
        } else {
            self.emin() - 1
        }
    }

    /// The largest finite result: `2^EMAX` less one unit in its last place.
    pub fn max(self) -> f64 {
        power_of_two(self.emax()) - power_of_two(self.top_quantum())
    }

    /// The largest finite operand that the cut `T` leaves: the largest binary32 of at most P bits below
    /// `2^EMAX`. It equals [`Format::max`] unless the exponent range is narrower than P bits.
    pub fn max_operand(self) -> f64 {
        let quantum = (self.emax() - self.precision() as i32).max(EMIN_LOWEST - 1);
        power_of_two(self.emax()) - power_of_two(quantum)
    }

    /// Where the full precision of results begins: `2^(EMIN+P-2)`. In a format narrower than P bits this is above
    /// [`Format::max`].
    pub fn min_normal(self) -> f64 {
        power_of_two(self.emin() + self.precision() as i32 - 2)
    }

    /// The smallest positive value: `2^(EMIN-1)`.
    pub fn min_subnormal(self) -> f64 {
        power_of_two(self.emin() - 1)
    }

    /// The distance from 1 to the next larger number of P bits: `2^(1-P)`.
    pub fn epsilon(self) -> f64 {
        power_of_two(1 - self.precision() as i32)
    }

    /// How many finite magnitudes there are, zero counted.
    pub fn magnitudes(self) -> u64 {
        let (p, span) = (self.precision(), (self.emax() - self.emin() + 1) as u32);
        if span <= p {
            1 << span
        } else {
            u64::from(span - p + 2) << (p - 1)
        }
    }

    /// The finite magnitude with index `index` in ascending order (0 is zero), `index < magnitudes()`.
    fn magnitude(self, index: u64) -> f64 {
        let p = self.precision();
        let binade = (index >> (p - 1)).saturating_sub(1);
        let significand = index - (binade << (p - 1));
        significand as f64 * power_of_two(self.emin() - 1 + binade as i32)
    }

    /// Every value in ascending order: -inf, the negative values, -0, +0, the positive values, +inf. No NaN. Meant
    /// for small formats; it is lazy, so a large one only takes long.
    pub fn values(self) -> impl Iterator<Item = f32> {
        let count = self.magnitudes();
        let negative = (0..count).rev().map(move |i| -self.magnitude(i) as f32);
        let positive = (0..count).map(move |i| self.magnitude(i) as f32);
        std::iter::once(f32::NEG_INFINITY)
            .chain(negative)
            .chain(positive)
            .chain(std::iter::once(f32::INFINITY))
    }

    /// The name: one of [`Format::NAMED`], else `eXmY` if that fits, else `P,EMIN,EMAX`. It parses back.
    pub fn name(self) -> String {
        if let Some((name, _)) = Format::NAMED.iter().find(|(_, format)| *format == self) {
            return (*name).to_string();
        }
        match self.ieee_bits() {
            Some((e, m)) => format!("e{e}m{m}"),
            None => format!("{},{},{}", self.precision, self.emin, self.emax),
        }
    }

    /// The format that the settings VF_SIGNIFICAND, VF_EXPONENT_MIN and VF_EXPONENT_MAX describe; one that is
    /// not set takes binary32's value (24, -148, 128). An error names the variable, its text and what is allowed.
    pub fn from_settings(
        significand: Option<&str>,
        emin: Option<&str>,
        emax: Option<&str>,
    ) -> Result<Format, FormatError> {
        const SETTINGS: [(&str, i64, i64, i64, &str); 3] = [
            (
                "VF_SIGNIFICAND",
                24,
                2,
                24,
                "a whole number of bits from 2 to 24, the leading bit counted",
            ),
            (
                "VF_EXPONENT_MIN",
                -148,
                -148,
                128,
                "a whole number from -148 to 128",
            ),
            (
                "VF_EXPONENT_MAX",
                128,
                -148,
                128,
                "a whole number from -148 to 128",
            ),
        ];
        let mut numbers = [0i64; 3];
        for ((number, text), (variable, default, low, high, allowed)) in
            numbers.iter_mut().zip([significand, emin, emax]).zip(SETTINGS)
        {
            *number = match text {
                None => default,
                Some(text) => text
                    .trim()
                    .parse()
                    .ok()
                    .filter(|n| (low..=high).contains(n))
                    .ok_or_else(|| FormatError::Setting {
                        variable,
                        text: text.to_string(),
                        allowed,
                    })?,
            };
        }
        let [precision, emin, emax] = numbers;
        if emin > emax {
            return Err(FormatError::SettingsSwapped { emin, emax });
        }
        Format::new(precision as u32, emin as i32, emax as i32)
    }

    /// The three settings that describe this format, as (variable, value).
    pub fn settings(self) -> [(&'static str, i32); 3] {
        [
            ("VF_SIGNIFICAND", self.precision() as i32),
            ("VF_EXPONENT_MIN", self.emin()),
            ("VF_EXPONENT_MAX", self.emax()),
        ]
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    /// Reads a name, `eXmY` or `P,EMIN,EMAX`, in any case, spaces around allowed.
    fn from_str(text: &str) -> Result<Format, FormatError> {
        let unknown = || FormatError::Unknown {
            text: text.to_string(),
        };
        let lower = text.trim().to_ascii_lowercase();
        if let Some((_, format)) = Format::NAMED
            .iter()
            .chain(Format::ALIASES)
            .find(|(name, _)| *name == lower)
        {
            return Ok(*format);
        }
        if let Some((e, m)) = lower.strip_prefix('e').and_then(|rest| rest.split_once('m')) {
            if !digits(e) || !digits(m) {
                return Err(unknown());
            }
            let (e, m) = (
                parse_bounded(e).ok_or_else(unknown)?,
                parse_bounded(m).ok_or_else(unknown)?,
            );
            return Format::ieee(e as u32, m as u32);
        }
        let parts: Vec<&str> = lower.split(',').map(str::trim).collect();
        let [precision, emin, emax] = parts[..] else {
            return Err(unknown());
        };
        let number = |text| parse_bounded(text).ok_or_else(unknown);
        let (precision, emin, emax) = (number(precision)?, number(emin)?, number(emax)?);
        if precision < 0 {
            return Err(FormatError::Precision {
                precision: precision.into(),
            });
        }
        Format::new(precision as u32, emin, emax)
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A whole number that fits i32.
fn parse_bounded(text: &str) -> Option<i32> {
    text.parse().ok()
}

/// How a value between two neighbours is rounded.
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
}

impl Rounding {
    /// All modes with their PTX names.
    pub const ALL: [(&'static str, Rounding); 4] = [
        ("rn", Rounding::NearestEven),
        ("rz", Rounding::TowardZero),
        ("rm", Rounding::TowardNegative),
        ("rp", Rounding::TowardPositive),
    ];

    /// The PTX name: rn, rz, rm or rp.
    pub const fn name(self) -> &'static str {
        Rounding::ALL[self as usize].0
    }

    /// Whether a value of this sign is rounded away from zero in this mode (never in nearest-even).
    pub const fn is_away(self, negative: bool) -> bool {
        matches!(
            (self, negative),
            (Rounding::TowardPositive, false) | (Rounding::TowardNegative, true)
        )
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rounding {
    type Err = FormatError;

    /// Reads rn, rz, rm or rp, in any case.
    fn from_str(text: &str) -> Result<Rounding, FormatError> {
        let lower = text.trim().to_ascii_lowercase();
        Rounding::ALL
            .iter()
            .find(|(name, _)| *name == lower)
            .map(|(_, mode)| *mode)
            .ok_or_else(|| FormatError::UnknownRounding {
                text: text.to_string(),
            })
    }
}

/// `2^exponent` as f64, for exponents of normal f64 numbers (-1022..=1023).
pub(crate) const fn power_of_two(exponent: i32) -> f64 {
    debug_assert!(exponent >= -1022 && exponent <= 1023);
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_formats_have_the_table_of_the_semantics() {
        let table: Vec<_> = Format::NAMED
            .iter()
            .map(|(n, f)| (*n, f.precision(), f.emin(), f.emax()))
            .collect();
        assert_eq!(
            table,
            [
                ("fp32", 24, -148, 128),
                ("tf32", 11, -135, 128),
                ("bf16", 8, -132, 128),
                ("fp16", 11, -23, 16),
                ("e5m2", 3, -15, 16),
                ("e4m3", 4, -8, 8)
            ]
        );
    }

    #[test]
    fn limits_of_known_formats() {
        assert_eq!(Format::FP32.max(), f32::MAX as f64);
        assert_eq!(Format::FP32.min_normal(), f32::MIN_POSITIVE as f64);
        assert_eq!(Format::FP32.min_subnormal(), f32::from_bits(1) as f64);
        assert_eq!(Format::FP32.epsilon(), f32::EPSILON as f64);
        assert_eq!(Format::FP16.max(), 65504.0);
        assert_eq!(Format::FP16.min_subnormal(), 2f64.powi(-24));
        assert_eq!(Format::E5M2.max(), 57344.0);
        assert_eq!(Format::E4M3.max(), 240.0);
        let fixed = Format::new(8, 1, 3).unwrap();
        assert_eq!(
            (fixed.max(), fixed.max_operand(), fixed.min_subnormal()),
            (7.0, 8.0 - 1.0 / 32.0, 1.0)
        );
    }

    #[test]
    fn every_name_parses_back() {
        for p in 2..=24 {
            for emin in -148..=128 {
                for emax in (emin..=128).step_by(5) {
                    let format = Format::new(p, emin, emax).unwrap();
                    assert_eq!(format.name().parse(), Ok(format));
                }
            }
        }
        for (text, format) in Format::NAMED.iter().chain(Format::ALIASES) {
            assert_eq!(text.to_uppercase().parse(), Ok(*format));
        }
        assert_eq!("e8m7".parse(), Ok(Format::BF16));
        assert_eq!(" 3, -15 ,16".parse(), Ok(Format::E5M2));
        assert_eq!(format!("{:>6}|", Format::BF16), "  bf16|");
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let message = |text: &str| text.parse::<Format>().unwrap_err().to_string();
        assert!(message("1,-15,16").contains("P counts the leading bit and goes from 2 to 24"));
        assert!(message("25,-15,16").contains("significand of 25 bits"));
        assert!(message("3,16,-15").contains("swapped"));
        assert!(message("3,-149,16").contains("-149"));
        assert!(message("3,-15,129").contains("129"));
        assert!(message("e9m2").contains("1 to 8 exponent bits"));
        assert!(message("e5m0").contains("1 to 23"));
        for text in [
            "",
            "fp33",
            "e5",
            "e+5m2",
            "1,2",
            "1,2,3,4",
            "a,b,c",
            "e5m2x",
            "99999999999,1,2",
        ] {
            assert!(message(text).contains("unknown format"), "{text}");
        }
        assert!(
            "up".parse::<Rounding>()
                .unwrap_err()
                .to_string()
                .contains("rn (nearest even)")
        );
    }

    #[test]
    fn settings_default_to_fp32_and_name_the_variable() {
        assert_eq!(Format::from_settings(None, None, None), Ok(Format::FP32));
        assert_eq!(
            Format::from_settings(Some("3"), Some("-15"), Some(" 16 ")),
            Ok(Format::E5M2)
        );
        let message = |p, l, h| Format::from_settings(p, l, h).unwrap_err().to_string();
        let text = message(Some("60"), None, None);
        assert!(
            text.contains("VF_SIGNIFICAND is `60`") && text.contains("2 to 24"),
            "{text}"
        );
        assert!(message(None, Some("low"), None).contains("VF_EXPONENT_MIN is `low`"));
        assert!(message(None, None, Some("129")).contains("VF_EXPONENT_MAX is `129`"));
        assert!(message(None, Some("16"), Some("-15")).contains("swapped"));
        assert!(message(Some(""), None, None).contains("VF_SIGNIFICAND"));
    }

    #[test]
    fn values_are_ascending_and_complete() {
        let e4m3: Vec<f32> = Format::E4M3.values().collect();
        assert_eq!(e4m3.len(), 256 - 14);
        for pair in e4m3.windows(2) {
            assert!(pair[0] < pair[1] || (pair[0].to_bits() == (-0f32).to_bits() && pair[1].to_bits() == 0));
        }
        assert_eq!(e4m3[e4m3.len() - 2] as f64, Format::E4M3.max());
        let tiny: Vec<f32> = Format::ieee(1, 1).unwrap().values().collect();
        assert_eq!(tiny, [f32::NEG_INFINITY, -1.0, -0.0, 0.0, 1.0, f32::INFINITY]);
        assert_eq!(Format::FP16.values().count(), 65536 - 2 * 1023);
        let one = Format::new(2, 3, 3).unwrap();
        assert_eq!(
            one.values().collect::<Vec<_>>(),
            [f32::NEG_INFINITY, -4.0, -0.0, 0.0, 4.0, f32::INFINITY]
        );
    }
}
