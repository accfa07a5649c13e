//! `vernier format`: what formats are, and the variables that select them.

use crate::Result;
use clap::Args;
use run::settings::NamedFormat;
use vfloat::{Format, Overflow};

#[derive(Args)]
#[command(after_help = "Examples:
  vernier format
  vernier format bf16
  vernier format 3,-15,16
  vernier format e4m3fn_sat
  eval \"$(vernier format e4m3 --export)\"")]
pub struct Arguments {
    /// A name, eXmY (X exponent bits, Y explicit significand bits), eXmYfn, eXmYfnuz, or P,EMIN,EMAX, with _sat and _ftz behind it; without it all names
    name: Option<NamedFormat>,
    /// Print shell commands that set the variables
    #[arg(long, requires = "name")]
    export: bool,
}

/// Prints one format or the table of all named ones.
pub fn run(arguments: &Arguments) -> Result {
    match &arguments.name {
        Some(named) if arguments.export => {
            for (variable, value) in named.format.settings() {
                outln!("export {variable}={value}");
            }
        }
        Some(named) => {
            outln!("format           {}", named.format.name());
            for (variable, value) in named.format.settings() {
                outln!("{variable:<16} {value}");
            }
            if !named.format.is_plain() {
                for (what, value) in beyond(named.format) {
                    outln!("{what:<16} {value}");
                }
            }
            for (what, value) in limits(named.format) {
                outln!("{what:<16} {}", number(value));
            }
            // The convention of EMIN and EMAX, and the usual one.
            for (what, value) in limits(named.format).into_iter().take(2) {
                let e = vfloat::inspect::exponent(value as f32).unwrap_or_default();
                outln!(
                    "{:<16} {e} (of m * 2^e with 1/2 <= m < 1; {} with 1 <= m < 2)",
                    format!("exp. {what}"),
                    e - 1
                );
            }
        }
        None => {
            let head = [
                "format",
                "P",
                "EMIN",
                "EMAX",
                "max",
                "min normal",
                "min subnormal",
                "epsilon",
            ]
            .map(String::from);
            row(&head);
            for (name, f) in Format::NAMED.iter().chain(Format::BEYOND_IEEE) {
                let [max, normal, subnormal, epsilon] = limits(*f).map(|(_, v)| number(v));
                let numbers = [
                    f.precision().to_string(),
                    f.emin().to_string(),
                    f.emax().to_string(),
                ];
                let [p, emin, emax] = numbers;
                row(&[(*name).into(), p, emin, emax, max, normal, subnormal, epsilon]);
            }
            outln!(
                "\nAny other: eXmY with X 1 to 8 and Y 1 to 23, or P,EMIN,EMAX with P 2 to 24, EMIN >= -148, EMAX <= 128.\n\
                 Without infinities: eXmYfn (OCP's kind), eXmYfnuz (no negative zero either).\n\
                 Behind any of these: _sat (overflow gives the largest value), _ftz (no subnormals)."
            );
        }
    }
    Ok(())
}

/// What P, EMIN and EMAX do not say.
fn beyond(f: Format) -> [(&'static str, String); 6] {
    let yes = |b: bool| if b { "yes" } else { "no" }.to_string();
    let overflow = match f.overflow() {
        Overflow::Infinity => "to infinity",
        Overflow::Nan => "to NaN",
        Overflow::Saturate => "to max",
    };
    [
        ("P", f.precision().to_string()),
        ("EMIN", f.emin().to_string()),
        ("EMAX", f.emax().to_string()),
        ("overflow", overflow.into()),
        ("subnormals", yes(!f.flushes())),
        ("negative zero", yes(f.has_negative_zero())),
    ]
}

fn limits(f: Format) -> [(&'static str, f64); 4] {
    [
        ("max", f.max()),
        ("min normal", f.min_normal()),
        ("min subnormal", f.min_subnormal()),
        ("epsilon", f.epsilon()),
    ]
}

fn row(cells: &[String; 8]) {
    const WIDTHS: [usize; 8] = [11, 3, 5, 5, 16, 16, 16, 16];
    let line: Vec<String> = cells
        .iter()
        .zip(WIDTHS)
        .map(|(c, w)| format!("{c:<w$}"))
        .collect();
    outln!("{}", line.join(" ").trim_end());
}

/// Eight significant digits at most, in scientific notation where that is shorter.
fn number(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() <= 10 {
        return plain;
    }
    let text = format!("{value:.7e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!(
        "{}e{exponent}",
        digits.trim_end_matches('0').trim_end_matches('.')
    )
}
