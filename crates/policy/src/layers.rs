//! The layers of a program, as `vernier layers` found them, and how a running program finds its place in them:
//! launch by launch, by what is launched on buffers of which sizes, and by order where that does not decide.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::select::Phase;

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

/// A cycle of a map, and an entry of it.
type Position = (usize, usize);

/// Follows a running program through a map.
///
/// A launch is the next entry, in the order of its cycle, with its kernel and buffers; where no entry has these
/// buffers, the next with its kernel. So a cycle that ends early, launches that no cycle has, and a start in the middle
/// lead astray at most until a launch comes that stands only once in its cycle.
#[derive(Clone, Debug)]
pub struct Matcher {
    map: Arc<LayerMap>,
    /// By kernel and buffers.
    exact: HashMap<(String, Vec<u64>), Vec<Position>>,
    by_kernel: HashMap<String, Vec<Position>>,
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
    fn search(&self, launch: &LaunchSignature<'_>) -> Option<Position> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(kernel: &str, buffers: &[u64], layer: &str) -> Entry {
        Entry {
            kernel: kernel.into(),
            buffers: buffers.into(),
            layer: (layer != "-").then(|| layer.into()),
            phase: Some(Phase::Forward),
        }
    }

    /// A batch of training and a test with the same first launches; two layers of the same shape in each.
    fn map() -> Arc<LayerMap> {
        let forward = [
            entry("dense", &[8, 64], "layer1"),
            entry("relu", &[8], "layer1"),
            entry("dense", &[4, 32], "layer2"),
            entry("dense", &[4, 32], "layer3"),
        ];
        let with = |more: Entry| Cycle {
            repeats: 3,
            entries: forward.iter().cloned().chain([more]).collect(),
        };
        Arc::new(LayerMap {
            version: VERSION,
            cycles: vec![
                with(entry("loss", &[4], "output")),
                with(entry("count", &[4], "output")),
            ],
        })
    }

    fn layer(matcher: &mut Matcher, kernel: &str, buffers: &[u64]) -> String {
        let place = matcher.next(&LaunchSignature { kernel, buffers });
        place.and_then(|p| p.layer).unwrap_or("-").to_string()
    }

    #[test]
    fn a_map_is_read_back_and_another_version_refused() {
        let text = serde_json::to_string(&*map()).unwrap();
        assert_eq!(LayerMap::from_json(&text).as_ref(), Ok(&*map()));
        assert_eq!(map().layers(), ["layer1", "layer2", "layer3", "output"]);
        let other = text.replace("\"version\":1", "\"version\":2");
        assert!(LayerMap::from_json(&other).unwrap_err().contains("version 2"));
        assert!(LayerMap::from_json("[]").unwrap_err().starts_with("not a map"));
    }

    #[test]
    fn order_decides_between_layers_of_one_shape_and_strangers_change_nothing() {
        let mut m = Matcher::new(map());
        assert_eq!(layer(&mut m, "fill", &[4]), "-");
        for last in ["loss", "loss", "count", "count", "loss"] {
            assert_eq!(layer(&mut m, "dense", &[8, 64]), "layer1");
            assert_eq!(layer(&mut m, "relu", &[8]), "layer1");
            assert_eq!(layer(&mut m, "dense", &[4, 32]), "layer2");
            assert_eq!(layer(&mut m, "printer", &[4, 32]), "-");
            assert_eq!(layer(&mut m, "dense", &[4, 32]), "layer3");
            assert_eq!(layer(&mut m, last, &[4]), "output");
        }
        // Buffers of other sizes: the next with the kernel.
        assert_eq!(layer(&mut m, "dense", &[7, 63]), "layer1");
        assert_eq!(layer(&mut m, "dense", &[3, 31]), "layer2");
    }

    proptest! {
        /// Whatever was launched before: from a launch that stands once in its cycle on, everything is right.
        #[test]
        fn it_finds_its_way_back(noise in proptest::collection::vec((0..5usize, 0..3u64), 0..40)) {
            let kernels = ["dense", "relu", "loss", "count", "stranger"];
            let mut m = Matcher::new(map());
            for (kernel, size) in noise {
                m.next(&LaunchSignature { kernel: kernels[kernel], buffers: &[4 * size, 32] });
            }
            layer(&mut m, "loss", &[4]);
            for e in &map().cycles[0].entries {
                let place = m.next(&LaunchSignature { kernel: &e.kernel, buffers: &e.buffers });
                prop_assert_eq!(place.and_then(|p| p.layer), e.layer.as_deref());
            }
        }
    }
}
