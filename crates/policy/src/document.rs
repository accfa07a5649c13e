//! The policy document, read: TOML text to typed rules. Everything that can be wrong in it is found here, with
//! its line; whether a rule fits a program is not known here.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ptx::ast::{Source, Span};
use toml::de::DeTable;
use vfloat::block::TensorFormat;
use vfloat::{Format, Rounding};

use crate::error::Error;
use crate::reader::{Item, Reader, Text, span};
use crate::select::{ClassName, Conditions, Globs, Launches, Lines, Phase, Stage};

/// A policy: rules in the order of the text.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Of stochastic rounding.
    pub seed: Option<u64>,
    /// How operands are cut.
    pub input_rounding: Option<Rounding>,
    /// What instructions compute in; later rules win.
    pub rules: Vec<Rule>,
    /// What happens to tensors at the boundaries of kernels, in the order of the text.
    pub boundaries: Vec<Boundary>,
    /// Loss scaling.
    pub loss_scale: Option<LossScale>,
}

/// Where something stands: for messages.
#[derive(Clone, Debug)]
pub struct Place {
    /// The document.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Span,
}

impl Place {
    /// `policy.toml:12`.
    pub fn shown(&self) -> String {
        let (line, _) = self.source.position(self.span.start);
        format!("{}:{line}", self.source.name)
    }

    /// What the table that begins here holds, in a line.
    fn table(&self) -> String {
        let body = self
            .source
            .text
            .get(self.span.start as usize..)
            .unwrap_or_default();
        let lines = body
            .lines()
            .skip(1)
            .map(|l| l.split('#').next().unwrap_or(l).trim());
        let keys: Vec<&str> = lines
            .take_while(|l| !l.starts_with('['))
            .filter(|l| !l.is_empty())
            .collect();
        keys.join(", ")
    }

    /// A message about this place, with its line and a caret.
    pub fn message(&self, message: &str, help: &str) -> String {
        let help = (!help.is_empty()).then_some(help);
        let text = ptx::render(&self.source, self.span, message, help);
        text.trim_start_matches("error: ").to_owned()
    }
}

/// What an instruction computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatChoice {
    /// As the program has it.
    Leave,
    /// What VF_SIGNIFICAND and its like (or VERNIER_FORMAT) say at the launch.
    Launch,
    /// This format.
    Fixed(Format),
}

/// What sums run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// Like every other instruction.
    None,
    /// In this format.
    In(Format),
}

/// Formats as a document writes them, for tables: `e8m7` is bf16. Empty where it names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// `format`.
    pub format: String,
    /// `accumulate`.
    pub accumulate: String,
}

/// A rule: which instructions, and what becomes of them.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands.
    pub place: Place,
    /// When it holds.
    pub conditions: Conditions,
    /// Which classes of instructions; `None` is all.
    pub class: Option<Vec<ClassName>>,
    /// Which lines of the CUDA source.
    pub line: Option<Vec<Lines>>,
    /// Which lines of the PTX.
    pub ptx: Option<Vec<Lines>>,
    /// Also inside the sequences into which nvcc expands expf and the like.
    pub expansions: bool,
    /// Also numbers that only count or address.
    pub indices: bool,
    /// What they compute in.
    pub format: Option<FormatChoice>,
    /// How they round.
    pub rounding: Option<Rounding>,
    /// What sums run in.
    pub accumulate: Option<Accumulate>,
    /// How the document writes these.
    pub words: Words,
}

/// Which arguments of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// This one, counted from 0.
    Index(usize),
    /// Every pointer that the kernel loads through.
    Inputs,
    /// Every pointer that the kernel stores through.
    Outputs,
    /// Every input that stays the same over many launches.
    Weights,
}

/// Which side of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The kernel gets a changed copy, the program's buffer stays.
    Before,
    /// The buffer is changed in place when the kernel is done.
    After,
}

/// What is done to a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Brought into a format and back.
    Quantize {
        /// The format.
        format: TensorFormat,
        /// How values are rounded into it.
        rounding: Rounding,
    },
    /// Multiplied.
    Scale {
        /// By this.
        factor: f32,
    },
}

/// A tensor at a kernel boundary.
#[derive(Clone, Debug)]
pub struct Boundary {
    /// Where it stands.
    pub place: Place,
    /// When it holds.
    pub conditions: Conditions,
    /// Which arguments.
    pub argument: Vec<Argument>,
    /// Before or after the kernel.
    pub when: When,
    /// What is done.
    pub action: Action,
}

/// Loss scaling: two scalings with one factor, multiplied with at one boundary and divided by at another.
#[derive(Clone, Debug)]
pub struct LossScale {
    /// Where it stands.
    pub place: Place,
    /// The factor, at the start when dynamic.
    pub factor: f32,
    /// Halved after a step with a gradient that is not finite, doubled after `interval` steps without one.
    pub dynamic: bool,
    /// Steps.
    pub interval: u64,
    /// What is multiplied; the factor in it is `factor`.
    pub scale: Boundary,
    /// What is divided; the factor in it is 1 / `factor`.
    pub unscale: Boundary,
}

const TOP: [&str; 6] = [
    "seed",
    "input_rounding",
    "rule",
    "quantize",
    "scale",
    "loss_scale",
];
const RULE: [&str; 13] = [
    "kernel",
    "launch",
    "stage",
    "phase",
    "layer",
    "class",
    "line",
    "ptx",
    "expansions",
    "indices",
    "format",
    "rounding",
    "accumulate",
];
const QUANTIZE: [&str; 9] = [
    "kernel", "launch", "stage", "phase", "layer", "argument", "when", "format", "rounding",
];
const SCALE: [&str; 8] = [
    "kernel", "launch", "stage", "phase", "layer", "argument", "when", "factor",
];
const LOSS_PLACE: [&str; 7] = ["kernel", "launch", "stage", "phase", "layer", "argument", "when"];
const LOSS_SCALE: [&str; 5] = ["factor", "dynamic", "interval", "scale", "unscale"];

impl Policy {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or what [`Policy::parse`] says.
    pub fn read(path: &Path) -> Result<Policy, Error> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::Read {
            file: path.display().to_string(),
            // Without Rust's "(os error N)".
            reason: e
                .to_string()
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_owned(),
        })?;
        Policy::parse(&path.display().to_string(), &text)
    }

    /// Reads a text; `name` is for messages.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Policy, Error> {
        let source = Arc::new(Source {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let reader = Reader(source);
        let table = DeTable::parse(text)
            .map_err(|e| reader.error(e.span().unwrap_or(0..0), e.message().trim_end(), ""))?;
        let mut policy = Policy::default();
        reader.table(table.get_ref(), "a policy", &TOP, &mut |key, item| {
            match key {
                "seed" => policy.seed = Some(item.integer("a whole number from 0")?),
                "input_rounding" => policy.input_rounding = Some(input_rounding(&item.text()?)?),
                "rule" => {
                    for one in item.each()? {
                        policy.rules.push(rule(&reader, &one)?);
                    }
                }
                "quantize" | "scale" => {
                    for one in item.each()? {
                        let known: &[&str] = if key == "quantize" { &QUANTIZE } else { &SCALE };
                        let what = if key == "quantize" {
                            "[[quantize]]"
                        } else {
                            "[[scale]]"
                        };
                        policy.boundaries.push(boundary(&reader, &one, what, known)?);
                    }
                }
                _ => policy.loss_scale = Some(loss_scale(&reader, &item)?),
            }
            Ok(())
        })?;
        policy.boundaries.sort_by_key(|b| b.place.span.start);
        let says_something = policy.seed.is_some()
            || policy.input_rounding.is_some()
            || !policy.rules.is_empty()
            || !policy.boundaries.is_empty()
            || policy.loss_scale.is_some();
        if !says_something {
            return Err(reader.error(
                0..0,
                "the policy says nothing",
                "begin a rule with [[rule]], then say format = \"...\"",
            ));
        }
        Ok(policy)
    }

    /// The short form `--format F --accumulate A`: one rule for everything. `format` is a format's text, `launch` or
    /// `leave`; `accumulate` a format's text or `none`.
    ///
    /// # Errors
    /// What is wrong with the texts.
    pub fn short(format: &str, accumulate: Option<&str>) -> Result<Policy, Error> {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let mut text = format!("[[rule]] # short form\nformat = {}\n", quoted(format));
        if let Some(a) = accumulate {
            text += &format!("accumulate = {}\n", quoted(a));
        }
        Policy::parse(SHORT_FORM, &text)
    }

    /// This policy on top of another: its rules come after those of `base`, its settings win.
    pub fn over(self, base: Policy) -> Policy {
        let join = |mut a: Vec<_>, b: Vec<_>| {
            a.extend(b);
            a
        };
        let mut boundaries = base.boundaries;
        boundaries.extend(self.boundaries);
        Policy {
            seed: self.seed.or(base.seed),
            input_rounding: self.input_rounding.or(base.input_rounding),
            rules: join(base.rules, self.rules),
            boundaries,
            loss_scale: self.loss_scale.or(base.loss_scale),
        }
    }

    /// Everything that happens to tensors, in the order in which it is done: the two places of loss scaling, if it is
    /// asked for, and then `boundaries`. Numbers of tensors count this list.
    pub fn tensors(&self) -> impl Iterator<Item = &Boundary> {
        let loss = self.loss_scale.iter().flat_map(|l| [&l.scale, &l.unscale]);
        loss.chain(&self.boundaries)
    }

    /// The first place that does something to tensors, if one does.
    pub fn tensors_wanted(&self) -> Option<&Place> {
        let boundaries = self.boundaries.iter().map(|b| &b.place);
        boundaries.chain(self.loss_scale.iter().map(|l| &l.place)).next()
    }

    /// Every [`Conditions`] in the policy, with its place.
    pub fn conditions(&self) -> impl Iterator<Item = (&Place, &Conditions)> {
        let rules = self.rules.iter().map(|r| (&r.place, &r.conditions));
        rules.chain(self.tensors().map(|b| (&b.place, &b.conditions)))
    }

    /// The first place that speaks of layers or phases, if one does.
    pub fn layers_wanted(&self) -> Option<&Place> {
        self.conditions().find(|(_, c)| c.is_of_layer()).map(|(p, _)| p)
    }

    /// The first place that speaks of stages, if one does.
    pub fn stage_wanted(&self) -> Option<&Place> {
        self.conditions().find(|(_, c)| c.stage.is_some()).map(|(p, _)| p)
    }
}

/// What is said of a rule that selects no instruction.
pub const MATCHES_NOTHING: &str =
    "the rule matches nothing: no instruction of the program is what it selects";

/// What is said of a rule that says what sums run in, and selects none.
pub const NO_SUMS: &str =
    "`accumulate` finds nothing: none of the instructions that the rule selects is a sum over a loop";

/// The name under which messages show the short form.
pub const SHORT_FORM: &str = "--format";

/// And what to do about it.
pub const MATCHES_NOTHING_HELP: &str = "`vernier explain PROGRAM --policy FILE` lists kernels, lines and classes (lines of CUDA source need -lineinfo)";

/// What is said of a tensor of a policy that no launch had.
pub const NO_TENSORS: &str = "nothing was done: no launch had a tensor that this selects";

/// And what to do about it.
pub const NO_TENSORS_HELP: &str = "`kernel` and `argument` (counted from 0) say which; if it is only for training or testing, add stage = \"train\" or \"test\"";

impl Rule {
    /// The rule in a line: `linear_* fma: e5m2, accumulate fp32`.
    pub fn summary(&self) -> String {
        self.place.table()
    }
}

impl Boundary {
    /// The keys in a line.
    pub fn summary(&self) -> String {
        self.place.table()
    }
}

fn place(reader: &Reader, range: Range<usize>) -> Place {
    Place {
        source: reader.0.clone(),
        span: span(range),
    }
}

/// Where a table begins: its header, `[[rule]]`. The span of the value may hold more.
fn header(reader: &Reader, item: &Item<'_>) -> Place {
    let whole = item.span();
    let text = reader.0.text.get(whole.clone()).unwrap_or_default();
    let first = text.find('\n').unwrap_or(text.len());
    let shown = text[..first]
        .split('#')
        .next()
        .unwrap_or_default()
        .trim_end()
        .len();
    place(reader, whole.start..whole.start + shown.max(1))
}

fn input_rounding(text: &Text<'_>) -> Result<Rounding, Error> {
    Rounding::for_operands(text.text).map_err(|e| text.error(&e.to_string(), ""))
}

fn format_choice(text: &Text<'_>) -> Result<FormatChoice, Error> {
    match text.text {
        "leave" => Ok(FormatChoice::Leave),
        "launch" => Ok(FormatChoice::Launch),
        _ => Ok(FormatChoice::Fixed(text.parse()?)),
    }
}

fn accumulate(text: &Text<'_>) -> Result<Accumulate, Error> {
    match text.text {
        "none" => Ok(Accumulate::None),
        _ => Ok(Accumulate::In(text.parse()?)),
    }
}

fn globs(item: &Item<'_>) -> Result<Globs, Error> {
    let mut all = Globs::none();
    for text in item.texts()? {
        all.add(text.text).map_err(|e| {
            text.error(
                &format!("bad pattern `{}`: {e}", text.text),
                "`*` is any text, `?` one character, `[ab]` one of some, `{a,b}` either; a backslash before one of these takes it as it is",
            )
        })?;
    }
    Ok(all)
}

/// `2`, `"2"`, `"3..10"`, `"3.."`, `{ every = 4, offset = 1 }`.
fn launches(reader: &Reader, item: &Item<'_>) -> Result<Launches, Error> {
    let all = |first, end| Launches { first, end, every: 1 };
    let bad = || {
        item.error(
            "`launch` must be launches of a kernel, counted from 0",
            "2 is one launch, \"3..10\" are 3 to 9, \"3..\" are all from 3, { every = 4, offset = 1 } are 1, 5, 9, ...",
        )
    };
    if let Some(table) = item.as_table() {
        let mut found = all(0, u64::MAX);
        reader.table(table, "`launch`", &["every", "offset"], &mut |key, value| {
            let number = value.integer("a whole number")?;
            match key {
                "every" if number == 0 => {
                    return Err(value.error("`every` must be 1 or more", ""));
                }
                "every" => found.every = number,
                _ => found.first = number,
            }
            Ok(())
        })?;
        return Ok(found);
    }
    let one = |n: u64| all(n, n.saturating_add(1));
    if let Some(n) = item.as_integer() {
        return Ok(one(n));
    }
    let text = item.as_text().ok_or_else(bad)?.text.trim();
    let Some((first, end)) = text.split_once("..") else {
        return text.parse().map(one).map_err(|_| bad());
    };
    let number = |t: &str| t.trim().parse::<u64>().map_err(|_| bad());
    let found = match (first.trim(), end.trim()) {
        (first, "") => all(number(first)?, u64::MAX),
        ("", end) => all(0, number(end)?),
        (first, end) => all(number(first)?, number(end)?),
    };
    match found.first < found.end {
        true => Ok(found),
        false => Err(item.error(
            &format!("`{text}` holds no launch"),
            "the first number is the first launch, the second the one after the last",
        )),
    }
}

/// `"mlp.cu:40-52"`, `"mlp.cu:40"`, `"40-52"`, `40`.
fn lines(item: &Item<'_>) -> Result<Lines, Error> {
    let bad = || {
        item.error(
            &format!("`{}` must be lines of a file", item.key),
            "write \"FILE:LINE\" or \"FILE:FIRST-LAST\"",
        )
    };
    let found = match (item.as_integer(), item.as_text()) {
        (Some(line), _) => Lines {
            file: None,
            first: line,
            last: line,
        },
        (None, Some(text)) => {
            let (file, range) = match text.text.rsplit_once(':') {
                Some((file, range)) => (Some(file.to_owned()), range),
                None => (None, text.text),
            };
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |t: &str| t.trim().parse::<u32>().map_err(|_| bad());
            Lines {
                file,
                first: number(first)?,
                last: number(last)?,
            }
        }
        _ => return Err(bad()),
    };
    if found.first == 0 || found.first > found.last {
        return Err(item.error(
            &format!("there are no lines {} to {}", found.first, found.last),
            "lines are counted from 1, the first comes first",
        ));
    }
    Ok(found)
}

/// One of the keys that every table has.
fn condition(reader: &Reader, c: &mut Conditions, key: &str, item: &Item<'_>) -> Result<(), Error> {
    match key {
        "kernel" => c.kernel = Some(globs(item)?),
        "layer" => c.layer = Some(globs(item)?),
        "stage" => c.stage = Some(item.text()?.word("stage", &Stage::ALL)?),
        "phase" => {
            let phases = item.texts()?;
            let phases = phases.iter().map(|t| t.word("phase", &Phase::ALL));
            c.phase = Some(phases.collect::<Result<_, _>>()?);
        }
        _ => {
            let all = item.each()?;
            c.launch = Some(
                all.iter()
                    .map(|i| launches(reader, i))
                    .collect::<Result<_, _>>()?,
            );
        }
    }
    Ok(())
}

fn rule(reader: &Reader, item: &Item<'_>) -> Result<Rule, Error> {
    let mut rule = Rule {
        place: header(reader, item),
        conditions: Conditions::default(),
        class: None,
        line: None,
        ptx: None,
        expansions: false,
        indices: false,
        format: None,
        rounding: None,
        accumulate: None,
        words: Words::default(),
    };
    let classes: Vec<(&str, ClassName)> = ClassName::ALL.iter().map(|(n, c, _)| (*n, *c)).collect();
    reader.table(item.table()?, "[[rule]]", &RULE, &mut |key, value| {
        let all_lines = || value.each()?.iter().map(lines).collect::<Result<Vec<_>, Error>>();
        match key {
            "class" => {
                let words = value.texts()?;
                let found = words.iter().map(|t| t.word("class of instructions", &classes));
                rule.class = Some(found.collect::<Result<_, _>>()?);
            }
            "line" => rule.line = Some(all_lines()?),
            "ptx" => rule.ptx = Some(all_lines()?),
            "expansions" => rule.expansions = value.flag()?,
            "indices" => rule.indices = value.flag()?,
            "format" => {
                let text = value.text()?;
                rule.format = Some(format_choice(&text)?);
                rule.words.format = text.text.into();
            }
            "rounding" => rule.rounding = Some(value.text()?.parse()?),
            "accumulate" => {
                let text = value.text()?;
                rule.accumulate = Some(accumulate(&text)?);
                rule.words.accumulate = text.text.into();
            }
            _ => condition(reader, &mut rule.conditions, key, &value)?,
        }
        Ok(())
    })?;
    if rule.format.is_none() && rule.rounding.is_none() && rule.accumulate.is_none() {
        let message = "the rule says nothing about the instructions it selects";
        return Err(Error::At(
            rule.place
                .message(message, "give it `format`, `accumulate` or `rounding`"),
        ));
    }
    Ok(rule)
}

fn arguments(item: &Item<'_>) -> Result<Vec<Argument>, Error> {
    const WORDS: [(&str, Argument); 3] = [
        ("inputs", Argument::Inputs),
        ("outputs", Argument::Outputs),
        ("weights", Argument::Weights),
    ];
    let one = |i: &Item<'_>| match (i.as_integer(), i.as_text()) {
        (Some(n), _) => Ok(Argument::Index(n)),
        (None, Some(text)) => text.word("kind of argument", &WORDS),
        _ => Err(i.error(
            "`argument` must be arguments of the kernel",
            "the number of one, counted from 0, or \"inputs\", \"outputs\" or \"weights\"",
        )),
    };
    item.each()?.iter().map(one).collect()
}

fn boundary(reader: &Reader, item: &Item<'_>, what: &str, known: &[&'static str]) -> Result<Boundary, Error> {
    let place = header(reader, item);
    let (mut conditions, mut argument, mut when, mut action) = (Conditions::default(), None, None, None);
    let mut rounding = Rounding::NearestEven;
    reader.table(item.table()?, what, known, &mut |key, value| {
        match key {
            "argument" => argument = Some(arguments(&value)?),
            "when" => {
                let words = [("before", When::Before), ("after", When::After)];
                when = Some(value.text()?.word("side of a kernel", &words)?);
            }
            "format" => {
                let format = value.text()?.parse()?;
                action = Some(Action::Quantize { format, rounding });
            }
            "rounding" => rounding = value.text()?.parse()?,
            "factor" => {
                action = Some(Action::Scale {
                    factor: factor(&value)?,
                })
            }
            _ => condition(reader, &mut conditions, key, &value)?,
        }
        Ok(())
    })?;
    if let Some(Action::Quantize { rounding: r, .. }) = &mut action {
        *r = rounding;
    }
    if !known.contains(&"factor") && !known.contains(&"format") {
        // A place of [loss_scale]: its factor comes from there.
        action = Some(Action::Scale { factor: 1.0 });
    }
    let lacks = |key: &str| Error::At(place.message(&format!("{what} lacks `{key}`"), ""));
    let verb = if known.contains(&"format") {
        "format"
    } else {
        "factor"
    };
    Ok(Boundary {
        argument: argument.ok_or_else(|| lacks("argument"))?,
        when: when.ok_or_else(|| lacks("when"))?,
        action: action.ok_or_else(|| lacks(verb))?,
        place,
        conditions,
    })
}

fn factor(item: &Item<'_>) -> Result<f32, Error> {
    let factor = item.number()? as f32;
    match factor.is_finite() && factor != 0.0 {
        true => Ok(factor),
        false => Err(item.error(
            "`factor` must be a number other than 0 that binary32 can hold",
            "",
        )),
    }
}

fn loss_scale(reader: &Reader, item: &Item<'_>) -> Result<LossScale, Error> {
    const WHAT: &str = "[loss_scale]";
    /// Steps without an infinity after which a dynamic factor grows, as is usual.
    const INTERVAL: u64 = 2000;
    let place = header(reader, item);
    let (mut by, mut dynamic, mut interval) = (None, false, INTERVAL);
    let (mut scale, mut unscale) = (None, None);
    reader.table(item.table()?, WHAT, &LOSS_SCALE, &mut |key, value| {
        match key {
            "factor" => by = Some(factor(&value)?),
            "dynamic" => dynamic = value.flag()?,
            "interval" => interval = value.integer("a number of steps")?,
            "scale" => scale = Some(boundary(reader, &value, "[loss_scale.scale]", &LOSS_PLACE)?),
            _ => unscale = Some(boundary(reader, &value, "[loss_scale.unscale]", &LOSS_PLACE)?),
        }
        Ok(())
    })?;
    let lacks = |key: &str| Error::At(place.message(&format!("{WHAT} lacks `{key}`"), ""));
    let by = by.ok_or_else(|| lacks("factor"))?;
    let with = |boundary: Boundary, factor| Boundary {
        action: Action::Scale { factor },
        ..boundary
    };
    Ok(LossScale {
        factor: by,
        dynamic,
        interval,
        scale: with(scale.ok_or_else(|| lacks("scale"))?, by),
        unscale: with(unscale.ok_or_else(|| lacks("unscale"))?, by.recip()),
        place,
    })
}
