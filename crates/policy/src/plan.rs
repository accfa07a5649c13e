//! Which rules hold in a launch. Everything that does not change from launch to launch is decided once per
//! kernel, so that a launch costs a look at the rules that speak of launches, and nothing where there are none.

use std::sync::Arc;

use crate::document::Policy;
use crate::names::Names;
use crate::select::{Conditions, LaunchContext};

/// The rules that hold: a set of their numbers. Two launches with equal plans run the same code.
///
/// Rules without conditions on the launch are in every plan, whatever kernels they select, so that kernels of one
/// module share their code; the others only where they may select the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plan(Box<[u64]>);

impl Plan {
    pub(crate) fn of(count: usize, holds: impl Fn(usize) -> bool) -> Plan {
        let mut words = vec![0u64; count.div_ceil(64)];
        for i in (0..count).filter(|i| holds(*i)) {
            words[i / 64] |= 1 << (i % 64);
        }
        Plan(words.into())
    }

    /// Whether a rule holds.
    pub fn has(&self, rule: usize) -> bool {
        self.0.get(rule / 64).is_some_and(|w| w >> (rule % 64) & 1 == 1)
    }

    fn set(&mut self, rule: usize) {
        self.0[rule / 64] |= 1 << (rule % 64);
    }
}

/// What a policy means for one kernel.
#[derive(Clone, Debug)]
pub struct KernelPolicy {
    policy: Arc<Policy>,
    /// The rules that hold in every launch.
    always: Plan,
    /// The rules that hold in some.
    sometimes: Vec<usize>,
    /// The tensors at the boundaries of this kernel that may be concerned: numbers in `Policy::tensors`, with when.
    boundaries: Vec<(usize, Conditions)>,
}

impl Policy {
    /// What the policy means for a kernel of this (mangled) name.
    pub fn kernel(self: &Arc<Policy>, name: &str) -> KernelPolicy {
        let names = Names::of(name);
        let may = |c: &Conditions| c.allows(&names);
        let sometimes = self.rules.iter().enumerate().filter(|(_, r)| {
            // What a rule says of a device function's name is seen when the module is rewritten.
            r.conditions.is_of_launch() && may(&r.conditions)
        });
        let boundaries = self.tensors().map(|b| b.conditions.clone()).enumerate();
        let boundaries = boundaries.filter(|(_, c)| may(c));
        KernelPolicy {
            policy: self.clone(),
            always: self.always(),
            sometimes: sometimes.map(|(i, _)| i).collect(),
            boundaries: boundaries.collect(),
        }
    }

    /// All rules, as if every condition on launches held.
    pub fn all(&self) -> Plan {
        Plan::of(self.rules.len(), |_| true)
    }

    /// The rules that hold in every launch.
    pub fn always(&self) -> Plan {
        Plan::of(self.rules.len(), |i| !self.rules[i].conditions.is_of_launch())
    }
}

impl KernelPolicy {
    /// Whether every launch has the plan [`Policy::always`] and no boundaries.
    pub fn is_steady(&self) -> bool {
        self.sometimes.is_empty() && self.boundaries.is_empty()
    }

    /// The rules that hold in some launches of the kernel, and not in others.
    pub fn sometimes(&self) -> impl Iterator<Item = usize> {
        self.sometimes.iter().copied()
    }

    /// The rules that hold in a launch.
    pub fn plan(&self, launch: &LaunchContext<'_>) -> Plan {
        let mut plan = self.always.clone();
        for &i in &self.sometimes {
            if self.policy.rules[i].conditions.hold(launch) {
                plan.set(i);
            }
        }
        plan
    }

    /// The tensors at the boundaries of the kernel that are concerned in a launch: numbers in
    /// [`Policy::tensors`], in order.
    pub fn boundaries(&self, launch: &LaunchContext<'_>) -> impl Iterator<Item = usize> {
        let holds = self.boundaries.iter().filter(|(_, c)| c.hold(launch));
        holds.map(|(i, _)| *i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::Stage;

    #[test]
    fn plans_hold_what_holds() {
        let text = "[[rule]]\nformat = \"bf16\"\n[[rule]]\nkernel = \"a*\"\nlaunch = \"1..3\"\nformat = \"e5m2\"\n\
                    [[rule]]\nstage = \"train\"\nformat = \"leave\"\n[[scale]]\nkernel = \"b\"\nargument = 0\nwhen = \"after\"\nfactor = 2\n";
        let policy = Arc::new(Policy::parse("p.toml", text).unwrap());
        let rules = |kernel: &str, number, stage| -> Vec<usize> {
            let launch = LaunchContext {
                number,
                stage,
                ..LaunchContext::default()
            };
            let plan = policy.kernel(kernel).plan(&launch);
            (0..3).filter(|i| plan.has(*i)).collect()
        };
        assert_eq!(rules("ab", 0, None), [0]);
        assert_eq!(rules("ab", 1, None), [0, 1]);
        assert_eq!(rules("b", 1, Some(Stage::Train)), [0, 2]);
        assert_eq!(rules("ab", 2, Some(Stage::Train)), [0, 1, 2]);
        assert_eq!(rules("ab", 3, Some(Stage::Test)), [0]);
        let launch = LaunchContext::default();
        assert_eq!(policy.kernel("b").boundaries(&launch).collect::<Vec<_>>(), [0]);
        assert_eq!(policy.kernel("a").boundaries(&launch).count(), 0);
        assert!(!policy.kernel("a").is_steady());
    }
}
