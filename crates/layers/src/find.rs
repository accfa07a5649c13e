//! From a launch log to layers: what repeats, which buffers are parameters, which launches belong to which layer and
//! phase.
//!
//! Within a repetition, a *parameter* is a buffer that some launch reads before anything in this repetition has written
//! it, that the host does not write each time, that stays where it is, and that the launch which reads it does not
//! write; a *state* is one that its first reader also writes. Launches that write a parameter are *update*, and those that
//! write nothing but states that such a launch reads; what they read beside is gradients. Until a gradient is computed
//! launches are *forward*, or until an accumulating launch reads the parameter of a layer again after all layers were
//! opened; the rest is *backward*. A forward launch that accumulates and is the first to read a parameter *opens* a layer;
//! layers are numbered in that order.
//!
//! A forward launch that opens no layer belongs to that of the data it reads; before the first layer it is of `input`,
//! behind the last, if what it computes stays in no buffer that it has read, of `output`. An update belongs to the layer
//! of the parameter it writes. A backward launch belongs to the layer whose update reads the gradient that it writes,
//! else to that whose parameter it reads, else to that of the launches that read what it writes, if these are of one,
//! else to that whose forward result it reads, else to that of the gradient it reads.

use std::collections::{BTreeMap, BTreeSet};

use policy::Phase;
use record::launches::Launch;

use super::Row;
use super::log::Log;
use super::period::{Stretch, stretches};

/// The layers of each stretch that repeats.
pub fn find(log: &Log) -> Vec<(Stretch, Vec<Row>)> {
    let mut numbers = BTreeMap::new();
    let symbols: Vec<u32> = log
        .launches
        .iter()
        .map(|l| {
            let sizes: Vec<Option<u64>> = l.words.iter().map(|w| w.allocation()).collect();
            let next = numbers.len() as u32;
            *numbers.entry((&l.kernel, l.block, sizes)).or_insert(next)
        })
        .collect();
    stretches(&symbols)
        .into_iter()
        .map(|s| {
            let s = align(log, s);
            (s, Repetition::new(log, s).rows())
        })
        .collect()
}

/// Moves the beginning of a stretch to the first launch before which the host writes something in every repetition:
/// where a batch begins.
fn align(log: &Log, s: Stretch) -> Stretch {
    let written: BTreeSet<usize> = log.writes.iter().map(|(before, _)| *before).collect();
    let always = |n: usize| {
        let mut all = (n..s.start + s.length).step_by(s.period);
        all.all(|at| written.contains(&at))
    };
    let shift = (0..s.period).find(|n| always(s.start + n)).unwrap_or(0);
    if s.repeats() < 2 || s.length - shift < s.period {
        return s;
    }
    Stretch {
        start: s.start + shift,
        length: s.length - shift,
        ..s
    }
}

/// Addresses that a launch reads and writes.
#[derive(Default)]
struct Uses {
    reads: BTreeSet<u64>,
    writes: BTreeSet<u64>,
}

struct Repetition<'l> {
    log: &'l Log,
    stretch: Stretch,
    /// The first launch of the repetition that is looked at.
    first: usize,
    launches: &'l [Launch],
    uses: Vec<Uses>,
    /// Addresses that the host writes in this repetition.
    host: BTreeSet<u64>,
    /// Addresses that a parameter may not be: they are others in another repetition.
    moving: BTreeSet<u64>,
}

impl<'l> Repetition<'l> {
    fn new(log: &'l Log, stretch: Stretch) -> Self {
        let Stretch { start, period, .. } = stretch;
        // The second one: the first may begin differently.
        let first = if stretch.repeats() > 1 {
            start + period
        } else {
            start
        };
        let launches = &log.launches[first..first + period];
        let uses: Vec<Uses> = launches.iter().map(|l| uses(log, l)).collect();
        let mut repetition = Repetition {
            log,
            stretch,
            first,
            launches,
            uses,
            host: BTreeSet::new(),
            moving: BTreeSet::new(),
        };
        if first > start {
            let before = &log.launches[start..first];
            for (a, b) in before.iter().zip(launches) {
                let pairs = a.words.iter().zip(&b.words);
                let moved = pairs.filter(|(a, b)| b.left.is_some() && a.value != b.value);
                repetition.moving.extend(moved.map(|(_, b)| b.value));
            }
        }
        repetition.host = repetition.written_by_host();
        repetition
    }

    /// The addresses among the arguments that the host writes in this repetition. Where nothing repeats, that is what it
    /// wrote last before the first launch: the input, not the parameters.
    fn written_by_host(&self) -> BTreeSet<u64> {
        let all: BTreeSet<u64> = self.uses.iter().flat_map(|u| u.reads.iter().copied()).collect();
        let last = self.first + self.launches.len();
        let once = self.stretch.repeats() < 2;
        let writes = self.log.writes.iter();
        let inside = writes
            .filter(|(before, _)| (self.first..last).contains(before) && !(once && *before == self.first));
        let mut found = BTreeSet::new();
        for (_, w) in inside {
            found.extend(all.range(w.address..w.address.saturating_add(w.bytes)));
        }
        if once {
            let inputs = &self.uses[0].reads;
            let mut before = self.log.writes.iter().rev().filter(|(b, _)| *b == self.first);
            let latest = before.find_map(|(_, w)| {
                let mut hit = inputs.range(w.address..w.address.saturating_add(w.bytes));
                hit.next().copied()
            });
            if inputs.len() > 1 {
                found.extend(latest);
            }
        }
        found
    }

    /// Buffers that keep their values from repetition to repetition: those that are read by who does not write them
    /// (parameters), and the others (states, of an optimiser say).
    fn kept(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let mut written = self.host.clone();
        let (mut parameters, mut states) = (BTreeSet::new(), BTreeSet::new());
        for u in &self.uses {
            let kept = |b: &&u64| !written.contains(b) && !self.moving.contains(b);
            for b in u.reads.iter().filter(kept) {
                let list = if u.writes.contains(b) {
                    &mut states
                } else {
                    &mut parameters
                };
                list.insert(*b);
            }
            written.extend(&u.writes);
        }
        states.retain(|b| !parameters.contains(b));
        (parameters, states)
    }

    /// The launches that write parameters, or only states that such a launch reads.
    fn updates(&self, parameters: &BTreeSet<u64>, states: &BTreeSet<u64>) -> Vec<bool> {
        let writes = |u: &Uses| !u.writes.is_disjoint(parameters);
        let mut updates: Vec<bool> = self.uses.iter().map(writes).collect();
        for at in (0..updates.len()).rev() {
            let written = &self.uses[at].writes;
            let read = |n: usize| updates[n] && !self.uses[n].reads.is_disjoint(written);
            if !written.is_empty() && written.is_subset(states) && (at + 1..updates.len()).any(read) {
                updates[at] = true;
            }
        }
        updates
    }

    fn accumulates(&self, at: usize) -> bool {
        let kernel = self.log.kernels.get(&self.launches[at].kernel);
        kernel.is_some_and(|k| k.accumulations > 0)
    }

    fn rows(&self) -> Vec<Row> {
        let (parameters, states) = self.kept();
        let count = self.launches.len();
        let updates = self.updates(&parameters, &states);
        let gradients: BTreeSet<u64> = (0..count)
            .filter(|at| updates[*at])
            .flat_map(|at| self.uses[at].reads.difference(&self.uses[at].writes).copied())
            .filter(|b| !parameters.contains(b) && !states.contains(b))
            .collect();
        // The first launch that computes a gradient (and does not only set it).
        let gradient = (0..count).find(|at| {
            let u = &self.uses[*at];
            updates[*at] || (!u.reads.is_empty() && !u.writes.is_disjoint(&gradients))
        });
        // Opening launches, and the layer (from 1) of each parameter.
        let mut layer_of: BTreeMap<u64, usize> = BTreeMap::new();
        let mut opens: Vec<Option<usize>> = vec![None; count];
        let mut layers = 0;
        let mut last_open = 0;
        for at in (0..gradient.unwrap_or(count)).filter(|at| self.accumulates(*at)) {
            let new: Vec<u64> = self.uses[at]
                .reads
                .intersection(&parameters)
                .filter(|b| !layer_of.contains_key(b))
                .copied()
                .collect();
            if !new.is_empty() {
                layers += 1;
                last_open = at;
                opens[at] = Some(layers);
                layer_of.extend(new.into_iter().map(|b| (b, layers)));
            }
        }
        // From there on backward; earlier if a parameter is read again before.
        let backward = gradient.map(|gradient| {
            let again = (last_open + 1..gradient).find(|at| {
                let mut read = self.uses[*at].reads.iter();
                self.accumulates(*at) && read.any(|b| layer_of.contains_key(b))
            });
            again.unwrap_or(gradient)
        });
        let forward = backward.unwrap_or(count);
        let mut places: Vec<(Option<Layer>, Option<Phase>)> = vec![(None, None); count];
        if layers > 0 {
            self.place_forward(&opens, forward, &mut layer_of, &parameters, &mut places);
            self.place_updates(&updates, &layer_of, &mut places);
            self.place_backward(forward, &layer_of, &gradients, &mut places);
        }
        let total: f64 = self.launches.iter().map(|l| l.seconds).sum();
        (0..count)
            .map(|at| Row::new(self.log, &self.launches[at], places[at], &parameters, total))
            .collect()
    }

    fn place_forward(
        &self,
        opens: &[Option<usize>],
        forward: usize,
        layer_of: &mut BTreeMap<u64, usize>,
        parameters: &BTreeSet<u64>,
        places: &mut [(Option<Layer>, Option<Phase>)],
    ) {
        let last_open = opens.iter().rposition(Option::is_some).unwrap_or(0);
        let mut producer: BTreeMap<u64, usize> = BTreeMap::new();
        for at in 0..forward {
            let u = &self.uses[at];
            let layer = opens[at]
                .or_else(|| u.reads.iter().filter_map(|b| layer_of.get(b)).max().copied())
                .or_else(|| u.reads.iter().filter_map(|b| producer.get(b)).max().copied());
            let in_place = !u.reads.is_disjoint(&u.writes);
            let tail = at > last_open && !in_place;
            let place = match layer {
                Some(_) if tail => Layer::Output,
                layer => Layer::Number(layer.unwrap_or(INPUT)),
            };
            places[at] = (Some(place), Some(Phase::Forward));
            if let Layer::Number(layer) = place {
                producer.extend(u.writes.iter().map(|b| (*b, layer)));
                // Parameters of launches that accumulate nothing: a bias that is added, a scale.
                for b in u.reads.intersection(parameters) {
                    layer_of.entry(*b).or_insert(layer);
                }
            }
        }
    }

    fn place_updates(
        &self,
        updates: &[bool],
        layer_of: &BTreeMap<u64, usize>,
        places: &mut [(Option<Layer>, Option<Phase>)],
    ) {
        for at in (0..updates.len()).rev().filter(|at| updates[*at]) {
            let layers: BTreeSet<usize> = self.uses[at]
                .writes
                .iter()
                .filter_map(|b| layer_of.get(b).copied())
                .collect();
            let layer = match layers.len() {
                0 => self.readers(at, places),
                1 => layers.first().copied(),
                _ => None,
            };
            places[at] = (layer.map(Layer::Number), Some(Phase::Update));
        }
    }

    fn place_backward(
        &self,
        forward: usize,
        layer_of: &BTreeMap<u64, usize>,
        gradients: &BTreeSet<u64>,
        places: &mut [(Option<Layer>, Option<Phase>)],
    ) {
        // The layer of a gradient, by the update that reads it, and of forward results and passed-on gradients.
        let mut of_gradient: BTreeMap<u64, usize> = BTreeMap::new();
        let mut result: BTreeMap<u64, usize> = BTreeMap::new();
        for (at, place) in places.iter().enumerate() {
            match place {
                (Some(Layer::Number(n)), Some(Phase::Update)) => {
                    let read = self.uses[at].reads.intersection(gradients);
                    of_gradient.extend(read.map(|b| (*b, *n)));
                }
                (Some(Layer::Number(n)), Some(Phase::Forward)) => {
                    result.extend(self.uses[at].writes.iter().map(|b| (*b, *n)));
                }
                _ => {}
            }
        }
        let of = |buffers: &BTreeSet<u64>, map: &BTreeMap<u64, usize>| {
            buffers.iter().filter_map(|b| map.get(b)).max().copied()
        };
        let open: Vec<usize> = (forward..places.len())
            .filter(|at| places[*at].1.is_none())
            .collect();
        // From behind: by what becomes of what is written.
        for at in open.iter().rev() {
            let u = &self.uses[*at];
            let layer = of(&u.writes, &of_gradient)
                .or_else(|| of(&u.reads, layer_of))
                .or_else(|| self.readers(*at, places));
            places[*at] = (layer.map(Layer::Number), Some(Phase::Backward));
        }
        // From before: by what is read.
        let mut passed: BTreeMap<u64, usize> = BTreeMap::new();
        for at in open {
            let u = &self.uses[at];
            if places[at].0.is_none() {
                let layer = of(&u.reads, &result).or_else(|| of(&u.reads, &passed));
                places[at].0 = layer.map(Layer::Number);
            }
            if let Some(Layer::Number(layer)) = places[at].0 {
                passed.extend(u.writes.iter().map(|b| (*b, layer)));
            }
        }
    }

    /// The layer of all launches that read what a launch writes, until it is written again, if it is one.
    fn readers(&self, at: usize, places: &[(Option<Layer>, Option<Phase>)]) -> Option<usize> {
        let mut layers = BTreeSet::new();
        for b in &self.uses[at].writes {
            for (next, u) in self.uses.iter().enumerate().skip(at + 1) {
                if u.reads.contains(b)
                    && let Some(Layer::Number(n)) = places[next].0
                {
                    layers.insert(n);
                }
                if u.writes.contains(b) {
                    break;
                }
            }
        }
        layers.first().copied().filter(|_| layers.len() == 1)
    }
}

/// What a launch reads and writes. An address whose use is not known is both.
fn uses(log: &Log, l: &Launch) -> Uses {
    let mut found = Uses::default();
    let kernel = log.kernels.get(&l.kernel);
    for w in l.words.iter().filter(|w| w.left.is_some()) {
        let argument = kernel.and_then(|k| {
            let mut all = k.arguments.iter();
            all.find(|a| (a.index, a.offset) == (w.index, w.offset))
        });
        let (reads, writes) = match (argument, kernel) {
            (Some(a), _) => (
                a.loads || a.atomics || a.escapes,
                a.stores || a.atomics || a.escapes,
            ),
            (None, Some(_)) => (false, false),
            (None, None) => (true, true),
        };
        if reads {
            found.reads.insert(w.value);
        }
        if writes {
            found.writes.insert(w.value);
        }
    }
    found
}

/// The number of what comes before the first layer.
const INPUT: usize = 0;

/// A layer, before it has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// From 1; 0 is before the first.
    Number(usize),
    /// Behind the last.
    Output,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Layer::Number(INPUT) => f.write_str("input"),
            Layer::Number(n) => write!(f, "layer{n}"),
            Layer::Output => f.write_str("output"),
        }
    }
}
