//! Which of the process's own addresses are mapped, as the system says.

/// Whether every byte from `address` on is mapped for reading and writing. Where the system does not tell (no /proc),
/// the program's word is taken.
pub(crate) fn is_writable(address: u64, size: u64) -> bool {
    let Some(end) = address.checked_add(size) else {
        return false;
    };
    match std::fs::read_to_string("/proc/self/maps") {
        Ok(maps) => covers(&maps, address, end),
        Err(_) => true,
    }
}

/// Whether readable and writable ranges of `maps` (sorted, `START-END rwxp ...`, hexadecimal) cover `from..to`.
fn covers(maps: &str, mut from: u64, to: u64) -> bool {
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let range = words.next().and_then(|range| range.split_once('-'));
        let parse = |text: &str| u64::from_str_radix(text, 16).ok();
        let Some((Some(start), Some(end))) = range.map(|(a, b)| (parse(a), parse(b))) else {
            continue;
        };
        let usable = words.next().is_some_and(|flags| flags.starts_with("rw"));
        if (start..end).contains(&from) {
            if !usable {
                return false;
            }
            from = end;
            if from >= to {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_may_cross_mappings_but_no_gap_and_nothing_read_only() {
        let maps = "1000-2000 rw-p 0 0:0 0\n2000-3000 rw-s 0 0:0 0 /dev/shm/x\n3000-4000 r--p 0 0:0 0\n\
                    5000-6000 rw-p 0 0:0 0\n6000-7000 ---p 0 0:0 0\n";
        assert!(covers(maps, 0x1000, 0x3000) && covers(maps, 0x17ff, 0x2001) && covers(maps, 0x5ffe, 0x6000));
        assert!(
            !covers(maps, 0x2fff, 0x3001) && !covers(maps, 0x3000, 0x3004) && !covers(maps, 0xfff, 0x1001)
        );
        assert!(
            !covers(maps, 0x4800, 0x4900) && !covers(maps, 0x5fff, 0x6001) && !covers(maps, 0x8000, 0x8001)
        );
    }

    #[test]
    fn own_memory_is_writable_and_code_is_not() {
        let mut buffer = vec![0u8; 100_000];
        assert!(is_writable(buffer.as_mut_ptr() as u64, 100_000));
        assert!(!is_writable(
            own_memory_is_writable_and_code_is_not as *const () as u64,
            4
        ));
        assert!(!is_writable(u64::MAX - 3, 8));
    }
}
