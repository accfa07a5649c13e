//! Does the stages of a run one after the other, and adds up what came of them.

use crate::child::{self, Ended, Job};
use crate::compare;
use crate::folder::Folder;
use crate::launch::{self, Launch};
use crate::output::Output;
use crate::program::Program;
use crate::said::{Patterns, Said};
use crate::settings::{Settings, Stage};
use crate::summary::{self, StageSummary, Summary};
use crate::target::Target;
use crate::{data, loading, rules, tensors, toolchain, totals};
use record::variables;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tell::Error;

/// What a run needs beside its settings.
pub struct Context<'a> {
    /// Folder with our library under all its names ([`crate::library::folder`]).
    pub library_folder: &'a Path,
    /// Terminal and log.
    pub output: &'a Output,
    /// Where run records are kept; `None` keeps none.
    pub runs: Option<&'a Path>,
    /// The `vernier` command line, for the record.
    pub command: Vec<String>,
}

/// A run that was begun; its summary is complete as far as the run came, also when a stage failed.
pub struct Run {
    /// What to print and write.
    pub summary: Summary,
    /// How it ended.
    pub result: Result<(), Error>,
}

/// What TRAIN and TEST are called with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plan {
    stages: Vec<Stage>,
    train: Vec<OsString>,
    test: Vec<OsString>,
    /// Epochs to train.
    epochs: Option<u32>,
}

/// Where training writes when nobody says where: never over the weights that came with the program.
const TRAINED: &str = "trained.bin";

/// Decides stages, epochs and weights. The rules (the manual has them too):
/// * TRAIN writes `--weights-out`, else `--weights`, else `trained.bin` in the program's folder;
/// * it continues, when the start epoch is above 0, from `--weights-in`, else `--weights`, else `weights` of vernier.toml;
/// * TEST reads what TRAIN of the same run wrote; without TRAIN `--weights-in`, else `--weights`, else `weights` of vernier.toml.
fn plan(program: &Program, flags: &Settings) -> Result<Plan, Error> {
    let all = flags.clone().over(program.settings.clone());
    let stages = all
        .stages
        .clone()
        .unwrap_or_else(|| vec![Stage::Build, Stage::Test]);
    let mut plan = Plan {
        stages,
        ..Plan::default()
    };
    let file = &program.settings;
    let input = flags
        .weights_in
        .as_ref()
        .or(flags.weights.as_ref())
        .or(file.weights_in.as_ref())
        .or(file.weights.as_ref());
    let trains = plan.stages.contains(&Stage::Train);
    let tests = plan.stages.contains(&Stage::Test);
    if !trains {
        let given = [
            ("--epochs", flags.epochs.is_some()),
            ("--start-epoch", flags.start_epoch.is_some()),
            ("--end-epoch", flags.end_epoch.is_some()),
            ("--weights-out", flags.weights_out.is_some()),
        ];
        if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Error::Usage(format!(
                "{flag} has no effect without the stage train\n  = help: add --stage build,train,test"
            )));
        }
    }
    let mut tested = input.cloned();
    if trains {
        let out = flags
            .weights_out
            .as_ref()
            .or(flags.weights.as_ref())
            .or(file.weights_out.as_ref());
        let out = out.cloned().unwrap_or_else(|| program.folder.join(TRAINED));
        let start = all.start_epoch.unwrap_or(0);
        let flag_end = flags.end_epoch.or(flags.epochs.map(|n| start.saturating_add(n)));
        let file_end = file.end_epoch.or(file.epochs.map(|n| start.saturating_add(n)));
        let end = flag_end.or(file_end).ok_or_else(|| {
            Error::Usage("how many epochs shall be trained?\n  = help: --epochs N, or --end-epoch N".into())
        })?;
        if let (Some(n), Some(end)) = (flags.epochs, flags.end_epoch)
            && start.checked_add(n) != Some(end)
        {
            return Err(Error::Usage(format!(
                "--epochs {n} from epoch {start} does not end at --end-epoch {end}\n  = help: give one of the two"
            )));
        }
        if end <= start {
            let message = format!("training from epoch {start} to epoch {end} would do nothing");
            return Err(Error::Usage(format!(
                "{message}\n  = help: --end-epoch must be above --start-epoch"
            )));
        }
        plan.epochs = Some(end - start);
        plan.train = if start == 0 {
            if let Some(given) = &flags.weights_in {
                return Err(Error::Usage(format!(
                    "training from epoch 0 starts from nothing and does not read {}\n  = help: say with --start-epoch N \
                     how many epochs these weights have seen",
                    given.display()
                )));
            }
            vec!["-train".into(), end.to_string().into(), out.clone().into()]
        } else {
            let Some(input) = input else {
                let help = "give the weights that have seen them: --weights-in FILE";
                return Err(Error::Usage(format!(
                    "training cannot continue from epoch {start} without weights\n  = help: {help}"
                )));
            };
            let numbers = [start, end].map(|n| OsString::from(n.to_string()));
            let words = std::iter::once("-train-increment".into()).chain(numbers);
            words.chain([input.clone().into(), out.clone().into()]).collect()
        };
        tested = Some(out);
    }
    if tests {
        let weights = tested.ok_or_else(|| {
            let message = format!("which weights shall {} be tested with?", program.name);
            Error::Usage(format!(
                "{message}\n  = help: --weights FILE, or `weights = \"FILE\"` in its vernier.toml"
            ))
        })?;
        plan.test = vec!["-test".into(), weights.into()];
    }
    Ok(plan)
}

/// Runs a program through its stages. `Err` is for what stops a run before its first stage.
pub fn run(program: &Program, flags: &Settings, context: &Context<'_>) -> Result<Run, Error> {
    let settings = flags.clone().over(program.settings.clone());
    let plan = plan(program, flags)?;
    let launch = launch::prepare(&settings, &program.folder, context.library_folder)?;
    if plan.stages.contains(&Stage::Build) {
        program.check_makefile()?;
    }
    // Cleanup takes the record of its run away too.
    let runs = context.runs.filter(|_| !plan.stages.contains(&Stage::Cleanup));
    let record = Folder::create(runs, &program.name)?;
    let mut run = Doing::new(context, &record, &launch, program.name.clone(), &settings);
    let result = plan
        .stages
        .iter()
        .try_for_each(|stage| run.stage(*stage, program, &settings, &plan));
    Ok(run.finish(result))
}

/// Runs any CUDA binary once.
pub fn exec(
    binary: &str,
    args: &[OsString],
    settings: &Settings,
    context: &Context<'_>,
) -> Result<Run, Error> {
    let path = loading::find(binary)?;
    let here = std::env::current_dir().map_err(|e| Error::file("find", "the current folder", &e))?;
    let launch = launch::prepare(settings, &here, context.library_folder)?;
    loading::check_binary(&path, &launch, context.library_folder)?;
    let name = path
        .file_name()
        .map_or_else(|| binary.to_string(), |n| n.to_string_lossy().into_owned());
    let record = Folder::create(context.runs, &name)?;
    let mut run = Doing::new(context, &record, &launch, name, settings);
    for note in &launch.notes {
        context.output.say(note);
    }
    let job = Job {
        program: path.into(),
        args: args.into(),
        input: true,
        ..Job::default()
    };
    let result = run.program_job("exec", job, false);
    Ok(run.finish(result))
}

/// A run under way.
struct Doing<'a> {
    context: &'a Context<'a>,
    record: &'a Folder,
    launch: &'a Launch,
    settings: &'a Settings,
    summary: Summary,
    /// What the program said so far.
    said: Said,
}

impl<'a> Doing<'a> {
    fn new(
        context: &'a Context<'a>,
        record: &'a Folder,
        launch: &'a Launch,
        program: String,
        settings: &'a Settings,
    ) -> Self {
        let summary = Summary {
            vernier: env!("CARGO_PKG_VERSION").into(),
            program,
            command: context.command.clone(),
            folder: std::env::current_dir().unwrap_or_default(),
            format: launch.format.clone(),
            record: record.is_kept().then(|| record.path().into()),
            ..Summary::default()
        };
        Doing {
            context,
            record,
            launch,
            settings,
            summary,
            said: Said::default(),
        }
    }

    fn stage(
        &mut self,
        stage: Stage,
        program: &Program,
        settings: &Settings,
        plan: &Plan,
    ) -> Result<(), Error> {
        match stage {
            Stage::Build => {
                let tools = toolchain::get()?;
                tools.version()?;
                self.make(program, &[], tools.environment())
            }
            Stage::Train | Stage::Test => {
                let binary = program.built(settings)?;
                loading::check_binary(&binary, self.launch, self.context.library_folder)?;
                let args = if stage == Stage::Train {
                    self.summary.epochs_asked = plan.epochs;
                    plan.train.clone()
                } else {
                    plan.test.clone()
                };
                let mut job = Job {
                    program: binary.into(),
                    args,
                    folder: Some(program.folder.clone()),
                    ..Job::default()
                };
                if stage == Stage::Train && settings.needs.iter().any(|n| n == "mnist") {
                    job.env
                        .push((variables::MNIST_DIR.name().into(), data::mnist(None)?.into()));
                }
                job.env
                    .push((variables::STAGE.name().into(), stage.name().into()));
                self.banner(stage.name(), &job);
                for note in &self.launch.notes {
                    self.context.output.say(note);
                }
                self.program_job(stage.name(), job, true)
            }
            Stage::Cleanup => {
                let generated = generated_ptx(program, &program.binary(settings));
                // A program's `make clean` may remove more than was built: only who asks for it gets it.
                if settings.clean_build == Some(true) {
                    // It needs no nvcc; where there is one it may ask for it all the same.
                    let env = toolchain::find()?.map(|t| t.environment()).unwrap_or_default();
                    program.check_makefile()?;
                    self.make(program, &["clean"], env)?;
                }
                for path in &generated {
                    match fs::remove_file(path) {
                        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                            return Err(Error::file("remove", path, &e));
                        }
                        _ => self.context.output.say(&format!("removed {}", path.display())),
                    }
                }
                if generated.is_empty() {
                    self.context
                        .output
                        .say("cleanup: Vernier left no PTX beside the program");
                }
                Ok(())
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        self.settings.timeout.map(Duration::from_secs)
    }

    /// `make`, with nvcc in its PATH.
    fn make(&mut self, program: &Program, args: &[&str], env: Vec<(String, String)>) -> Result<(), Error> {
        if toolchain::in_path("make").is_none() {
            return Err(Error::failed(
                "make is not on this machine",
                "install it (Debian, Ubuntu: apt-get install make)",
            ));
        }
        let config = self
            .launch
            .env
            .iter()
            .filter(|(name, _)| name == variables::CONFIG.name())
            .cloned();
        let job = Job {
            program: "make".into(),
            args: args.iter().map(|a| a.into()).collect(),
            folder: Some(program.folder.clone()),
            env: env
                .into_iter()
                .map(|(n, v)| (n.into(), v.into()))
                .chain(config)
                .collect(),
            timeout: self.timeout(),
            ..Job::default()
        };
        let name = if args.is_empty() { "build" } else { "cleanup" };
        self.banner(name, &job);
        // Two runs of one program at a time do not build into each other. (A lock on the folder itself leaves no
        // file behind and ends with us.)
        let folder = fs::File::open(&program.folder).map_err(|e| Error::file("open", &program.folder, &e))?;
        folder
            .lock()
            .map_err(|e| Error::file("lock", &program.folder, &e))?;
        let ended = child::run(&job, self.context.output, |_| None)?;
        self.ended(name, &job, ended).map_err(|e| match e {
            Error::Stage { message, code } => Error::Stage {
                message: message + &build_hint(&self.context.output.tail()),
                code,
            },
            other => other,
        })
    }

    /// A run of the program itself, with our library and a record.
    fn program_job(&mut self, stage: &str, mut job: Job, quiet_end: bool) -> Result<(), Error> {
        let folder = self.record.stage(stage)?;
        // A program under the contract has its kernels in its binary; `exec` may run anything.
        if let Some(policy) = self.launch.policy.as_ref().filter(|_| stage != "exec") {
            let here = job.folder.clone().unwrap_or_default();
            let ptx = launch::ptx_folder(self.settings, &here)?;
            rules::can_hold(policy, Path::new(&job.program), ptx.as_deref())?;
        }
        if self
            .launch
            .policy
            .as_ref()
            .is_some_and(|p| p.layers_wanted().is_some())
        {
            let map = Target::job(&job, stage)?.map(
                self.settings,
                self.context.output,
                self.context.library_folder,
            )?;
            if let Some(policy) = &self.launch.policy {
                rules::layers_are_there(policy, &map, stage)?;
            }
            job.env.push((variables::LAYERS.name().into(), map.into()));
        }
        job.env.splice(0..0, self.launch.env.iter().cloned());
        job.env
            .push((variables::RUN_DIR.name().into(), folder.clone().into()));
        if stage == Stage::Test.name() {
            job.env.push((
                variables::ANSWERS.name().into(),
                folder.join(compare::FILE).into(),
            ));
        }
        job.timeout = self.timeout();
        job.patterns = Patterns {
            accuracy: self.settings.accuracy_pattern.clone(),
            loss: self.settings.loss_pattern.clone(),
        };
        let (before, ended_before, launches_before) = self.counts();
        let mut last = None;
        let ended = child::run(&job, self.context.output, |elapsed| {
            // The library renews its file five times a second; reading it more often shows nothing new.
            let due = last.is_none_or(|t: Duration| elapsed - t > Duration::from_millis(200));
            due.then(|| {
                last = Some(elapsed);
                totals::progress_line(&folder, stage, elapsed.as_secs_f64())
            })?
        });
        let read = self.summary.totals.read(&folder);
        let ended = ended?;
        read?;
        self.summary.peak_bytes = ended.peak_bytes.max(self.summary.peak_bytes);
        let loaded = self.summary.totals.processes > before;
        let spoke = ended.said.percent().is_some() || ended.said.loss.is_some();
        if loaded {
            self.heard(stage, ended.said.clone());
        }
        if self.launch.format.r#override == "vf32" && quiet_end && self.summary.totals.processes > 0 {
            let text = self.summary.totals.overridden_text();
            self.context.output.say(&format!(
                "overridden with format {}: {text}",
                self.launch.format.name
            ));
        }
        self.ended(stage, &job, ended)?;
        if !loaded {
            return Err(loading::never(
                &self.summary.program,
                Path::new(&job.program),
                &job.env,
            ));
        }
        if let Some(library) = self.summary.totals.libraries.first() {
            return Err(Error::failed(
                format!(
                    "{} ended with exit code 0, but it loads {library}, a CUDA library that Vernier does not have, so its \
                     results mean nothing",
                    self.summary.program
                ),
                "VERNIER_ALLOW_LIBRARIES=all lets such a run pass: its launches are executed, calls of the library fail",
            ));
        }
        if let Some(fault) = self.summary.totals.first_fault() {
            // A program that does not look at CUDA's errors would pass for one that worked.
            return Err(Error::failed(
                format!(
                    "{} ended with exit code 0, but launches failed, so its results mean nothing; the first one \
                     (kernel `{}`): {}",
                    self.summary.program,
                    fault.kernel,
                    fault.headline()
                ),
                "check what the CUDA calls of the program return (cudaGetLastError after a launch)",
            ));
        }
        let (processes, whole, launches) = self.counts();
        let all_ended = whole - ended_before == processes - before;
        if launches == launches_before && all_ended && self.changes_numbers() && spoke {
            // It computed on the CPU, perhaps because something of CUDA failed.
            return Err(Error::failed(
                format!(
                    "{} printed results but launched no kernel: nothing of them was computed in {}",
                    self.summary.program,
                    match self.launch.format.significand {
                        Some(_) => self.summary.format_text(),
                        None => "the formats of the policy".into(),
                    }
                ),
                "see why it takes no GPU; without a format or policy it runs as it is",
            ));
        }
        Ok(())
    }

    /// Processes with the library, those of them that ended, launches.
    fn counts(&self) -> (u64, u64, u64) {
        let t = &self.summary.totals;
        (t.processes, t.ended, t.counts.launches)
    }

    /// Whether the numbers shall be others than those of the program as compiled.
    fn changes_numbers(&self) -> bool {
        self.launch.policy.is_some() || self.launch.format.significand.is_some()
    }

    /// Takes in what a stage said of its results.
    fn heard(&mut self, stage: &str, said: Said) {
        if let Some(text) = &said.refused {
            self.context.output.say(&format!(
                "an accuracy of {text} is none (0 to 100 %): it does not count"
            ));
        }
        if stage == Stage::Train.name() {
            self.summary.epochs_trained = said.epochs.iter().copied().collect();
        }
        self.said.then(said);
        self.summary.accuracy_percent = self.said.percent();
        self.summary.correct = self.said.correct;
        self.summary.loss = self.said.loss;
    }

    fn banner(&self, stage: &str, job: &Job) {
        let folder = job
            .folder
            .as_deref()
            .map_or(String::new(), |f| format!("  (in {})", f.display()));
        self.context
            .output
            .say(&format!("== {stage}: {}{folder}", job.command_line()));
    }

    fn ended(&mut self, stage: &str, job: &Job, ended: Ended) -> Result<(), Error> {
        let code = ended.exit.code();
        let command = job.command_line();
        self.summary.stages.push(StageSummary {
            stage: stage.into(),
            command,
            seconds: ended.seconds,
            exit_code: code,
        });
        if code == 0 {
            self.context
                .output
                .say(&format!("== {stage}: done in {:.1} s", ended.seconds));
            return Ok(());
        }
        let (what, limit) = match ended.exit {
            child::Exit::Timeout => (
                "was ended by",
                self.timeout()
                    .map_or(String::new(), |t| format!(" of {} s", t.as_secs())),
            ),
            child::Exit::Signal(_) => ("was ended by", String::new()),
            child::Exit::Code(_) => ("ended with", String::new()),
        };
        let who = if stage == "exec" {
            self.summary.program.clone()
        } else {
            format!("the stage {stage}")
        };
        Err(Error::Stage {
            message: format!("{who} {what} {}{limit}: {}", ended.exit, job.command_line()),
            code,
        })
    }

    fn finish(mut self, result: Result<(), Error>) -> Run {
        let result = result.and_then(|()| match &self.launch.policy {
            Some(policy) => rules::check(policy, &self.summary.totals.rules)
                .and_then(|()| tensors::check(policy, &self.summary.totals.tensors)),
            None => Ok(()),
        });
        self.summary.error = result.as_ref().err().map(ToString::to_string);
        self.summary.complete();
        if self.record.is_kept() {
            let written = self.summary.json().and_then(|text| {
                let path = self.record.path().join(summary::SUMMARY);
                fs::write(&path, text).map_err(|e| Error::file("write", &path, &e))
            });
            if let Err(e) = written {
                self.context.output.say(&format!("{e}"));
            }
        }
        Run {
            summary: self.summary,
            result,
        }
    }
}

/// What helps against what a compiler of CUDA 13 says of older programs; nothing where it said nothing of that kind.
fn build_hint(said: &str) -> String {
    let mut hints = Vec::new();
    let gone = REMOVED_PROPERTIES
        .iter()
        .find(|(name, _)| said.contains(&format!("has no member \"{name}\"")));
    if let Some((name, attribute)) = gone {
        hints.push(format!(
            "CUDA 13 has no cudaDeviceProp::{name}: cudaDeviceGetAttribute(&value, {attribute}, device) gives it"
        ));
    }
    if said.contains("Unsupported gpu architecture") {
        hints.push(
            "this nvcc compiles for compute_75 and newer: -gencode arch=compute_75,code=compute_75 in the Makefile \
             (Vernier runs any PTX; an older toolkit in CUDA_HOME works too)"
                .into(),
        );
    }
    hints.iter().map(|h| format!("\n  = help: {h}")).collect()
}

/// Fields of cudaDeviceProp that CUDA 13 took away, and the attributes that have the same.
const REMOVED_PROPERTIES: [(&str, &str); 8] = [
    ("clockRate", "cudaDevAttrClockRate"),
    ("memoryClockRate", "cudaDevAttrMemoryClockRate"),
    ("deviceOverlap", "cudaDevAttrGpuOverlap"),
    ("kernelExecTimeoutEnabled", "cudaDevAttrKernelExecTimeout"),
    ("computeMode", "cudaDevAttrComputeMode"),
    ("maxTexture1DLinear", "cudaDevAttrMaxTexture1DLinearWidth"),
    (
        "singleToDoublePrecisionPerfRatio",
        "cudaDevAttrSingleToDoublePrecisionPerfRatio",
    ),
    (
        "cooperativeMultiDeviceLaunch",
        "cudaDevAttrCooperativeMultiDeviceLaunch",
    ),
];

/// PTX files beside a program that are byte for byte what the library wrote there.
fn generated_ptx(program: &Program, binary: &Path) -> Vec<PathBuf> {
    let images = fatbin::executable(binary)
        .and_then(|containers| fatbin::best_ptx(&containers))
        .unwrap_or_default();
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    let files = images
        .iter()
        .enumerate()
        .map(|(i, image)| (program.folder.join(image.file_name(&name, i + 1)), &image.text));
    files
        .filter(|(path, text)| fs::read_to_string(path).is_ok_and(|t| t == **text))
        .map(|(path, _)| path)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(toml: &str) -> Program {
        let folder = PathBuf::from("/p");
        let settings = Settings::parse(Path::new("vernier.toml"), toml, &folder).unwrap();
        Program {
            name: "mlp".into(),
            folder,
            settings,
        }
    }

    fn words(args: &[OsString]) -> String {
        args.iter()
            .map(|a| a.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn what_cuda_13_took_away_has_a_hint() {
        let said = "a.cu(3): error: class \"cudaDeviceProp\" has no member \"memoryClockRate\"";
        assert!(build_hint(said).contains("cudaDevAttrMemoryClockRate"));
        let said = "nvcc fatal   : Unsupported gpu architecture 'compute_61'";
        assert!(build_hint(said).contains("arch=compute_75"));
        assert_eq!(build_hint("a.cu(1): error: expected a `;`"), "");
    }

    const TOML: &str = "weights = \"weights.bin\"\nepochs = 20\n";
    const ALL: &[Stage] = &[Stage::Build, Stage::Train, Stage::Test];

    #[test]
    fn the_default_builds_and_tests_the_programs_own_weights() {
        let p = plan(&program(TOML), &Settings::default()).unwrap();
        assert_eq!(p.stages, [Stage::Build, Stage::Test]);
        assert_eq!(words(&p.test), "-test /p/weights.bin");
    }

    #[test]
    fn training_writes_weights_and_tests_them_and_never_the_programs_own() {
        let flags = Settings {
            stages: Some(ALL.into()),
            epochs: Some(1),
            ..Settings::default()
        };
        let p = plan(&program(TOML), &flags).unwrap();
        assert_eq!(
            (words(&p.train), words(&p.test)),
            ("-train 1 /p/trained.bin".into(), "-test /p/trained.bin".into())
        );
        let flags = Settings {
            weights: Some("/x/out".into()),
            ..flags
        };
        let p = plan(&program(TOML), &flags).unwrap();
        assert_eq!(
            (words(&p.train), words(&p.test)),
            ("-train 1 /x/out".into(), "-test /x/out".into())
        );
        let more = Settings {
            start_epoch: Some(1),
            weights_out: Some("/x/two".into()),
            ..flags
        };
        let p = plan(&program(TOML), &more).unwrap();
        assert_eq!(words(&p.train), "-train-increment 1 2 /x/out /x/two");
        assert_eq!(words(&p.test), "-test /x/two");
    }

    #[test]
    fn contradictions_are_refused() {
        let train = Settings {
            stages: Some(vec![Stage::Train]),
            ..Settings::default()
        };
        let cases = [
            Settings {
                epochs: Some(1),
                ..Settings::default()
            },
            Settings {
                start_epoch: Some(3),
                end_epoch: Some(3),
                ..train.clone()
            },
            Settings {
                epochs: Some(2),
                start_epoch: Some(3),
                end_epoch: Some(9),
                ..train.clone()
            },
            Settings {
                weights_in: Some("/x".into()),
                ..train.clone()
            },
        ];
        for flags in cases {
            assert_eq!(plan(&program(TOML), &flags).unwrap_err().exit_code(), 2);
        }
        assert!(
            plan(&program(""), &train)
                .unwrap_err()
                .to_string()
                .contains("how many epochs")
        );
        assert!(
            plan(&program(""), &Settings::default())
                .unwrap_err()
                .to_string()
                .contains("which weights")
        );
    }
}
