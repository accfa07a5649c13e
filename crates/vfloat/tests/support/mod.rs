//! Numbers to test with: a deterministic generator of formats and of bit patterns that cluster where formats have
//! their edges. Shared with the tests against MPFR.

use vfloat::{Format, Rounding};

/// The rounding modes of IEEE 754 but ties away.
pub const MODES: [Rounding; 4] = [
    Rounding::NearestEven,
    Rounding::TowardZero,
    Rounding::TowardNegative,
    Rounding::TowardPositive,
];

/// All rounding modes, several of the stochastic ones.
#[allow(dead_code)] // not every test uses it
pub const ALL_MODES: [Rounding; 9] = [
    Rounding::NearestEven,
    Rounding::TowardZero,
    Rounding::TowardNegative,
    Rounding::TowardPositive,
    Rounding::NearestAway,
    Rounding::ToOdd,
    Rounding::Stochastic(1),
    Rounding::Stochastic(24),
    Rounding::Stochastic(28),
];

/// A small deterministic generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// 64 random bits.
    #[allow(clippy::should_implement_trait)] // endless, so no Iterator
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below n.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number in low..=high.
    pub fn range(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1) as u64) as i32
    }

    /// Any format inside the bounds; half of them IEEE-style.
    pub fn format(&mut self) -> Format {
        if self.below(2) == 0 {
            return Format::ieee(self.range(1, 8) as u32, self.range(1, 23) as u32).unwrap();
        }
        let emin = self.range(-148, 128);
        Format::new(self.range(2, 24) as u32, emin, self.range(emin, 128)).unwrap()
    }

    /// Any format inside the bounds, half of them with something beyond IEEE 754.
    #[allow(dead_code)] // not every test uses it
    pub fn variant(&mut self) -> Format {
        let (e, m) = (self.range(1, 8) as u32, self.range(1, 23) as u32);
        let format = match self.below(5) {
            0 => Format::finite(e, m),
            1 => Format::fnuz(e, m),
            2 => Ok(Format::BEYOND_IEEE[self.below(7) as usize].1),
            _ => Ok(self.format()),
        };
        let format = format.unwrap_or(Format::E4M3FN);
        match self.below(4) {
            0 => format.saturating(),
            1 => format.flushing().unwrap_or(format),
            2 => format.saturating().flushing().unwrap_or(format),
            _ => format,
        }
    }

    /// A binary32 for `format`: any bits, values near the edges of its range, few significant bits, specials.
    pub fn value(&mut self, format: Format) -> f32 {
        const SPECIAL: [u32; 8] = [
            0,
            0x8000_0000,
            0x7f80_0000,
            0xff80_0000,
            0x7fc0_0000,
            0x7f80_0001,
            1,
            0x7f7f_ffff,
        ];
        let sign = (self.next() as u32) & 0x8000_0000;
        let exponent = match self.below(8) {
            0 => return f32::from_bits(self.next() as u32),
            1 => return f32::from_bits(SPECIAL[self.below(8) as usize] ^ (sign & 0x8000_0000)),
            2 => format.emax() + self.range(-2, 1),
            3 => format.emin() + self.range(-2, format.precision() as i32 + 1),
            4 => (format.emin() + format.emax()) / 2 + self.range(-1, 1),
            5 => format.emax() / 2 + self.range(-2, 2),
            6 => format.emin() / 2 + self.range(-2, 2),
            _ => self.range(format.emin(), format.emax()),
        };
        // Significand: few bits, or P bits and then a tie or its neighbours, or all random.
        let p = format.precision();
        let fraction = (self.next() as u32) & 0x7f_ffff;
        let coarse = |bits: u32| {
            if bits >= 23 {
                fraction
            } else {
                fraction & !(0x7f_ffff >> bits)
            }
        };
        let half = if p < 24 { 1 << (23 - p) } else { 0 };
        let fraction = match self.below(6) {
            0 => coarse(self.below(4) as u32),
            1 => coarse(p - 1),
            2 => coarse(p - 1) | half,
            3 => (coarse(p - 1) | half) + 1,
            4 => (coarse(p - 1) | half).saturating_sub(1),
            _ => fraction,
        } & 0x7f_ffff;
        let magnitude = (1.0 + f64::from(fraction) / 8_388_608.0) * 2f64.powi(exponent - 1);
        let value = magnitude as f32;
        if sign != 0 { -value } else { value }
    }
}
