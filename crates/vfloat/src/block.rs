//! Formats of whole tensors: blocks that share a scale (OCP MX, NVFP4), integers with a scale, or one scalar format.
//! Quantising gives each value as the format would bring it back; values stay f32.

use std::fmt;
use std::str::FromStr;

use crate::CANONICAL_NAN;
use crate::error::FormatError;
use crate::format::Format;
use crate::isa::{self, Loop};
use crate::lanes::{LaneOps, LaneVisitor, Lanes};
use crate::rounding::Rounding;
use crate::stochastic::{LaunchStreams, Stream};

/// Values of an MX block.
const MX_BLOCK: usize = 32;
/// Values of an NVFP4 block.
const NV_BLOCK: usize = 16;
/// Values that are quantised at a time where nothing is shared.
const CHUNK: usize = 1024;

/// The format of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TensorFormat {
    /// Each value by itself.
    Scalar(Format),
    /// OCP MX: 32 values of this element format share a power of two (e8m0).
    Mx(Format),
    /// NVFP4: 16 values in e2m1 share a scale in e4m3; `tensor_scale`: a binary32 scale of the whole tensor besides.
    Nvfp4 {
        /// Whether the tensor has a scale of its own, amax / (448 * 6).
        tensor_scale: bool,
    },
    /// Integers of N bits from -(2^(N-1) - 1) to 2^(N-1) - 1 with a binary32 scale.
    Int {
        /// N, 2 to 16.
        bits: u8,
        /// How many values share a scale; None: all.
        block: Option<u32>,
    },
}

impl TensorFormat {
    /// The block formats that have a name.
    pub const NAMED: [(&'static str, TensorFormat); 7] = [
        ("mxfp8_e4m3", TensorFormat::Mx(Format::E4M3FN.saturating())),
        ("mxfp8_e5m2", TensorFormat::Mx(Format::E5M2.saturating())),
        ("mxfp6_e3m2", TensorFormat::Mx(Format::E3M2FN)),
        ("mxfp6_e2m3", TensorFormat::Mx(Format::E2M3FN)),
        ("mxfp4", TensorFormat::Mx(Format::E2M1FN)),
        ("nvfp4", TensorFormat::Nvfp4 { tensor_scale: true }),
        ("nvfp4_block", TensorFormat::Nvfp4 { tensor_scale: false }),
    ];

    /// Rounds every value into the format and back, in place.
    ///
    /// A block with an infinity or a NaN becomes NaN altogether (its scale is NaN); in scalar formats such a value
    /// becomes what R makes of it. Blocks are counted from the start of the slice; the last may be shorter. Stochastic
    /// rounding draws number `i % C` of stream (`streams`, block `i / C`, thread 0) for value i, where C is the length of
    /// a block, or 1024 where there are none.
    pub fn quantize(self, values: &mut [f32], rounding: Rounding, streams: LaunchStreams) {
        let lanes = |format, rounding| Lanes::new(format, Rounding::TowardZero, rounding);
        let (format, length, scale) = match self {
            TensorFormat::Scalar(format) => (format, CHUNK, Scale::One),
            TensorFormat::Mx(element) => {
                let emax = element.emax() - 1;
                (element, MX_BLOCK, Scale::PowerOfTwo { emax })
            }
            TensorFormat::Nvfp4 { tensor_scale } => {
                // A scale that is no number makes NaN of all; one that underflows is the smallest that does not.
                let amax = if tensor_scale {
                    f32::from_bits(largest(values))
                } else {
                    0.0
                };
                let tensor = match f64::from(amax) / (448.0 * 6.0) {
                    0.0 => 1.0,
                    tensor => f64::from(tensor as f32).max(f64::from(f32::MIN_POSITIVE)),
                };
                let tensor = if amax.is_nan() { f64::NAN } else { tensor };
                (Format::E2M1FN, NV_BLOCK, Scale::E4m3 { tensor })
            }
            TensorFormat::Int { bits, block } => {
                let grid = integers(bits);
                let length = block.map_or(values.len().max(1), |n| n.max(1) as usize);
                (grid, length, Scale::Largest { limit: grid.max() })
            }
        };
        lanes(format, rounding).specialise(Run {
            values,
            length,
            scale,
            streams,
            e4m3: lanes(Format::E4M3FN.saturating(), Rounding::NearestEven),
            clears_sign: matches!(self, TensorFormat::Int { .. }),
        });
    }

    /// The text, which parses back.
    pub fn name(self) -> String {
        if let Some((name, _)) = TensorFormat::NAMED.iter().find(|(_, format)| *format == self) {
            return (*name).to_string();
        }
        match self {
            TensorFormat::Int { bits, block: None } => format!("int{bits}"),
            TensorFormat::Int { bits, block: Some(n) } => format!("int{bits}_b{n}"),
            TensorFormat::Scalar(format) => format.name(),
            TensorFormat::Mx(element) => format!("mx_{}", element.ident()),
            TensorFormat::Nvfp4 { .. } => "nvfp4".to_string(),
        }
    }
}

impl fmt::Display for TensorFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl FromStr for TensorFormat {
    type Err = FormatError;

    /// Reads a name of [`TensorFormat::NAMED`], `mx_FORMAT`, `intN` (N from 2 to 16), `intN_bB` (a scale for each B
    /// values) or a scalar format.
    fn from_str(text: &str) -> Result<TensorFormat, FormatError> {
        let lower = text.trim().to_ascii_lowercase();
        if let Some((_, format)) = TensorFormat::NAMED.iter().find(|(name, _)| *name == lower) {
            return Ok(*format);
        }
        if let Some(element) = lower.strip_prefix("mx_") {
            return Ok(TensorFormat::Mx(element.parse::<Format>()?.saturating()));
        }
        let Some(rest) = lower.strip_prefix("int") else {
            return Ok(TensorFormat::Scalar(lower.parse()?));
        };
        let refused = || FormatError::Integer {
            text: text.to_string(),
        };
        let (bits, block) = match rest.split_once("_b") {
            Some((bits, block)) => (bits, Some(block.parse::<u32>().map_err(|_| refused())?)),
            None => (rest, None),
        };
        let bits = bits.parse::<u8>().map_err(|_| refused())?;
        if !(2..=16).contains(&bits) || block == Some(0) {
            return Err(refused());
        }
        Ok(TensorFormat::Int { bits, block })
    }
}

/// The integers below 2^(N-1) in magnitude as a format, N from 2 to 16: a fixed-point grid.
fn integers(bits: u8) -> Format {
    let digits = u32::from(bits.clamp(2, 16)) - 1;
    Format::new(digits.max(2), 1, digits as i32)
        .unwrap_or(Format::FP32)
        .saturating()
}

/// How the scale of a block follows from its largest magnitude.
#[derive(Clone, Copy)]
enum Scale {
    One,
    /// 2^(floor(log2(amax)) - emax), inside e8m0's 2^-127 to 2^127.
    PowerOfTwo {
        emax: i32,
    },
    /// amax / 6 / tensor in e4m3, times tensor.
    E4m3 {
        tensor: f64,
    },
    /// amax / limit in binary32.
    Largest {
        limit: f64,
    },
}

impl Scale {
    /// The scale for a block whose largest magnitude is `amax`, finite; 0 makes everything zero.
    fn of(self, amax: f64, e4m3: &Lanes) -> f64 {
        match self {
            Scale::One => 1.0,
            Scale::PowerOfTwo { emax } => {
                // Of a binary64 that was a binary32: normal or zero, which gives the smallest scale.
                let exponent = (amax.to_bits() >> 52) as i32 - 1023;
                crate::format::power_of_two((exponent - emax).clamp(-127, 127))
            }
            Scale::E4m3 { tensor } => f64::from(e4m3.round_f64(amax / 6.0 / tensor)) * tensor,
            Scale::Largest { limit } => f64::from((amax / limit) as f32),
        }
    }
}

/// The bits of the largest magnitude, NaN above all.
#[inline(always)]
fn largest(values: &[f32]) -> u32 {
    values.iter().fold(0, |max, x| max.max(x.to_bits() & 0x7fff_ffff))
}

struct Run<'a> {
    values: &'a mut [f32],
    length: usize,
    scale: Scale,
    streams: LaunchStreams,
    /// For scales in e4m3.
    e4m3: Lanes,
    clears_sign: bool,
}

#[inline(always)]
fn body<L: LaneOps>(ops: L, run: Run<'_>) {
    // Adding it clears the sign of a zero, or does nothing.
    let zero = if run.clears_sign { 0.0 } else { -0.0 };
    let alone = matches!(run.scale, Scale::One);
    for (index, block) in run.values.chunks_mut(run.length).enumerate() {
        let amax = f32::from_bits(largest(block));
        if !alone && !amax.is_finite() {
            block.fill(CANONICAL_NAN);
            continue;
        }
        let scale = run.scale.of(amax.into(), &run.e4m3);
        // Zero over zero is not meant: with scale zero all quotients are zero or round to the largest, times zero.
        let divisor = if scale == 0.0 { 1.0 } else { scale };
        let stream = Stream::thread(run.streams, index as u64, 0);
        for (i, x) in block.iter_mut().enumerate() {
            let ops = if L::STOCHASTIC {
                ops.with_random(stream.draw(i as u32))
            } else {
                ops
            };
            let element = f64::from(ops.round_f64(f64::from(*x) / divisor));
            let value = (element * scale + zero) as f32;
            *x = if value.is_nan() { CANONICAL_NAN } else { value };
        }
    }
}

struct With<'a, L>(L, Run<'a>);

impl<L: LaneOps> Loop for With<'_, L> {
    #[inline(always)]
    fn run(self) {
        body(self.0, self.1);
    }
}

impl LaneVisitor for Run<'_> {
    type Output = ();
    fn visit<L: LaneOps + 'static>(self, ops: L) {
        isa::run(With(ops, self));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAMS: LaunchStreams = LaunchStreams::new(1, 2);

    fn quantized(format: &str, values: &[f32]) -> Vec<f32> {
        let format: TensorFormat = format.parse().expect("a format");
        let mut values = values.to_vec();
        format.quantize(&mut values, Rounding::NearestEven, STREAMS);
        values
    }

    #[test]
    fn texts_parse_back() {
        let others = [
            "int8",
            "int4",
            "int2",
            "int16_b64",
            "bf16",
            "e4m3fn_sat",
            "mx_e2m3",
        ];
        for text in TensorFormat::NAMED.iter().map(|(name, _)| *name).chain(others) {
            let format: TensorFormat = text.parse().expect(text);
            assert_eq!(format.name().parse(), Ok(format), "{text}");
        }
        for text in ["int1", "int17", "int", "int8_b0", "int8_bx"] {
            let refused = text.parse::<TensorFormat>();
            assert!(matches!(refused, Err(FormatError::Integer { .. })), "{text}");
        }
        assert!(matches!(
            "mxfp5".parse::<TensorFormat>(),
            Err(FormatError::Unknown { .. })
        ));
    }

    #[test]
    fn mx_shares_a_power_of_two() {
        // amax 10: scale 2^(3 - 2) = 2, the values of mxfp4 are 0, 1, 2, 3, 4, 6, 8, 12.
        let got = quantized("mxfp4", &[10.0, -10.1, 0.4, 0.5, -0.6, 5.0, -0.0, 7.0]);
        assert_eq!(got, [8.0, -12.0, 0.0, 0.0, -1.0, 4.0, 0.0, 8.0]);
        // Two blocks have two scales; a NaN is of its block only.
        let mut values = vec![3.0f32; 64];
        (values[0], values[40]) = (f32::INFINITY, 1e-3);
        let got = quantized("mxfp8_e4m3", &values);
        assert!(got[..32].iter().all(|x| x.to_bits() == crate::CANONICAL_NAN_BITS));
        assert!((got[40] - 1e-3).abs() < 1e-3);
        assert_eq!(got[41], 3.0);
        // The largest element saturates: 2^9 - 1 with scale 1 is above 448.
        assert_eq!(quantized("mxfp8_e4m3", &[511.0]), [448.0]);
        // e8m0 ends at 2^-127.
        let tiny = f32::from_bits(1);
        assert_eq!(quantized("mxfp8_e5m2", &[tiny, 0.0]), [0.0, 0.0]);
        assert_eq!(quantized("mxfp8_e5m2", &[f32::MAX])[0], 1.75 * 2f32.powi(127));
    }

    #[test]
    fn nvfp4_has_two_scales() {
        let mut values = vec![1.0f32; 32];
        values[16] = 2688.0;
        let got = quantized("nvfp4", &values);
        // Tensor scale 1, block scales e4m3(1/6) = 0.171875 and 448: 1 is 1/0.171875 = 5.82, nearest 6.
        assert_eq!(got[0], 6.0 * 0.171_875);
        assert_eq!((got[16], got[17]), (2688.0, 0.0));
        assert_eq!(quantized("nvfp4_block", &[6.0, 0.7, 0.0]), [6.0, 0.5, 0.0]);
        assert!(quantized("nvfp4", &[1.0, f32::NAN]).iter().all(|x| x.is_nan()));
        assert_eq!(quantized("nvfp4", &[0.0; 4]), [0.0; 4]);
    }

    #[test]
    fn integers_have_a_scale() {
        let got = quantized("int8", &[127.0, 0.4, 0.6, -126.5, -0.0]);
        assert_eq!(got, [127.0, 0.0, 1.0, -126.0, 0.0]);
        assert_eq!(got[4].to_bits(), 0);
        assert_eq!(quantized("int2", &[2.0, 0.9, -1.1]), [2.0, 0.0, -2.0]);
        assert_eq!(
            quantized("int4_b2", &[7.0, 1.2, 70.0, 12.0]),
            [7.0, 1.0, 70.0, 10.0]
        );
    }

    #[test]
    fn stochastic_quantisation_keeps_the_mean_and_repeats() {
        let mut values = vec![0.3f32; 4096];
        // The largest of each block fixes the scale at 2^(2 - 2).
        values.iter_mut().step_by(32).for_each(|x| *x = 4.0);
        let quantize = |streams| {
            let mut values = values.clone();
            let format: TensorFormat = "mxfp4".parse().expect("a format");
            format.quantize(&mut values, Rounding::Stochastic(24), streams);
            values
        };
        let got = quantize(STREAMS);
        assert_eq!(got, quantize(STREAMS));
        assert_ne!(got, quantize(LaunchStreams::new(1, 3)));
        let small: Vec<f32> = got.into_iter().filter(|x| *x < 4.0).collect();
        assert!(small.iter().all(|x| *x == 0.0 || *x == 0.5));
        let mean = small.iter().sum::<f32>() / small.len() as f32;
        // Six standard deviations: 0.245 / sqrt(3968) each.
        assert!((mean - 0.3).abs() < 6.0 * 0.0039, "{mean}");
    }
}
