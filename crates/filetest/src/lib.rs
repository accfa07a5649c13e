//! Kernels with what they must compute: PTX files in `kernels/` whose comments say how a kernel is run and what comes out.
//! Every back end runs them all ([`check`]); what they say is what SEMANTICS and the PTX ISA say, or what a GPU gave.
//!
//! ```text
//! // run: KERNEL<<<GRID, BLOCK>>> ARGUMENT, ... [with FORMAT MODE] => RESULT, ...
//! ```
//! One line a run. An argument is a number (`u32 5`, `f32 -1.5`) or a buffer (`[f32 1, 2, 3]`, `[u32 0..32]`: counted up,
//! `[u32; 8]`: zeros). There is a result for each buffer, in order: what it holds afterwards, or `_` if that is not looked
//! at; or there is one, `trap TEXT`: the kernel traps with these words in the message. Types are u8, u16, u32, u64, s32,
//! f32, f64; floating-point numbers may be written as bits (`0x7fffffff`), and are compared by their bits. `with` says what
//! `.vf32` computes in: a format and how operands are cut to it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use vfloat::{Format, Rounding};

/// A parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The bytes of a number.
    Number(Vec<u8>),
    /// A buffer in device memory, and what it holds when the kernel starts.
    Buffer(Vec<u8>),
}

/// What must come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// What each buffer holds; none where that is not looked at. With the name of the type, for messages.
    Buffers(Vec<Option<(String, Vec<u8>)>>),
    /// A trap whose message has this text.
    Trap(String),
}

/// One run of a kernel.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub file: PathBuf,
    /// Line of the comment, from 1.
    pub line: usize,
    /// The kernel.
    pub kernel: String,
    /// Blocks in x.
    pub grid: u32,
    /// Threads of a block in x.
    pub block: u32,
    /// Its parameters, in order.
    pub arguments: Vec<Argument>,
    /// The format of `.vf32`, and how operands are cut to it.
    pub numerics: (Format, Rounding),
    /// What must come out.
    pub expected: Expected,
}

/// What a back end made of a run.
pub enum Outcome {
    /// What the buffers hold afterwards, in order.
    Buffers(Vec<Vec<u8>>),
    /// The kernel trapped, with this message.
    Trap(String),
}

/// The files of this crate, in order, with their text and their runs.
///
/// # Errors
/// A file that cannot be read, or a line that says no run, with its place.
pub fn files() -> Result<Vec<(PathBuf, String, Vec<Case>)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "ptx"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let cases = cases(&path, &text)?;
        Ok((path, text, cases))
    };
    paths.into_iter().map(read).collect()
}

/// The runs that the comments of a file ask for.
///
/// # Errors
/// A line that says no run, with its place; no run at all.
pub fn cases(file: &Path, text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let Some(said) = line.trim().strip_prefix("// run:") else {
            continue;
        };
        let case = case(file, n + 1, said).map_err(|e| format!("{}:{}: {e}", file.display(), n + 1))?;
        cases.push(case);
    }
    match cases.is_empty() {
        true => Err(format!("{}: no line says `// run: ...`", file.display())),
        false => Ok(cases),
    }
}

fn case(file: &Path, line: usize, said: &str) -> Result<Case, String> {
    let (call, expected) = said
        .split_once("=>")
        .ok_or("`=>` and what comes out are missing")?;
    let (call, with) = match call.split_once(" with ") {
        Some((call, with)) => (call, Some(with)),
        None => (call, None),
    };
    let (kernel, rest) = call.split_once("<<<").ok_or("`<<<` is missing")?;
    let (shape, arguments) = rest.split_once(">>>").ok_or("`>>>` is missing")?;
    let (grid, block) = shape.split_once(',').ok_or("the block's size is missing")?;
    let count = |t: &str| t.trim().parse::<u32>().map_err(|_| format!("`{t}` is no number"));
    let arguments = list(arguments)?
        .into_iter()
        .map(|a| match a.starts_with('[') {
            true => Ok(Argument::Buffer(buffer(a)?.1)),
            false => {
                let (ty, number) = a.split_once(' ').ok_or_else(|| format!("`{a}` has no type"))?;
                Ok(Argument::Number(bytes(ty, number.trim())?))
            }
        })
        .collect::<Result<Vec<_>, String>>()?;
    let numerics = match with {
        None => (Format::FP32, Rounding::TowardZero),
        Some(with) => {
            let (format, mode) = with
                .trim()
                .split_once(' ')
                .ok_or("`with` needs a format and a mode")?;
            let format = format.parse().map_err(|e| format!("{e}"))?;
            let mode = mode
                .trim()
                .parse()
                .map_err(|_| format!("`{mode}` is no rounding"))?;
            (format, mode)
        }
    };
    let expected = match expected.trim().strip_prefix("trap ") {
        Some(text) => Expected::Trap(text.trim().to_string()),
        None => {
            let results = list(expected)?.into_iter().map(|r| match r {
                "_" => Ok(None),
                r => buffer(r).map(Some),
            });
            let results = results.collect::<Result<Vec<_>, String>>()?;
            let buffers = arguments
                .iter()
                .filter(|a| matches!(a, Argument::Buffer(_)))
                .count();
            if results.len() != buffers {
                return Err(format!("{} results for {buffers} buffers", results.len()));
            }
            Expected::Buffers(results)
        }
    };
    Ok(Case {
        file: file.to_path_buf(),
        line,
        kernel: kernel.trim().to_string(),
        grid: count(grid)?,
        block: count(block)?,
        arguments,
        numerics,
        expected,
    })
}

/// The parts between commas that stand in no brackets.
fn list(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '[' if !inside => inside = true,
            ']' if inside => inside = false,
            '[' | ']' => return Err("brackets do not fit together".into()),
            ',' if !inside => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() || !parts.is_empty() {
        parts.push(last);
    }
    match inside {
        true => Err("a bracket is not closed".into()),
        false => Ok(parts),
    }
}

/// Type and bytes of `[u32 1, 2]`, `[u32 0..4]` or `[u32; 8]`.
fn buffer(text: &str) -> Result<(String, Vec<u8>), String> {
    let inner = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .ok_or_else(|| format!("`{text}` is no buffer: [u32 1, 2], [u32 0..4], [u32; 8]"))?
        .trim();
    if let Some((ty, count)) = inner.split_once(';') {
        let count: usize = count
            .trim()
            .parse()
            .map_err(|_| format!("`{count}` is no number"))?;
        return Ok((ty.trim().to_string(), vec![0; size(ty.trim())? * count]));
    }
    let (ty, values) = inner.split_once(' ').unwrap_or((inner, ""));
    let mut content = Vec::new();
    for value in values.split(',').map(str::trim).filter(|v| !v.is_empty()) {
        match value.split_once("..") {
            Some((from, to)) => {
                let number = |t: &str| {
                    t.trim()
                        .parse::<u64>()
                        .map_err(|_| format!("`{value}` is no range"))
                };
                for n in number(from)?..number(to)? {
                    content.extend(bytes(ty, &n.to_string())?);
                }
            }
            None => content.extend(bytes(ty, value)?),
        }
    }
    Ok((ty.to_string(), content))
}

/// Bytes of a number of a type.
fn size(ty: &str) -> Result<usize, String> {
    Ok(match ty {
        "u8" => 1,
        "u16" => 2,
        "u32" | "s32" | "f32" => 4,
        "u64" | "f64" => 8,
        _ => return Err(format!("`{ty}` is none of u8, u16, u32, u64, s32, f32, f64")),
    })
}

/// The little-endian bytes of a number.
fn bytes(ty: &str, text: &str) -> Result<Vec<u8>, String> {
    let size = size(ty)?;
    let wrong = || format!("`{text}` is no {ty}");
    if let Some(hex) = text.strip_prefix("0x") {
        let bits = u64::from_str_radix(hex, 16).map_err(|_| wrong())?;
        if size < 8 && bits >> (8 * size) != 0 {
            return Err(wrong());
        }
        return Ok(bits.to_le_bytes()[..size].to_vec());
    }
    Ok(match ty {
        "f32" => text.parse::<f32>().map_err(|_| wrong())?.to_le_bytes().to_vec(),
        "f64" => text.parse::<f64>().map_err(|_| wrong())?.to_le_bytes().to_vec(),
        "s32" => text.parse::<i32>().map_err(|_| wrong())?.to_le_bytes().to_vec(),
        _ => {
            let number = text.parse::<u64>().map_err(|_| wrong())?;
            if size < 8 && number >> (8 * size) != 0 {
                return Err(wrong());
            }
            number.to_le_bytes()[..size].to_vec()
        }
    })
}

/// Numbers of a type as this file writes them, floating-point ones with their bits.
fn show(ty: &str, content: &[u8]) -> String {
    let size = size(ty).unwrap_or(1);
    let mut text = format!("[{ty}");
    for (n, number) in content.chunks(size).enumerate() {
        let mut wide = [0; 8];
        wide[..number.len()].copy_from_slice(number);
        let bits = u64::from_le_bytes(wide);
        let separator = if n == 0 { " " } else { ", " };
        let _ = match ty {
            "f32" => write!(
                text,
                "{separator}{:?} ({bits:#010x})",
                f32::from_bits(bits as u32)
            ),
            "f64" => write!(text, "{separator}{:?} ({bits:#018x})", f64::from_bits(bits)),
            "s32" => write!(text, "{separator}{}", bits as u32 as i32),
            _ => write!(text, "{separator}{bits}"),
        };
    }
    text + "]"
}

/// Compares what came out of a run with what must.
///
/// # Errors
/// What differs, with the place of the run.
pub fn compare(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let place = format!("{}:{}: {}", case.file.display(), case.line, case.kernel);
    match (&case.expected, outcome) {
        (Expected::Trap(text), Outcome::Trap(said)) if said.contains(text) => Ok(()),
        (Expected::Trap(text), Outcome::Trap(said)) => {
            Err(format!("{place}: it traps, but without `{text}`:\n{said}"))
        }
        (Expected::Trap(text), Outcome::Buffers(_)) => Err(format!("{place}: no trap with `{text}`")),
        (Expected::Buffers(_), Outcome::Trap(said)) => Err(format!("{place}: it traps:\n{said}")),
        (Expected::Buffers(wanted), Outcome::Buffers(got)) => {
            let mut text = String::new();
            for (n, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                if let Some((ty, wanted)) = wanted
                    && wanted != got
                {
                    let _ = write!(
                        text,
                        "\n  buffer {n}: {}\n  not       {}",
                        show(ty, got),
                        show(ty, wanted)
                    );
                }
            }
            match text.is_empty() && wanted.len() == got.len() {
                true => Ok(()),
                false => Err(place + &text),
            }
        }
    }
}

/// Runs every case of every file; `run` gets a file's text and one of its cases.
///
/// # Errors
/// All that differs.
pub fn check(mut run: impl FnMut(&str, &Case) -> Outcome) -> Result<usize, String> {
    let (mut count, mut wrong) = (0, Vec::new());
    for (_, text, cases) in files()? {
        for case in &cases {
            count += 1;
            wrong.extend(compare(case, &run(&text, case)).err());
        }
    }
    match wrong.is_empty() {
        true => Ok(count),
        false => Err(wrong.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(said: &str) -> Result<Case, String> {
        case(Path::new("t.ptx"), 1, said)
    }

    #[test]
    fn a_run_is_read() {
        let c = one("k<<<2, 32>>> [u32 1, 0..3], f32 1.5, [u8; 2] with bf16 rn => _, [u8 1, 0xff]").unwrap();
        assert_eq!((c.kernel.as_str(), c.grid, c.block), ("k", 2, 32));
        let words = |w: &[u32]| w.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(
            c.arguments,
            [
                Argument::Buffer(words(&[1, 0, 1, 2])),
                Argument::Number(words(&[0x3fc0_0000])),
                Argument::Buffer(vec![0, 0])
            ]
        );
        assert_eq!(c.numerics, (Format::BF16, Rounding::NearestEven));
        assert_eq!(
            c.expected,
            Expected::Buffers(vec![None, Some(("u8".into(), vec![1, 255]))])
        );
        assert_eq!(
            one("k<<<1, 1>>> => trap out of bounds").unwrap().expected,
            Expected::Trap("out of bounds".into())
        );
    }

    #[test]
    fn what_is_no_run_is_refused() {
        for (said, wanted) in [
            ("k<<<1, 1>>> u32 1", "`=>`"),
            ("k<1, 1> =>", "`<<<`"),
            ("k<<<1>>> =>", "the block's size"),
            ("k<<<1, 1>>> [u32; 1] =>", "0 results for 1 buffers"),
            ("k<<<1, 1>>> [u32 1 => _", "a bracket is not closed"),
            ("k<<<1, 1>>> u32 -1 =>", "`-1` is no u32"),
            ("k<<<1, 1>>> u8 0x100 =>", "`0x100` is no u8"),
            ("k<<<1, 1>>> u24 1 =>", "`u24` is none of"),
            ("k<<<1, 1>>> u32 1 with bf17 rn =>", "bf17"),
        ] {
            let said = one(said).expect_err(said);
            assert!(said.contains(wanted), "{said}");
        }
    }

    #[test]
    fn what_differs_is_said() {
        let c = one("k<<<1, 1>>> [f32 0] => [f32 1.5]").unwrap();
        let right = Outcome::Buffers(vec![1.5f32.to_le_bytes().to_vec()]);
        assert_eq!(compare(&c, &right), Ok(()));
        // Of numbers that are equal as numbers too: the bits count.
        let zero = one("k<<<1, 1>>> [f32 1] => [f32 0]").unwrap();
        let minus = Outcome::Buffers(vec![(-0f32).to_le_bytes().to_vec()]);
        assert!(compare(&zero, &minus).unwrap_err().contains("-0.0 (0x80000000)"));
        assert!(
            compare(&c, &Outcome::Trap("t".into()))
                .unwrap_err()
                .contains("it traps")
        );
        assert!(compare(&c, &Outcome::Buffers(vec![])).is_err());
    }
}
