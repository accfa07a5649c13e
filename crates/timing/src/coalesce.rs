//! Accesses of a warp as the memory system sees them: sectors of 32 bytes, cycles of shared memory.

use crate::cachespec::SECTOR;

/// An access to one sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sector {
    /// Its first byte.
    pub address: u64,
    /// Bytes that are meant.
    pub bytes: u32,
}

/// `n` bits from `at` on, as far as they fit.
fn mask(at: u32, n: u32) -> u32 {
    let ones = if n >= 32 { u32::MAX } else { (1 << n) - 1 };
    ones << at
}

/// Sorted sectors that take in bytes.
fn touch(list: &mut Vec<Sector>, from: usize, address: u64, bytes: u32) {
    let sector = address & !u64::from(SECTOR - 1);
    let bits = mask((address - sector) as u32, bytes);
    if let Some(last) = list[from..].last_mut() {
        if last.address == sector {
            last.bytes |= bits;
            return;
        }
        if last.address < sector {
            list.push(Sector {
                address: sector,
                bytes: bits,
            });
            return;
        }
    }
    match list[from..].binary_search_by_key(&sector, |s| s.address) {
        Ok(i) => list[from + i].bytes |= bits,
        Err(i) => list.insert(
            from + i,
            Sector {
                address: sector,
                bytes: bits,
            },
        ),
    }
}

/// Touches every sector that `bytes` bytes from `address` on lie in.
fn touch_all(list: &mut Vec<Sector>, from: usize, address: u64, bytes: u32) {
    let (mut at, end) = (address, address + u64::from(bytes));
    while at < end {
        let next = (at / u64::from(SECTOR) + 1) * u64::from(SECTOR);
        touch(list, from, at, (next.min(end) - at) as u32);
        at = next;
    }
}

/// The sectors that threads at `addresses` touch with `bytes` bytes each, by address, in `parts` parts of the warp one after
/// the other.
pub fn sectors(list: &mut Vec<Sector>, parts: u32, bytes: u32, addresses: &[(u32, u64)]) {
    for part in 0..parts {
        let from = list.len();
        for (_, address) in addresses.iter().filter(|(lane, _)| lane * parts / 32 == part) {
            touch_all(list, from, *address, bytes);
        }
    }
}

/// As [`sectors`] for atomics: threads at the same bytes need a further access to the sector.
pub fn atomic_sectors(list: &mut Vec<Sector>, parts: u32, bytes: u32, addresses: &[(u32, u64)]) {
    for part in 0..parts {
        let mut found: Vec<Sector> = Vec::new();
        for (_, address) in addresses.iter().filter(|(lane, _)| lane * parts / 32 == part) {
            let sector = address & !u64::from(SECTOR - 1);
            let bits = mask((address - sector) as u32, bytes);
            match found
                .iter_mut()
                .find(|s| s.address == sector && s.bytes & bits == 0)
            {
                Some(s) => s.bytes |= bits,
                None => found.push(Sector {
                    address: sector,
                    bytes: bits,
                }),
            }
        }
        found.sort_by_key(|s| s.address);
        list.extend(found);
    }
}

/// Parts of the warp that have threads.
fn parts_with_threads(parts: u32, addresses: &[(u32, u64)]) -> u32 {
    let of = |part: u32| addresses.iter().any(|(lane, _)| lane * parts / 32 == part);
    (0..parts).filter(|p| of(*p)).count() as u32
}

/// Whether no bank has more than one word: the usual case, found out quickly.
fn no_conflict(banks: u32, parts: u32, addresses: &[(u32, u64)]) -> bool {
    let (mut word_of, mut used, mut last) = ([0u64; 64], 0u64, 0);
    for (lane, address) in addresses {
        let part = lane * parts / 32;
        if part != last {
            (used, last) = (0, part);
        }
        let word = address / 4;
        let bank = (word % u64::from(banks)) as usize;
        if used >> bank & 1 == 1 && word_of[bank] != word {
            return false;
        }
        used |= 1 << bank;
        word_of[bank] = word;
    }
    true
}

/// Cycles of an access to shared memory: in each part of the warp as many as there are different words in one bank. Only the
/// first word of a thread counts (in GPGPU-Sim, too). With `limited` broadcast only one word that several threads want is
/// given to all of them at once.
pub fn shared_cycles(banks: u32, parts: u32, limited: bool, addresses: &[(u32, u64)]) -> u32 {
    if !limited && no_conflict(banks, parts, addresses) {
        return parts_with_threads(parts, addresses);
    }
    let mut cycles = 0;
    let mut words: Vec<(u32, u64, u32)> = Vec::with_capacity(32);
    for part in 0..parts {
        words.clear();
        for (_, address) in addresses.iter().filter(|(lane, _)| lane * parts / 32 == part) {
            let word = address / 4;
            let bank = (word % u64::from(banks)) as u32;
            match words.iter_mut().find(|w| w.1 == word) {
                Some(w) => w.2 += 1,
                None => words.push((bank, word, 1)),
            }
        }
        // The word of the first bank, by number and then address, that several want.
        let broadcast = match limited {
            true => words.iter().filter(|w| w.2 > 1).min().map(|w| w.1),
            false => None,
        };
        let mut most = 0;
        for bank in 0..banks {
            let of_bank = words.iter().filter(|w| w.0 == bank);
            let n = match limited {
                true => of_bank
                    .map(|w| if broadcast == Some(w.1) { 1 } else { w.2 })
                    .sum(),
                false => of_bank.count() as u32,
            };
            most = most.max(n);
        }
        cycles += most;
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(f: impl Fn(u64) -> u64) -> Vec<(u32, u64)> {
        (0..32).map(|l| (l, f(u64::from(l)))).collect()
    }

    #[test]
    fn neighbouring_words_are_four_sectors() {
        let mut list = Vec::new();
        sectors(&mut list, 1, 4, &lanes(|l| 256 + 4 * l));
        assert_eq!(
            list.iter().map(|s| s.address).collect::<Vec<_>>(),
            [256, 288, 320, 352]
        );
        assert!(list.iter().all(|s| s.bytes == u32::MAX));
        // Backwards they are the same.
        let mut back = Vec::new();
        sectors(&mut back, 1, 4, &lanes(|l| 256 + 4 * (31 - l)));
        assert_eq!(list, back);
        // What lies across the end of a sector touches both.
        let mut across = Vec::new();
        sectors(&mut across, 1, 8, &[(0, 28)]);
        assert_eq!(
            across.iter().map(|s| s.bytes).collect::<Vec<_>>(),
            [0xf << 28, 0xf]
        );
        // Sixteen bytes a thread: sixteen sectors.
        let mut wide = Vec::new();
        sectors(&mut wide, 1, 16, &lanes(|l| 16 * l));
        assert_eq!(wide.len(), 16);
    }

    #[test]
    fn threads_at_one_word_need_as_many_atomics() {
        let mut list = Vec::new();
        atomic_sectors(&mut list, 1, 4, &lanes(|_| 64));
        assert_eq!(list.len(), 32);
        list.clear();
        atomic_sectors(&mut list, 1, 4, &lanes(|l| 4 * l));
        assert_eq!(list.len(), 4);
    }

    #[test]
    fn shared_memory_takes_a_cycle_for_each_word_of_a_bank() {
        let cycles = |limited, stride: u64| shared_cycles(32, 1, limited, &lanes(|l| 4 * stride * l));
        assert_eq!(
            [1, 2, 3, 4, 8, 32, 33].map(|s| cycles(false, s)),
            [1, 2, 1, 4, 8, 32, 1]
        );
        // One word for all, with and without limits.
        assert_eq!((cycles(false, 0), cycles(true, 0)), (1, 1));
        // Two words of one bank, each for half of the warp: limited, only one is broadcast.
        let halves = lanes(|l| 128 * (l % 2));
        assert_eq!(shared_cycles(32, 1, false, &halves), 2);
        assert_eq!(shared_cycles(32, 1, true, &halves), 17);
    }
}
