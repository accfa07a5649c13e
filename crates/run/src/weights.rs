//! Reads weights files: those of the programs here (`programs/common/weights.hpp`), numbers as text, and raw f32.

use std::fs;
use std::path::Path;
use tell::Error;

/// Values under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// As the file names it; `values` in a raw file.
    pub name: String,
    /// Sizes of its dimensions.
    pub dims: Vec<u32>,
    /// All values; binary16 ones are widened.
    pub values: Vec<f32>,
}

/// A weights file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// How the values are stored.
    pub encoding: &'static str,
    /// Epochs they have seen, if the file says so.
    pub epochs: Option<u32>,
    /// The weights, without the optimiser's state.
    pub tensors: Vec<Tensor>,
}

const MAGIC: &[u8] = b"VWEIGHT1";
const HEADER_BYTES: usize = 40;
const ENTRY_BYTES: usize = 36;

/// How files begin that hold values in a form that is not read, and what they are.
const FOREIGN: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a ZIP archive (PyTorch, .npz)"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x80\x02", "a Python pickle (an old PyTorch file)"),
    (b"GGUF", "a GGUF file"),
    (b"\x7fELF", "a program"),
];

/// Reads a weights file. Without the programs' magic it is numbers as text, if it is text, else raw little-endian f32.
pub fn read(path: &Path) -> Result<Weights, Error> {
    let bytes = fs::read(path).map_err(|e| Error::file("read", path, &e))?;
    let bad = |what: String, advice: &str| Error::failed(format!("{}: {what}", path.display()), advice);
    if bytes.starts_with(MAGIC) {
        return parse(&bytes)
            .map_err(|what| bad(what, "train it again (vernier run PROGRAM --stage build,train)"));
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(bad(
            format!("this is {what}, which is not read here"),
            "save the values as raw little-endian f32 (numpy: values.astype('<f4').tofile(FILE)) or as text",
        ));
    }
    if let Some(values) = text(&bytes) {
        return Ok(plain("numbers as text", values));
    }
    let is_text =
        std::str::from_utf8(&bytes).is_ok_and(|t| t.chars().all(|c| !c.is_control() || c.is_whitespace()));
    if is_text && !bytes.is_empty() {
        return Err(bad(
            "this is a text in which numbers are not the most".into(),
            "give a weights file of a program, numbers as text, or a file of little-endian f32 values",
        ));
    }
    if bytes.is_empty() || !bytes.len().is_multiple_of(4) {
        let what = format!(
            "{} bytes are neither a weights file (magic VWEIGHT1) nor raw f32 values",
            bytes.len()
        );
        return Err(bad(
            what,
            "give a weights file of a program, numbers as text, or a file of little-endian f32 values",
        ));
    }
    let values: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|c| f32::from_bits(little(c) as u32))
        .collect();
    Ok(plain("raw binary32", values))
}

/// Values without names.
fn plain(encoding: &'static str, values: Vec<f32>) -> Weights {
    let dims = vec![values.len() as u32];
    Weights {
        encoding,
        epochs: None,
        tensors: vec![Tensor {
            name: "values".into(),
            dims,
            values,
        }],
    }
}

/// The numbers of a text, in which they are the most: names and words between them are passed over.
fn text(bytes: &[u8]) -> Option<Vec<f32>> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| !t.contains('\0'))?;
    let between = |c: char| c.is_whitespace() || ",;:=|[](){}\"'".contains(c);
    let words = text.split(between).filter(|w| !w.is_empty());
    let (mut values, mut others) = (Vec::new(), 0);
    for word in words {
        match word.trim_end_matches(['f', 'F']).parse::<f32>() {
            Ok(value) => values.push(value),
            Err(_) => others += 1,
        }
    }
    (!values.is_empty() && values.len() >= others).then_some(values)
}

fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}

fn parse(bytes: &[u8]) -> Result<Weights, String> {
    let header = bytes.get(..HEADER_BYTES).ok_or("truncated in its header")?;
    let field = |at: usize, size: usize| little(&header[at..at + size]);
    let (encoding, width) = match field(8, 4) {
        0 => ("binary32", 4),
        1 => ("binary16", 2),
        n => {
            return Err(format!(
                "values in encoding {n}; known are 0 (binary32) and 1 (binary16)"
            ));
        }
    };
    let hash = bytes[HEADER_BYTES..]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    if hash != field(32, 8) {
        return Err("truncated or damaged (its checksum differs)".into());
    }
    let count = field(24, 4) as usize;
    let table = bytes
        .get(HEADER_BYTES..)
        .and_then(|b| b.get(..count.checked_mul(ENTRY_BYTES)?));
    let table = table.ok_or("truncated in its table of tensors")?;
    let mut at = HEADER_BYTES + table.len();
    let mut tensors = Vec::new();
    for entry in table.chunks_exact(ENTRY_BYTES) {
        let name = String::from_utf8_lossy(&entry[..16])
            .trim_end_matches('\0')
            .to_string();
        let rank = (little(&entry[16..20]) as usize).min(4);
        let dims: Vec<u32> = entry[20..]
            .chunks_exact(4)
            .take(rank)
            .map(|c| little(c) as u32)
            .collect();
        let size = dims
            .iter()
            .try_fold(width, |n: usize, d| n.checked_mul(*d as usize));
        let data = size.and_then(|n| bytes.get(at..at.checked_add(n)?));
        let data = data.ok_or_else(|| format!("truncated in tensor `{name}`"))?;
        at += data.len();
        let values = data.chunks_exact(width).map(|c| match width {
            4 => f32::from_bits(little(c) as u32),
            _ => half(little(c) as u16),
        });
        tensors.push(Tensor {
            name,
            dims,
            values: values.collect(),
        });
    }
    Ok(Weights {
        encoding,
        epochs: Some(field(12, 4) as u32),
        tensors,
    })
}

/// The value of a binary16, exact.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        31 if fraction != 0.0 => f32::NAN,
        31 => f32::INFINITY,
        0 => fraction * 2f32.powi(-24),
        e => (fraction + 1024.0) * 2f32.powi(e - 25),
    };
    if bits & 0x8000 != 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(encoding: u32, data: &[u8]) -> Vec<u8> {
        let mut body = b"fc1.weight\0\0\0\0\0\0".to_vec();
        for n in [2u32, 1, 2, 1, 1] {
            body.extend(n.to_le_bytes());
        }
        body.extend(data);
        let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut bytes = MAGIC.to_vec();
        bytes.extend(encoding.to_le_bytes());
        bytes.extend(7u32.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(hash.to_le_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn numbers_are_read_from_text_and_other_files_are_named() {
        let values = text(b"conv1 2 x 2\n[0.5, -1.25e-3;\n 3f, 4]\n").unwrap();
        assert_eq!(values, [2.0, 2.0, 0.5, -1.25e-3, 3.0, 4.0]);
        assert_eq!(text(b"a text with 1 number in it"), None);
        assert_eq!(text(&1.5f32.to_le_bytes()), None);
        let path = std::env::temp_dir().join(format!("vernier-weights-{}", std::process::id()));
        std::fs::write(&path, b"PK\x03\x04....").unwrap();
        let error = read(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(
            error.contains("ZIP archive") && error.contains("astype"),
            "{error}"
        );
    }

    #[test]
    fn both_encodings_are_read_and_damage_is_seen() {
        let wide = [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat();
        let weights = parse(&file(0, &wide)).unwrap();
        assert_eq!(
            (weights.epochs, weights.tensors[0].name.as_str()),
            (Some(7), "fc1.weight")
        );
        assert_eq!(weights.tensors[0].dims, [1, 2]);
        assert_eq!(weights.tensors[0].values, [1.5, -2.0]);
        let narrow = parse(&file(1, &[0x00, 0x3e, 0x01, 0x80])).unwrap();
        assert_eq!(narrow.tensors[0].values, [1.5, -(2f32.powi(-24))]);
        let mut damaged = file(0, &wide);
        *damaged.last_mut().unwrap() ^= 1;
        assert!(parse(&damaged).unwrap_err().contains("checksum"));
        let short = file(0, &wide);
        assert!(parse(&short[..60]).is_err() && parse(&short[..20]).is_err());
        assert!(
            parse(&file(0, &wide[..4]))
                .unwrap_err()
                .contains("truncated in tensor `fc1.weight`")
        );
    }
}
