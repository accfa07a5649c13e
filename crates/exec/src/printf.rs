//! `printf` and `assert` of kernels: C's formatting on the argument buffer that nvcc lays out (each argument at
//! its natural alignment; float promoted to double; CUDA C++ Programming Guide, "Formatted Output").

use crate::warp::Warp;
use backend::{OUTPUT_BYTES, TrapKind};
use ir::window;

/// Longest string read from device memory, and longest text of one conversion, bytes.
const LONGEST: u64 = 1 << 16;

/// A host pointer to `bytes` bytes at a generic address.
fn locate(w: &Warp, lane: usize, address: u64, bytes: u64) -> Option<*const u8> {
    let env = w.env();
    let inside = |base: *const u8, size: u32| {
        let at = address & !window::MASK;
        (at + bytes <= u64::from(size)).then(|| base.wrapping_add(at as usize))
    };
    match address & window::MASK {
        window::LOCAL => inside(
            w.local.wrapping_add(lane * env.local_bytes as usize),
            env.local_bytes,
        ),
        window::SHARED => inside(env.shared, env.shared_bytes),
        window::PARAM => inside(env.params, env.params_bytes),
        _ => {
            let a = env.snapshot.find(address)?;
            (bytes <= a.end() - address).then_some(address as *const u8)
        }
    }
}

/// `N` bytes at a generic address.
fn read<const N: usize>(w: &Warp, lane: usize, address: u64) -> Result<[u8; N], TrapKind> {
    match locate(w, lane, address, N as u64) {
        // SAFETY: located: the block's memory, or an allocation of the launch's snapshot.
        Some(p) => Ok(unsafe { (p as *const [u8; N]).read_unaligned() }),
        None => Err(TrapKind::OutOfBounds {
            access: "printf",
            space: "generic",
            address,
            size: N as u32,
            hint: ": an argument of printf".into(),
        }),
    }
}

fn string(w: &Warp, lane: usize, address: u64) -> Result<Vec<u8>, TrapKind> {
    if address == 0 {
        // As C libraries and devices do.
        return Ok(b"(null)".to_vec());
    }
    let mut s = Vec::new();
    for k in 0..LONGEST {
        let [b] = read::<1>(w, lane, address.wrapping_add(k))?;
        if b == 0 {
            break;
        }
        s.push(b);
    }
    Ok(s)
}

/// A 64-bit word of the thread's frame.
fn frame(w: &Warp, lane: usize, at: u32) -> Result<u64, TrapKind> {
    read::<8>(w, lane, window::LOCAL + u64::from(at)).map(u64::from_le_bytes)
}

/// Reads arguments one after the other.
struct Arguments {
    at: u64,
}

impl Arguments {
    fn word(&mut self, w: &Warp, lane: usize) -> Result<u32, TrapKind> {
        self.at = self.at.next_multiple_of(4);
        let v = read::<4>(w, lane, self.at)?;
        self.at += 4;
        Ok(u32::from_le_bytes(v))
    }
    fn long(&mut self, w: &Warp, lane: usize) -> Result<u64, TrapKind> {
        self.at = self.at.next_multiple_of(8);
        let v = read::<8>(w, lane, self.at)?;
        self.at += 8;
        Ok(u64::from_le_bytes(v))
    }
}

/// Prints for one lane; the result is the number of arguments, as CUDA's printf returns.
pub fn print(w: &mut Warp, lane: usize, format: u32, arguments: u32) -> Result<i32, TrapKind> {
    let format = frame(w, lane, format)?;
    let format = string(w, lane, format)?;
    let mut arguments = Arguments {
        at: frame(w, lane, arguments)?,
    };
    let mut out = Vec::new();
    let mut count = 0;
    let mut rest = format.as_slice();
    while let Some(k) = rest.iter().position(|b| *b == b'%') {
        out.extend_from_slice(&rest[..k]);
        rest = &rest[k + 1..];
        if rest.first() == Some(&b'%') {
            out.push(b'%');
            rest = &rest[1..];
            continue;
        }
        let end = rest
            .iter()
            .position(|b| b.is_ascii_alphabetic() && !b"hlLqjzt".contains(b));
        let Some(end) = end else { break };
        let mut spec = String::from_utf8_lossy(&rest[..end]).into_owned();
        let kind = rest[end];
        rest = &rest[end + 1..];
        while let Some(star) = spec.find('*') {
            let n = arguments.word(w, lane)? as i32;
            spec.replace_range(star..=star, &n.to_string());
            count += 1;
        }
        let long = spec.contains('l') || spec.contains('j') || spec.contains('z') || spec.contains('t');
        let narrow = spec.matches('h').count();
        // Flags, width and precision. No `$`: it would ask for an argument that is not there.
        let plain = |c: &char| c.is_ascii_digit() || "-+ #.".contains(*c);
        let spec: String = spec.chars().filter(plain).collect();
        // One argument, of the type that `$length` and `$kind` say, goes to C.
        macro_rules! formatted {
            ($length:literal, $kind:expr, $value:expr) => {{
                let v = $value;
                // SAFETY: the format has one conversion, of a value of this type; at most `n` bytes are written at `p`.
                c_format(&mut out, &spec, $length, $kind, |f, p, n| unsafe {
                    libc::snprintf(p, n, f, v)
                })
            }};
        }
        count += 1;
        match kind {
            b'd' | b'i' => {
                let v = match (long, narrow) {
                    (true, _) => arguments.long(w, lane)? as i64,
                    (_, 0) => i64::from(arguments.word(w, lane)? as i32),
                    (_, 1) => i64::from(arguments.word(w, lane)? as i16),
                    _ => i64::from(arguments.word(w, lane)? as i8),
                };
                formatted!("ll", 'd', v);
            }
            b'u' | b'x' | b'X' | b'o' => {
                let v = match (long, narrow) {
                    (true, _) => arguments.long(w, lane)?,
                    (_, 0) => u64::from(arguments.word(w, lane)?),
                    (_, 1) => u64::from(arguments.word(w, lane)? as u16),
                    _ => u64::from(arguments.word(w, lane)? as u8),
                };
                formatted!("ll", kind as char, v);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
                formatted!("", kind as char, f64::from_bits(arguments.long(w, lane)?));
            }
            b'c' => {
                formatted!("", 'c', arguments.word(w, lane)? as i32);
            }
            b'p' => {
                formatted!("", 'p', arguments.long(w, lane)?);
            }
            b's' => {
                let address = arguments.long(w, lane)?;
                let mut s = string(w, lane, address)?;
                s.push(0);
                formatted!("", 's', s.as_ptr());
            }
            _ => {
                out.push(b'%');
                out.extend_from_slice(spec.as_bytes());
                out.push(kind);
            }
        }
    }
    out.extend_from_slice(rest);
    let output = &mut w.env_mut().output;
    // Enough for the launch to know that it was too much.
    if output.len() <= OUTPUT_BYTES {
        output.extend_from_slice(&out);
    }
    Ok(count)
}

/// Formats one value with C's own function (`call` is `snprintf` with it).
fn c_format(
    out: &mut Vec<u8>,
    spec: &str,
    length: &str,
    kind: char,
    call: impl Fn(*const libc::c_char, *mut libc::c_char, usize) -> libc::c_int,
) {
    let format = format!("%{spec}{length}{kind}\0");
    let mut buffer = vec![0u8; 128];
    loop {
        let n = call(format.as_ptr().cast(), buffer.as_mut_ptr().cast(), buffer.len());
        match usize::try_from(n) {
            Ok(n) if n < buffer.len() => return out.extend_from_slice(&buffer[..n]),
            Ok(_) if buffer.len() > LONGEST as usize => {
                return out.extend_from_slice(&buffer[..LONGEST as usize]);
            }
            Ok(n) => buffer.resize((n + 1).min(LONGEST as usize + 1), 0),
            Err(_) => return out.extend_from_slice(format.trim_end_matches('\0').as_bytes()),
        }
    }
}

/// The text of a failed assertion, as CUDA prints it without the block and thread.
pub fn assertion(w: &Warp, lane: usize, at: [u32; 4]) -> String {
    let text = |at: u32| {
        let s = frame(w, lane, at)
            .and_then(|address| string(w, lane, address))
            .unwrap_or_default();
        String::from_utf8_lossy(&s).into_owned()
    };
    let line = read::<4>(w, lane, window::LOCAL + u64::from(at[2]))
        .map(u32::from_le_bytes)
        .unwrap_or_default();
    format!(
        "assertion `{}` failed in {} ({}:{line})",
        text(at[0]),
        text(at[3]),
        text(at[1])
    )
}
