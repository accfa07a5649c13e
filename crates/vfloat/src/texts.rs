//! The texts of formats: names that parse back, identifiers, and the settings of a run.

use std::fmt;
use std::str::FromStr;

use crate::error::FormatError;
use crate::format::{Format, Overflow};

/// Other spellings that are understood.
const ALIASES: &[(&str, Format)] = &[
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

/// The format of E exponent bits and M explicit significand bits in a family.
type Family = fn(u32, u32) -> Result<Format, FormatError>;

/// The families, with the end of their texts.
const FAMILIES: [(&str, Family); 3] = [("", Format::ieee), ("fn", Format::finite), ("fnuz", Format::fnuz)];

/// Suffixes in the order in which they are written.
const SATURATE: &str = "_sat";
const FLUSH: &str = "_ftz";

impl Format {
    /// The text of a format without suffixes, if it is one of [`Format::NAMED`], [`Format::BEYOND_IEEE`], `eXmY`,
    /// `eXmYfn` or `eXmYfnuz`.
    fn family_name(self) -> Option<String> {
        let mut named = Format::NAMED.iter().chain(Format::BEYOND_IEEE);
        if let Some((name, _)) = named.find(|(_, format)| *format == self) {
            return Some((*name).to_string());
        }
        let m = self.precision() - 1;
        FAMILIES.iter().find_map(|(end, family)| {
            (1..=8)
                .find(|&e| family(e, m) == Ok(self))
                .map(|e| format!("e{e}m{m}{end}"))
        })
    }

    /// The name without and with suffixes tried against `plain`, which names formats without suffixes.
    fn with_suffixes(self, plain: impl Fn(Format) -> Option<String>) -> Option<String> {
        // What the suffixes may have changed, undone: one of these is the format before them.
        let overflows = [self.overflow(), Overflow::Infinity, Overflow::Nan];
        let end = if self.flushes() { FLUSH } else { "" };
        overflows.into_iter().enumerate().find_map(|(i, overflow)| {
            let before = self.before_suffixes(overflow);
            let saturates = if i > 0 { SATURATE } else { "" };
            let possible = i == 0 || self.overflow() == Overflow::Saturate;
            plain(before)
                .filter(|_| possible)
                .map(|name| format!("{name}{saturates}{end}"))
        })
    }

    /// The name: one of [`Format::NAMED`] or [`Format::BEYOND_IEEE`], else `eXmY`, `eXmYfn` or `eXmYfnuz` if that
    /// fits, else `P,EMIN,EMAX`; then `_sat` and `_ftz`. It parses back.
    pub fn name(self) -> String {
        if let Some(name) = self.with_suffixes(Format::family_name) {
            return name;
        }
        if self.is_plain() {
            return format!("{},{},{}", self.precision(), self.emin(), self.emax());
        }
        self.ident()
    }

    /// The name as an identifier of `[a-z0-9_]`: as [`Format::name`], but `p3_n15_16` for `3,-15,16`. It parses back.
    pub fn ident(self) -> String {
        let triple = |format: Format| {
            let number = |n: i32| format!("{}{}", if n < 0 { "n" } else { "" }, n.abs());
            let (p, emin, emax) = (format.precision(), number(format.emin()), number(format.emax()));
            format.is_plain().then(|| format!("p{p}_{emin}_{emax}"))
        };
        self.with_suffixes(Format::family_name)
            .or_else(|| self.with_suffixes(triple))
            .unwrap_or_default()
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

    /// The format that the environment describes: `VERNIER_FORMAT` (any text) if set and not empty, else the three of
    /// [`Format::from_settings`]. `read` gives a variable's text. An error names the variable.
    pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Format, FormatError> {
        if let Some(text) = read("VERNIER_FORMAT").filter(|text| !text.is_empty()) {
            return text
                .parse()
                .map_err(|error| FormatError::Variable(Box::new(error)));
        }
        let [p, emin, emax] = ["VF_SIGNIFICAND", "VF_EXPONENT_MIN", "VF_EXPONENT_MAX"].map(read);
        Format::from_settings(p.as_deref(), emin.as_deref(), emax.as_deref())
    }

    /// The settings that describe this format, as (variable, value): the three that [`Format::from_settings`] reads
    /// if they can, else `VERNIER_FORMAT` with the name. The other ones must not be set.
    pub fn settings(self) -> Vec<(&'static str, String)> {
        if !self.is_plain() {
            return vec![("VERNIER_FORMAT", self.ident())];
        }
        vec![
            ("VF_SIGNIFICAND", self.precision().to_string()),
            ("VF_EXPONENT_MIN", self.emin().to_string()),
            ("VF_EXPONENT_MAX", self.emax().to_string()),
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

    /// Reads a name, `eXmY`, `eXmYfn`, `eXmYfnuz`, `P,EMIN,EMAX` or `pP_EMIN_EMAX` with `_sat` and `_ftz` behind it,
    /// in any case, spaces around allowed.
    fn from_str(text: &str) -> Result<Format, FormatError> {
        let lower = text.trim().to_ascii_lowercase();
        let (rest, flush) = without_suffix(&lower, FLUSH);
        let (rest, saturate) = without_suffix(rest, SATURATE);
        let format = without_suffixes(rest, text)?;
        let format = if saturate { format.saturating() } else { format };
        if !flush {
            return Ok(format);
        }
        format.flushing().ok_or_else(|| FormatError::FlushesAll {
            text: text.to_string(),
        })
    }
}

/// The text without the suffix, and whether it was there.
fn without_suffix<'a>(text: &'a str, suffix: &str) -> (&'a str, bool) {
    match text.strip_suffix(suffix) {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

/// A lower-case text without suffixes; `text` is the whole for messages.
fn without_suffixes(lower: &str, text: &str) -> Result<Format, FormatError> {
    let unknown = || FormatError::Unknown {
        text: text.to_string(),
    };
    let mut named = Format::NAMED.iter().chain(Format::BEYOND_IEEE).chain(ALIASES);
    if let Some((_, format)) = named.find(|(name, _)| *name == lower) {
        return Ok(*format);
    }
    if let Some((e, rest)) = lower.strip_prefix('e').and_then(|rest| rest.split_once('m')) {
        let end = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let m = &rest[..rest.len() - end.len()];
        let (_, family) = FAMILIES
            .iter()
            .find(|(name, _)| *name == end)
            .ok_or_else(unknown)?;
        if !digits(e) || !digits(m) {
            return Err(unknown());
        }
        let number = |text| parse_bounded(text).ok_or_else(unknown);
        return family(number(e)? as u32, number(m)? as u32);
    }
    let identifier = lower
        .strip_prefix('p')
        .map(|rest| rest.replace('n', "-").replace('_', ","));
    let listed = identifier.as_deref().unwrap_or(lower);
    let parts: Vec<&str> = listed.split(',').map(str::trim).collect();
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

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A whole number that fits i32.
fn parse_bounded(text: &str) -> Option<i32> {
    text.parse().ok()
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
    fn every_name_parses_back() {
        for p in 2..=24 {
            for emin in -148..=128 {
                for emax in (emin..=128).step_by(5) {
                    let format = Format::new(p, emin, emax).unwrap();
                    assert_eq!(format.name().parse(), Ok(format));
                }
            }
        }
        for (text, format) in Format::NAMED.iter().chain(ALIASES) {
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
    fn the_environment_names_any_format() {
        for format in [Format::BF16, Format::E4M3FN, Format::E5M2.saturating()] {
            let settings = format.settings();
            let read = |name: &str| settings.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
            assert_eq!(Format::from_environment(read), Ok(format));
        }
        let error = Format::from_environment(|name| (name == "VERNIER_FORMAT").then(|| "e9".into()));
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("VERNIER_FORMAT") && text.contains("unknown format `e9`"),
            "{text}"
        );
    }

    #[test]
    fn every_variant_parses_back_and_is_an_identifier() {
        let plain = (2..=24).step_by(3).flat_map(|p| {
            (-148..=100)
                .step_by(7)
                .map(move |emin| Format::new(p, emin, emin + 20))
        });
        let families = FAMILIES
            .iter()
            .flat_map(|(_, family)| (1..=8).flat_map(move |e| (1..=23).map(move |m| family(e, m))));
        let named = Format::BEYOND_IEEE.iter().map(|(_, format)| Ok(*format));
        for format in plain.chain(families).chain(named).flatten() {
            let variants = [
                Some(format),
                Some(format.saturating()),
                format.flushing(),
                format.saturating().flushing(),
            ];
            for format in variants.into_iter().flatten() {
                let (name, ident) = (format.name(), format.ident());
                assert_eq!(name.parse(), Ok(format), "{name}");
                assert_eq!(ident.parse(), Ok(format), "{ident}");
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
                assert!(ident.bytes().all(allowed), "{ident}");
            }
        }
        for (name, format) in Format::BEYOND_IEEE {
            assert_eq!(format.name(), *name);
        }
        assert_eq!("E4M3FN_SAT".parse(), Ok(Format::E4M3FN.saturating()));
        assert_eq!("e3m2fn_sat".parse(), Ok(Format::E3M2FN));
        assert_eq!("p8_n132_128".parse(), Ok(Format::BF16));
        assert_eq!(Format::new(3, -14, 16).map(Format::ident), Ok("p3_n14_16".into()));
        assert_eq!(
            Format::E5M2.saturating().flushing().map(Format::name),
            Some("e5m2_sat_ftz".into())
        );
        assert_eq!(
            "8,1,3_ftz".parse::<Format>(),
            Err(FormatError::FlushesAll {
                text: "8,1,3_ftz".into()
            })
        );
        for text in ["e4m3fnx", "e4m3fn_", "_sat", "p3_n15", "e8m7_ftz_sat"] {
            let refused = text.parse::<Format>();
            assert!(matches!(refused, Err(FormatError::Unknown { .. })), "{text}");
        }
        assert!(matches!(
            "e8m3fn".parse::<Format>(),
            Err(FormatError::ExponentMax { .. })
        ));
    }
}
