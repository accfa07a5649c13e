//! The scale of the loss: what it is now, and how it follows the gradients.
//!
//! A step of training begins where the loss is scaled. Its gradients are divided by the scale that the loss had, so
//! a scale that backs off or grows changes with the next step.

use policy::LossScale;
use record::Event;
use record::run;

/// A scale leaves the powers of two of binary32's normal range at neither end.
const LARGEST: f32 = 1.701_411_8e38; // 2^127
const SMALLEST: f32 = f32::MIN_POSITIVE; // 2^-126

/// Loss scaling in this process.
#[derive(Debug)]
pub(crate) struct State {
    dynamic: bool,
    interval: u64,
    factor: f32,
    /// Steps begun.
    steps: u64,
    /// Steps in a row without a gradient that is not finite.
    good: u64,
    /// Whether the gradients of this step were looked at, and whether one was not finite.
    seen: bool,
    bad: bool,
    /// Steps with such a gradient.
    bad_steps: u64,
    /// Updates that were left out.
    skipped: u64,
    /// Step and scale, where it changed.
    history: Vec<(u64, f32)>,
}

impl State {
    pub(crate) fn new(asked: &LossScale) -> State {
        State {
            dynamic: asked.dynamic,
            interval: asked.interval.max(1),
            factor: asked.factor,
            steps: 0,
            good: 0,
            seen: false,
            bad: false,
            bad_steps: 0,
            skipped: 0,
            history: vec![(0, asked.factor)],
        }
    }

    /// The loss is scaled: a step begins. By what.
    pub(crate) fn begin(&mut self) -> f32 {
        if self.bad {
            self.bad_steps += 1;
            self.good = 0;
        } else if self.seen {
            self.good += 1;
        }
        if self.dynamic && self.bad {
            self.change(self.factor / 2.0);
        } else if self.dynamic && self.good >= self.interval {
            self.good = 0;
            self.change(self.factor * 2.0);
        }
        (self.seen, self.bad) = (false, false);
        self.steps += 1;
        self.factor
    }

    fn change(&mut self, factor: f32) {
        if (SMALLEST..=LARGEST).contains(&factor.abs()) {
            self.factor = factor;
            self.history.push((self.steps, factor));
        }
    }

    /// What gradients of this step are multiplied by.
    pub(crate) fn unscale(&self) -> f32 {
        self.factor.recip()
    }

    /// A gradient was looked at.
    pub(crate) fn judge(&mut self, finite: bool) {
        self.seen = true;
        self.bad |= !finite;
    }

    /// An update is left out.
    pub(crate) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// For the run record; nothing if no step began.
    pub(crate) fn event(&self) -> Option<Event> {
        let history = self
            .history
            .iter()
            .map(|(step, scale)| (*step, f64::from(*scale)));
        (self.steps > 0).then(|| {
            Event::LossScale(run::LossScale {
                steps: self.steps,
                bad_steps: self.bad_steps + u64::from(self.bad),
                skipped: self.skipped,
                scale: self.factor.into(),
                history: history.collect(),
            })
        })
    }
}
