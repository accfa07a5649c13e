//! The two compressions that occur in fat binaries. Sizes come from untrusted headers, so each is bounded before memory is
//! taken for it.

use std::io::Read;

/// Largest image that is unpacked, in bytes (PTX texts of whole libraries stay far below).
const LARGEST: u64 = 1 << 30;

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

/// Unpacks `bytes` to exactly `size` bytes; `Err` says in words what is wrong.
pub(crate) fn unpack(method: Method, bytes: &[u8], size: u64) -> Result<Vec<u8>, String> {
    if method != Method::None && size > LARGEST {
        return Err(format!(
            "an image claims {size} bytes unpacked, more than the {LARGEST} that are accepted"
        ));
    }
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
