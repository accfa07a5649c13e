//! The two compressions that occur in fat binaries. Sizes come from untrusted headers, so each is bounded before memory is
//! taken for it.

use std::io::Read;

/// Largest image that is unpacked, in bytes, unless [`VARIABLE`] says otherwise. PTX texts of whole libraries stay below.
const LARGEST: u64 = 256 << 20;

/// The environment variable that says how many bytes an image may unpack to.
const VARIABLE: &str = "VERNIER_MAX_UNPACKED";

/// LZ4's format cannot expand a byte to more than this many.
const LZ4_LARGEST_RATIO: u64 = 255;

/// How a stream of bytes is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// As it is.
    None,
    /// LZ4, one raw block.
    Lz4,
    /// zstd, one frame.
    Zstd,
}

/// Why a stream was not unpacked, in words.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It contradicts its header or its format.
    Damaged(String),
    /// It is larger than what is accepted.
    TooLarge(String),
}

impl From<String> for Refusal {
    fn from(what: String) -> Refusal {
        Refusal::Damaged(what)
    }
}

/// How many bytes an image may unpack to.
fn largest(variable: Option<String>) -> Result<u64, Refusal> {
    match variable.filter(|text| !text.is_empty()) {
        None => Ok(LARGEST),
        Some(text) => text.trim().parse().map_err(|_| {
            Refusal::TooLarge(format!(
                "{VARIABLE} is `{text}`: give a number of bytes (the default is {LARGEST}), or unset it"
            ))
        }),
    }
}

/// Unpacks `bytes` to exactly `size` bytes.
pub(crate) fn unpack(method: Method, bytes: &[u8], size: u64) -> Result<Vec<u8>, Refusal> {
    let largest = match method {
        Method::None => u64::MAX,
        Method::Lz4 | Method::Zstd => largest(std::env::var(VARIABLE).ok())?,
    };
    if size > largest {
        return Err(Refusal::TooLarge(format!(
            "an image of {} bytes unpacks to {size} bytes, more than the {largest} that are accepted; if the program is \
             to be trusted, set {VARIABLE}={size}",
            bytes.len()
        )));
    }
    Ok(unpack_any(method, bytes, size)?)
}

/// Unpacks what is not too large; `Err` says in words what is wrong.
fn unpack_any(method: Method, bytes: &[u8], size: u64) -> Result<Vec<u8>, String> {
    let unpacked = match method {
        Method::None => return Ok(bytes.to_vec()),
        Method::Lz4 => {
            if size > (bytes.len() as u64).saturating_mul(LZ4_LARGEST_RATIO) {
                return Err(format!(
                    "{} bytes of LZ4 cannot unpack to the {size} claimed",
                    bytes.len()
                ));
            }
            lz4_flex::block::decompress(bytes, size as usize)
                .map_err(|e| format!("LZ4 data do not unpack ({e})"))?
        }
        Method::Zstd => {
            let mut decoder = ruzstd::decoding::StreamingDecoder::new(bytes)
                .map_err(|e| format!("zstd data do not unpack ({e})"))?;
            let mut out = Vec::new();
            decoder
                .by_ref()
                .take(size + 1)
                .read_to_end(&mut out)
                .map_err(|e| format!("zstd data do not unpack ({e})"))?;
            out
        }
    };
    if unpacked.len() as u64 != size {
        return Err(format!(
            "an image unpacks to {} bytes where its header says {size}",
            unpacked.len()
        ));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_can_be_set_to_a_number() {
        assert_eq!(largest(None).unwrap(), LARGEST);
        assert_eq!(largest(Some(String::new())).unwrap(), LARGEST);
        assert_eq!(largest(Some("1073741824".into())).unwrap(), 1 << 30);
        let Err(Refusal::TooLarge(text)) = largest(Some("1 GiB".into())) else {
            panic!("not refused")
        };
        assert!(text.contains(VARIABLE) && text.contains("`1 GiB`"), "{text}");
    }
}
