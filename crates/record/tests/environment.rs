//! What the environment says, and what is said of a value that is none.

use record::variables::{
    LAUNCH_LOG, MAX_INSTRUCTIONS, OBSERVE_EVERY, OVERRIDE, Override, PTX_OUT, PtxOut, QUIET, STOP_AT, THREADS,
};
use record::{Environment, Numerics, Stop};
use vfloat::{Format, Rounding};

fn with(pairs: &[(&str, &str)]) -> Result<Numerics, String> {
    let text = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string());
    Numerics::read(&text).map_err(|e| e.to_string())
}

#[test]
fn numbers_come_from_the_variables() {
    let nothing = with(&[]).unwrap();
    assert_eq!(
        (nothing.format, nothing.input_rounding, nothing.seed),
        (None, None, None)
    );
    let bf16 = [
        ("VF_SIGNIFICAND", "8"),
        ("VF_EXPONENT_MIN", "-132"),
        ("VF_EXPONENT_MAX", "128"),
        ("VERNIER_FORMAT", ""),
    ];
    assert_eq!(with(&bf16).unwrap().format, Some(Format::BF16));
    let more = with(&[
        ("VERNIER_FORMAT", "e5m2"),
        ("VERNIER_INPUT_ROUNDING", "rm"),
        ("VERNIER_SEED", " 7 "),
    ]);
    let more = more.unwrap();
    assert_eq!(more.format, Some("e5m2".parse().unwrap()));
    assert_eq!(
        (more.input_rounding, more.seed),
        (Some(Rounding::TowardNegative), Some(7))
    );
}

#[test]
fn bad_values_are_named_with_what_is_allowed() {
    let message = with(&[("VF_SIGNIFICAND", "60")]).unwrap_err();
    assert!(message.contains("VF_SIGNIFICAND is `60`"), "{message}");
    let message = with(&[("VERNIER_INPUT_ROUNDING", "up")]).unwrap_err();
    assert!(
        message.contains("VERNIER_INPUT_ROUNDING is `up`: allowed are rz"),
        "{message}"
    );
    let message = with(&[("VERNIER_SEED", "-1")]).unwrap_err();
    assert!(message.contains("VERNIER_SEED is `-1`"), "{message}");
    for (message, wanted) in [
        (
            THREADS.parse("0").unwrap_err(),
            "VERNIER_THREADS is `0`: give a number of CPU threads from 1 to 4096, or unset it",
        ),
        (
            MAX_INSTRUCTIONS.parse("many").unwrap_err(),
            "VERNIER_MAX_INSTRUCTIONS is `many`: give a number of thread-instructions",
        ),
        (
            OBSERVE_EVERY.parse("0").unwrap_err(),
            "VERNIER_OBSERVE_EVERY is `0`: give a number n, to observe every n-th launch",
        ),
        (
            LAUNCH_LOG.parse("x").unwrap_err(),
            "VERNIER_LAUNCH_LOG is `x`: give a number of launches, or unset it",
        ),
        (
            OVERRIDE.parse("bf17").unwrap_err(),
            "VERNIER_OVERRIDE is `bf17`: `vf32` rewrites every f32",
        ),
    ] {
        assert!(message.to_string().starts_with(wanted), "{message}");
    }
}

#[test]
fn empty_is_unset_and_0_is_off() {
    let environment = Environment::default()
        .with(&QUIET, "0")
        .with(&THREADS, "")
        .with(&OVERRIDE, "vf32")
        .with(&PTX_OUT, "none");
    assert!(!environment.is_on(&QUIET) && environment.with(&QUIET, "1").is_on(&QUIET));
    let environment = Environment::default()
        .with(&THREADS, "")
        .with(&OVERRIDE, "vf32")
        .with(&PTX_OUT, "none");
    assert_eq!(environment.get(&THREADS), Ok(None));
    assert_eq!(environment.get(&OVERRIDE), Ok(Some(Override::Vf32)));
    assert_eq!(environment.get(&PTX_OUT), Ok(Some(PtxOut::Nowhere)));
}

#[test]
fn stops_are_read() {
    let s: Stop = "nan, inf".parse().unwrap();
    assert!(s.nan && s.inf && !s.overflow);
    assert!("never".parse::<Stop>().is_err());
    let message = STOP_AT.parse("never").unwrap_err().to_string();
    assert_eq!(
        message,
        "VERNIER_STOP_AT is `never`: `never` is none of nan, inf and overflow (several with commas)"
    );
}
