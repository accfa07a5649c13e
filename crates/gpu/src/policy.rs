//! The precision policy of this process: which rules hold in a launch, and what became of each rule, for the run
//! record. Reading rules and rewriting kernels is the crate `policy`'s work; what is kept here is one process's
//! counts.

use crate::boundary::Tensors;
use crate::error::Error;
use crate::recorder::Recorder;
use crate::say;
use crate::settings::Startup;
use crate::sync::lock;
use policy::layers::{LaunchSignature, LayerMap, Matcher};
use policy::{KernelPolicy, LaunchContext, Phase, Plan, Policy, Report, SiteOutcome, Stage};
use ptx::ast::Function;
use ptx::flow::ArgumentUse;
use record::Event;
use record::run::Rule;
use record::variables;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// The policy in force.
pub(crate) struct Active {
    pub(crate) policy: Arc<Policy>,
    stage: Option<Stage>,
    /// Where the program is, if the policy speaks of layers or phases.
    layers: Option<Mutex<Matcher>>,
    rules: Vec<RuleState>,
    pub(crate) tensors: Tensors,
    /// Whether a module was looked at: before, no rule can have matched.
    surveyed: AtomicU64,
}

/// Where a launch belongs.
#[derive(Default)]
pub(crate) struct Location {
    layer: Option<String>,
    phase: Option<Phase>,
}

/// The map that VERNIER_LAYERS names.
fn read_layers(path: &Path) -> Result<Arc<LayerMap>, Error> {
    let bad = |reason: String| Error::Setting(format!("VERNIER_LAYERS names {}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    LayerMap::from_json(&text).map(Arc::new).map_err(bad)
}

/// What became of a rule.
#[derive(Default)]
struct RuleState {
    sites: Mutex<Sites>,
    /// Launches in which it held, for rules that speak of launches.
    launches: AtomicU64,
}

/// Instructions by function.
#[derive(Default)]
struct Sites {
    /// Those that the rule selects.
    selected: BTreeMap<String, BTreeSet<usize>>,
    /// Sums among these, for rules that say what sums run in.
    sums: BTreeMap<String, BTreeSet<usize>>,
    /// Those that it had a say in.
    taken: BTreeMap<String, BTreeSet<usize>>,
}

/// What the policy means for a kernel that the program registered.
pub(crate) struct KernelState {
    view: KernelPolicy,
    always: Plan,
    launches: AtomicU64,
    /// What it does with its arguments, if it was asked.
    uses: OnceLock<Vec<ArgumentUse>>,
}

/// What is done about a launch.
pub(crate) struct Decision {
    pub(crate) plan: Plan,
    /// Tensors at its boundaries: numbers in [`Policy::tensors`].
    pub(crate) tensors: Vec<usize>,
}

fn count(sites: &BTreeMap<String, BTreeSet<usize>>) -> u64 {
    sites.values().map(|s| s.len() as u64).sum()
}

impl Active {
    /// The policy that the environment asks for, if it does.
    pub(crate) fn new(startup: &Startup) -> Result<Option<Active>, Error> {
        let bad = |e: policy::Error| Error::Setting(e.to_string());
        let accumulate = startup.get(&variables::ACCUMULATE)?;
        let mut whole = None;
        if startup.rewrites_every_f32()? {
            let short = Policy::short("launch", accumulate.as_deref());
            whole = Some(short.map_err(|e| {
                // Only the accumulator's text can be wrong.
                let text = accumulate.as_deref().unwrap_or_default();
                variables::ACCUMULATE.invalid(text, &reason(&e))
            })?);
        } else if accumulate.is_some() {
            return Err(Error::Setting(
                "VERNIER_ACCUMULATE says what sums run in, but nothing is overridden: set VERNIER_OVERRIDE=vf32 too, or write \
                 `accumulate` into the rules of the policy (VERNIER_POLICY)"
                    .into(),
            ));
        }
        if let Some(path) = startup.path(&variables::POLICY) {
            let file = Policy::read(&path).map_err(bad)?;
            whole = Some(match whole {
                None => file,
                Some(base) => file.over(base),
            });
        }
        let Some(policy) = whole else { return Ok(None) };
        let stage = startup.get(&variables::STAGE)?.map(|name| {
            Stage::from_name(&name)
                .ok_or_else(|| variables::STAGE.invalid(&name, "the stages are train and test"))
        });
        let stage = stage.transpose()?;
        let layers = match (policy.layers_wanted(), startup.path(&variables::LAYERS)) {
            (None, _) => None,
            (Some(_), Some(path)) => Some(Mutex::new(Matcher::new(read_layers(&path)?))),
            (Some(place), None) => {
                return Err(Error::Setting(place.message(
                    "the policy speaks of layers or phases, but those of this program are not known",
                    "`vernier run` and `vernier exec` find them; by hand, `vernier layers` writes a map, which VERNIER_LAYERS names",
                )));
            }
        };
        if let (Some(place), None) = (policy.stage_wanted(), stage) {
            return Err(Error::Setting(place.message(
                "the policy speaks of stages, but it is not known which stage this is",
                "`vernier run` says it; by hand, set VERNIER_STAGE to train or test",
            )));
        }
        Ok(Some(Active {
            tensors: Tensors::new(&policy)?,
            stage,
            layers,
            rules: policy.rules.iter().map(|_| RuleState::default()).collect(),
            policy: Arc::new(policy),
            surveyed: AtomicU64::new(0),
        }))
    }

    /// Whether the layer of each launch must be known.
    pub(crate) fn follows_layers(&self) -> bool {
        self.layers.is_some()
    }

    /// The layer and phase of the launch that starts now. To be asked once for every launch, in order.
    pub(crate) fn locate(&self, launch: &LaunchSignature<'_>) -> Location {
        let Some(layers) = &self.layers else {
            return Location::default();
        };
        let mut matcher = lock(layers);
        match matcher.next(launch) {
            None => Location::default(),
            Some(place) => Location {
                layer: place.layer.map(str::to_owned),
                phase: place.phase,
            },
        }
    }

    /// What is done about the launch of a kernel that starts now.
    pub(crate) fn plan(&self, state: &OnceLock<KernelState>, kernel: &str, location: &Location) -> Decision {
        let state = state.get_or_init(|| KernelState {
            view: self.policy.kernel(kernel),
            always: self.policy.always(),
            launches: AtomicU64::new(0),
            uses: OnceLock::new(),
        });
        if state.view.is_steady() {
            return Decision {
                plan: state.always.clone(),
                tensors: Vec::new(),
            };
        }
        let number = state.launches.fetch_add(1, Ordering::Relaxed);
        let launch = LaunchContext {
            number,
            stage: self.stage,
            layer: location.layer.as_deref(),
            phase: location.phase,
        };
        let plan = state.view.plan(&launch);
        for i in state.view.sometimes().filter(|i| plan.has(*i)) {
            self.rules[i].launches.fetch_add(1, Ordering::Relaxed);
        }
        Decision {
            plan,
            tensors: state.view.boundaries(&launch).collect(),
        }
    }

    /// What a kernel does with its arguments. To be asked after [`Active::plan`].
    pub(crate) fn uses<'e>(
        &self,
        state: &'e OnceLock<KernelState>,
        kernel: Option<&Function>,
    ) -> &'e [ArgumentUse] {
        let find = || kernel.map(ptx::flow::arguments).unwrap_or_default();
        state.get().map_or(&[], |s| s.uses.get_or_init(find))
    }

    /// Takes note of what the rules select in a module, whether they hold in a launch or not.
    pub(crate) fn survey(&self, report: &Report) {
        self.surveyed.fetch_add(1, Ordering::Relaxed);
        self.note(
            report,
            &|site| site.decision.selected.iter().copied().collect(),
            |s| &mut s.selected,
        );
        let sums = |i: &usize| self.policy.rules[*i].accumulate.is_some();
        let sums = |site: &SiteOutcome| match site.accumulates {
            true => site.decision.selected.iter().copied().filter(sums).collect(),
            false => BTreeSet::new(),
        };
        self.note(report, &sums, |s| &mut s.sums);
    }

    /// Takes note of what was rewritten for launches.
    pub(crate) fn applied(&self, report: &Report) {
        self.note(report, &|site| site.decision.takers(), |s| &mut s.taken);
    }

    /// The rules that took instructions of a kernel, as a person finds them.
    pub(crate) fn takers(&self, kernel: &str) -> Vec<String> {
        let takes = |state: &RuleState| {
            let sites = lock(&state.sites);
            sites.taken.contains_key(kernel)
        };
        let rules = self.policy.rules.iter().zip(&self.rules);
        let mut places: Vec<String> = rules
            .filter(|(_, state)| takes(state))
            .map(|(rule, _)| match rule.place.source.name == policy::SHORT_FORM {
                true => policy::SHORT_FORM.to_owned(),
                false => rule.place.shown(),
            })
            .collect();
        places.dedup();
        places
    }

    fn note(
        &self,
        report: &Report,
        rules: &dyn Fn(&SiteOutcome) -> BTreeSet<usize>,
        list: fn(&mut Sites) -> &mut BTreeMap<String, BTreeSet<usize>>,
    ) {
        for function in &report.functions {
            for site in &function.sites {
                for i in rules(site) {
                    let mut sites = lock(&self.rules[i].sites);
                    let by_function = list(&mut sites);
                    match by_function.get_mut(&function.name) {
                        Some(all) => drop(all.insert(site.ordinal)),
                        None => drop(by_function.insert(function.name.clone(), [site.ordinal].into())),
                    }
                }
            }
        }
    }

    /// Writes what became of each rule; without a record, complains of those that did nothing.
    pub(crate) fn finish(&self, recorder: &Recorder, recorded: bool) {
        if self.surveyed.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.tensors.finish(recorder, recorded, self.stage);
        for (i, (rule, state)) in self.policy.rules.iter().zip(&self.rules).enumerate() {
            let sites = lock(&state.sites);
            let launches = state.launches.load(Ordering::Relaxed);
            recorder.event(&Event::Rule(Rule {
                number: i,
                place: rule.place.shown(),
                says: rule.summary(),
                selected: count(&sites.selected),
                sums: count(&sites.sums),
                taken: count(&sites.taken),
                functions: sites.taken.keys().cloned().collect(),
                of_launch: rule.conditions.is_of_launch(),
                launches,
                other_stage: rule.conditions.stage.is_some_and(|s| self.stage != Some(s)),
            }));
            let idle = count(&sites.selected) == 0 && rule.place.source.name != policy::SHORT_FORM;
            if idle && !recorded {
                let message = rule
                    .place
                    .message(policy::MATCHES_NOTHING, policy::MATCHES_NOTHING_HELP);
                say::error(&format!("error: {message}"));
            }
        }
    }
}

/// An error's first line.
fn reason(error: &policy::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
