//! Numbers as people read them.

/// `m:ss`.
pub fn clock(seconds: f64) -> String {
    let s = seconds as u64;
    format!("{}:{:02}", s / 60, s % 60)
}

/// `12,345,678`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1.23 G`.
pub fn si(number: f64) -> String {
    let (scale, unit) = match number {
        n if n >= 1e12 => (1e12, " T"),
        n if n >= 1e9 => (1e9, " G"),
        n if n >= 1e6 => (1e6, " M"),
        n if n >= 1e3 => (1e3, " k"),
        _ => (1.0, ""),
    };
    let digits = if scale == 1.0 { 0 } else { 2 };
    format!("{:.digits$}{unit}", number / scale)
}

/// A part of a whole, 0 to 1; of nothing, nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A share in percent; none is `-`, and what is there is never shown as nothing.
pub fn percent(share: f64) -> String {
    match share {
        0.0 => "-".into(),
        s if s < 0.00005 => "<0.01 %".into(),
        s => format!("{:.2} %", 100.0 * s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(si(2.5e9), "2.50 G");
        assert_eq!(clock(75.0), "1:15");
    }
}
