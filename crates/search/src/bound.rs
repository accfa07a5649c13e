//! When a candidate is hopeless although it has been shown few images.
//!
//! If a candidate classified at least `target` of all `all` images correctly, the number of correct ones among `shown`
//! images drawn from them without putting back would be hypergeometric. It is given up when a number as low as
//! the one seen has a probability below the risk even for exactly `target`: an exact test, sharper here than
//! Hoeffding's inequality, since accuracies near 1 vary little. "Drawn" is an assumption: programs show the *first*
//! images, and these may be harder or easier than all. So what counts as seen is what the candidate loses against the
//! program as compiled on the same images, taken from the latter's accuracy on all (`Found::share`): what the images have
//! in common for both is gone, and the test is the more careful for it, since the two are right about mostly the same.

/// How many images are looked at before all: a sixteenth, a quarter, in whole units.
pub fn steps(all: u64, unit: u64) -> Vec<u64> {
    let unit = unit.max(1);
    let whole = |part: u64| (all / part).div_ceil(unit) * unit;
    // A look at a handful of images shows nothing.
    let mut steps: Vec<u64> = [16, 4]
        .into_iter()
        .map(whole)
        .filter(|&n| n >= 50 && n < all)
        .collect();
    steps.dedup();
    steps.push(all);
    steps
}

/// Whether `correct` of `shown` images is too few for `target` of `all`, at this risk of being wrong.
pub fn hopeless(all: u64, target: u64, shown: u64, correct: u64, risk: f64) -> bool {
    if shown >= all {
        return correct < target;
    }
    tail(all, target.min(all), shown, correct) < risk
}

/// P(X <= x) for X the number of marked ones among `n` drawn from `all`, of which `marked` are marked.
pub fn tail(all: u64, marked: u64, n: u64, x: u64) -> f64 {
    let least = (n + marked).saturating_sub(all);
    let most = n.min(marked);
    if x >= most {
        return 1.0;
    }
    if x < least {
        return 0.0;
    }
    let log_choose = |n: u64, k: u64| log_factorial(n) - log_factorial(k) - log_factorial(n - k);
    let log_all = log_choose(all, n);
    // From x down; a term is the one above it times a ratio that falls, so that few terms count.
    let mut term = (log_choose(marked, x) + log_choose(all - marked, n - x) - log_all).exp();
    let mut sum = term;
    for k in (least + 1..=x).rev() {
        let (up, down) = (k * (all + k - marked - n), (marked - k + 1) * (n - k + 1));
        term *= up as f64 / down as f64;
        sum += term;
        if up < down && term < sum * 1e-17 {
            break;
        }
    }
    sum.min(1.0)
}

/// ln n!, by Stirling's series from 16 on (error below 1e-10), else exactly.
fn log_factorial(n: u64) -> f64 {
    if n < 16 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::sweep::random::Random;

    #[test]
    fn tails_are_those_of_the_hypergeometric_distribution() {
        let exact = |all: u64, marked: u64, n: u64, x: u64| {
            let choose =
                |n: u64, k: u64| (0..k).fold(1u128, |c, i| c * u128::from(n - i) / u128::from(i + 1));
            let sum: u128 = ((n + marked).saturating_sub(all)..=x)
                .map(|k| choose(marked, k) * choose(all - marked, n - k))
                .sum();
            sum as f64 / choose(all, n) as f64
        };
        for (all, marked, n, x) in [
            (20, 7, 12, 2),
            (50, 45, 10, 7),
            (100, 90, 30, 25),
            (60, 30, 30, 15),
        ] {
            assert!((tail(all, marked, n, x) - exact(all, marked, n, x)).abs() < 1e-9);
        }
        assert_eq!((tail(100, 90, 20, 9), tail(100, 90, 20, 20)), (0.0, 1.0));
    }

    #[test]
    fn looks_are_in_whole_units_and_end_with_all() {
        assert_eq!(steps(10_000, 1), [625, 2500, 10_000]);
        assert_eq!(steps(16_384, 128), [1024, 4096, 16_384]);
        assert_eq!(steps(300, 128), [128, 300]);
        assert_eq!(steps(100, 1), [100]);
    }

    #[test]
    fn a_good_candidate_is_given_up_no_more_often_than_the_risk_says() {
        let (all, target, shown, risk) = (2000u64, 1900, 200, 0.01);
        let mut random = Random::new(1);
        let mut given_up = 0;
        for _ in 0..4000 {
            // A draw of `shown` from `all`, `target` of them correct.
            let (mut left, mut marked, mut correct) = (all, target, 0);
            for _ in 0..shown {
                if random.below(left) < marked {
                    marked -= 1;
                    correct += 1;
                }
                left -= 1;
            }
            given_up += u32::from(hopeless(all, target, shown, correct, risk));
        }
        assert!(given_up <= 60, "{given_up} of 4000");
        assert!(hopeless(all, target, shown, 170, risk));
        assert!(!hopeless(all, target, shown, 188, risk));
    }
}
