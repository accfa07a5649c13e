//! What repeats in a sequence of launches.

/// A stretch of a sequence that repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it begins.
    pub start: usize,
    /// What it repeats after.
    pub period: usize,
    /// How long it is; the last repetition may be cut off.
    pub length: usize,
}

impl Stretch {
    /// Whole repetitions.
    pub fn repeats(&self) -> usize {
        self.length / self.period
    }
}

/// Periods longer than this are not looked for.
const LONGEST: usize = 4096;

/// The stretches that repeat, in order. One counts when it covers half of what it was looked for in; a sequence in which
/// none does is one stretch that comes once.
pub fn stretches(symbols: &[u32]) -> Vec<Stretch> {
    let mut found = Vec::new();
    search(symbols, 0, symbols.len(), &mut found);
    if found.is_empty() && !symbols.is_empty() {
        found.push(Stretch {
            start: 0,
            period: symbols.len(),
            length: symbols.len(),
        });
    }
    found
}

fn search(symbols: &[u32], from: usize, to: usize, found: &mut Vec<Stretch>) {
    let part = &symbols[from..to];
    let Some(mut best) = longest(part) else { return };
    if best.length * 2 < part.len() {
        return;
    }
    best.start += from;
    search(symbols, from, best.start, found);
    found.push(best);
    search(symbols, best.start + best.length, to, found);
}

/// The stretch that covers most, at least two periods; of those that cover about as much the one of the shortest period.
fn longest(part: &[u32]) -> Option<Stretch> {
    let mut all = Vec::new();
    for period in 1..=(part.len() / 2).min(LONGEST) {
        let (mut run, mut best) = (0, (0, 0));
        for i in 0..part.len() - period {
            run = if part[i] == part[i + period] { run + 1 } else { 0 };
            if run > best.0 {
                best = (run, i + 1 - run);
            }
        }
        if best.0 >= period {
            all.push(Stretch {
                start: best.1,
                period,
                length: best.0 + period,
            });
        }
    }
    let most = all.iter().map(|s| s.length).max()?;
    all.into_iter().find(|s| s.length * 20 >= most * 19)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(symbols: &[u32]) -> Vec<(usize, usize, usize)> {
        stretches(symbols)
            .iter()
            .map(|s| (s.start, s.period, s.length))
            .collect()
    }

    #[test]
    fn periods_with_what_is_before_and_behind() {
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[7]), [(0, 1, 1)]);
        assert_eq!(found(&[1, 2, 3, 4]), [(0, 4, 4)]);
        assert_eq!(found(&[1, 2, 1, 2, 1, 2]), [(0, 2, 6)]);
        assert_eq!(found(&[9, 1, 2, 3, 1, 2, 3, 1, 2, 8]), [(1, 3, 8)]);
        // Inner repetitions do not hide the outer one.
        assert_eq!(found(&[1, 2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2]), [(0, 4, 12)]);
        // Training, then a test.
        let mut both = [1, 2, 3, 4, 5].repeat(6);
        both.extend([1, 2, 6].repeat(4));
        assert_eq!(found(&both), [(0, 5, 32), (32, 3, 10)]);
    }
}
