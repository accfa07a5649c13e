//! The layers of a program, as `vernier profile` found them, and how a running program finds its place in them:
//! launch by launch, by what is launched on buffers of which sizes, and by order where that does not decide.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A phase of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names say it
pub enum Phase {
    Forward,
    Backward,
    Update,
}

impl Phase {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Forward => "forward",
            Phase::Backward => "backward",
            Phase::Update => "update",
        }
    }
}

/// Which version of the file this is; another one is not read.
pub const VERSION: u32 = 1;

/// Cycles of launches, each with the layer and phase of every launch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerMap {
    /// [`VERSION`].
    pub version: u32,
    /// What repeats: a batch of training, a batch of a test, in the order in which the program gets there.
    pub cycles: Vec<Cycle>,
}

/// A sequence of launches that a program repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// How often it was seen in a row.
    pub repeats: u64,
    /// Its launches.
    pub entries: Vec<Entry>,
}

/// A launch of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Mangled name.
    pub kernel: String,
    /// Sizes of the allocations that its pointer arguments point into, bytes, in order.
    pub buffers: Vec<u64>,
    /// `layer1`, ..., `input` and `output` for what comes before the first and after the last, if it is known.
    pub layer: Option<String>,
    /// Forward, backward, update, if it is known.
    pub phase: Option<Phase>,
}

/// What is known of a launch before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchSignature<'a> {
    /// Mangled name.
    pub kernel: &'a str,
    /// As [`Entry::buffers`].
    pub buffers: &'a [u64],
}

/// Where a launch belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'m> {
    /// The layer.
    pub layer: Option<&'m str>,
    /// The phase.
    pub phase: Option<Phase>,
}

impl LayerMap {
    /// Reads the text of a map.
    ///
    /// # Errors
    /// Not a map, or of another version; in words.
    pub fn from_json(text: &str) -> Result<LayerMap, String> {
        let map: LayerMap = serde_json::from_str(text).map_err(|e| format!("not a map of layers: {e}"))?;
        match map.version {
            VERSION => Ok(map),
            other => Err(format!(
                "a map of layers of version {other}; this is version {VERSION}: profile again"
            )),
        }
    }

    /// The names of the layers, in the order of their first launch.
    pub fn layers(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for name in self.entries().filter_map(|e| e.layer.as_deref()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Every launch of every cycle.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.cycles.iter().flat_map(|c| &c.entries)
    }
}

/// Follows a running program through a map.
///
/// A launch is the next entry, in the order of its cycle, with its kernel and buffers; where no entry has these
/// buffers, the next with its kernel. So a cycle that ends early, launches that no cycle has, and a start in the middle
/// lead astray at most until a launch comes that stands only once in its cycle.
#[derive(Clone, Debug)]
pub struct Matcher {
    map: Arc<LayerMap>,
    /// By cycle and entry: (cycle, entry).
    exact: HashMap<(String, Vec<u64>), Vec<(usize, usize)>>,
    by_kernel: HashMap<String, Vec<(usize, usize)>>,
    /// The entry that is expected now.
    cycle: usize,
    next: usize,
}

impl Matcher {
    /// At the beginning of a program.
    pub fn new(map: Arc<LayerMap>) -> Matcher {
        let mut exact: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_kernel: HashMap<_, Vec<_>> = HashMap::new();
        for (c, cycle) in map.cycles.iter().enumerate() {
            for (e, entry) in cycle.entries.iter().enumerate() {
                let key = (entry.kernel.clone(), entry.buffers.clone());
                exact.entry(key).or_default().push((c, e));
                by_kernel.entry(entry.kernel.clone()).or_default().push((c, e));
            }
        }
        Matcher {
            map,
            exact,
            by_kernel,
            cycle: 0,
            next: 0,
        }
    }

    /// The place of the launch that comes now; `None` for a kernel that no cycle has.
    pub fn next(&mut self, launch: &LaunchSignature<'_>) -> Option<Place<'_>> {
        let expected = self
            .map
            .cycles
            .get(self.cycle)
            .and_then(|c| c.entries.get(self.next));
        let as_expected = expected.is_some_and(|e| e.kernel == launch.kernel && e.buffers == launch.buffers);
        let (cycle, entry) = if as_expected {
            (self.cycle, self.next)
        } else {
            self.search(launch)?
        };
        let entries = &self.map.cycles[cycle].entries;
        self.cycle = cycle;
        self.next = (entry + 1) % entries.len();
        let found = &entries[entry];
        Some(Place {
            layer: found.layer.as_deref(),
            phase: found.phase,
        })
    }

    /// The nearest entry ahead that fits: in the same cycle, else from the beginning of another.
    fn search(&self, launch: &LaunchSignature<'_>) -> Option<(usize, usize)> {
        let key = (launch.kernel.to_owned(), launch.buffers.to_vec());
        let fits = self
            .exact
            .get(&key)
            .or_else(|| self.by_kernel.get(launch.kernel))?;
        let length = |cycle: usize| self.map.cycles[cycle].entries.len();
        fits.iter().copied().min_by_key(|(cycle, entry)| {
            if *cycle == self.cycle {
                (entry + length(*cycle) - self.next) % length(*cycle)
            } else {
                length(self.cycle) + entry
            }
        })
    }
}
