//! Successive halving (Jamieson and Talwalkar, 2016): which of many formats is best to train in? All are trained for
//! a short time, the better part for longer, and so on.

use tell::Error;

/// A round that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// How long each was trained: the rung, from 0.
    pub rung: usize,
    /// Which took part, and their scores (higher is better), the best first.
    pub scores: Vec<(usize, f64)>,
}

/// Runs `rungs` rounds over candidates 0 to `count` - 1: `score` is told who takes part and the rung, and answers in
/// that order. After each round one of `part` goes on, at least one. A score that is no number is the worst.
///
/// # Errors
/// Those of `score`.
pub fn run(
    count: usize,
    rungs: usize,
    part: usize,
    mut score: impl FnMut(&[usize], usize) -> Result<Vec<f64>, Error>,
) -> Result<Vec<Round>, Error> {
    let mut alive: Vec<usize> = (0..count).collect();
    let mut rounds = Vec::new();
    for rung in 0..rungs {
        let answers = score(&alive, rung)?;
        let mut scores: Vec<(usize, f64)> = alive.iter().copied().zip(answers).collect();
        let worth = |x: f64| if x.is_nan() { f64::NEG_INFINITY } else { x };
        scores.sort_by(|a, b| worth(b.1).total_cmp(&worth(a.1)).then(a.0.cmp(&b.0)));
        let next = (alive.len() / part.max(2)).max(1);
        alive = scores.iter().take(next).map(|(i, _)| *i).collect();
        rounds.push(Round { rung, scores });
        if alive.len() == 1 && rung + 2 < rungs {
            // Nothing is left to choose; the last round says how good the one is.
            let last = rungs - 1;
            let answers = score(&alive, last)?;
            rounds.push(Round {
                rung: last,
                scores: alive.iter().copied().zip(answers).collect(),
            });
            break;
        }
    }
    Ok(rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_found_for_a_fraction_of_the_work() {
        let mut work = 0;
        let rounds = run(16, 3, 4, |who, rung| {
            work += who.len() * 4usize.pow(rung as u32);
            // Short runs see the order with an error; candidate 15 diverges.
            let noise = |i: usize| if i.is_multiple_of(2) { 0.4 } else { -0.4 } / (1.0 + rung as f64);
            Ok(who
                .iter()
                .map(|&i| if i == 15 { f64::NAN } else { i as f64 + noise(i) })
                .collect())
        })
        .unwrap();
        assert_eq!(
            rounds.iter().map(|r| r.scores.len()).collect::<Vec<_>>(),
            [16, 4, 1]
        );
        assert_eq!(rounds[2].scores[0].0, 14);
        assert_eq!(rounds[0].scores[15].0, 15);
        assert_eq!(work, 16 + 16 + 16);
        let failed = run(2, 2, 2, |_, _| Err(Error::failed("no", ""))).unwrap_err();
        assert_eq!(failed.to_string(), "no");
    }
}
