//! What is wrong with a PTX text, where, and what to do about it. A message stands by itself: file, line,
//! column, the line with a caret under the place, and help.

use std::fmt;
use std::sync::Arc;

use crate::ast::{Source, Span};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // fields are named for what they hold
pub enum Error {
    /// A byte no PTX token starts with.
    #[error("unexpected character {0}")]
    Character(String),
    /// `/*` without `*/`, or a string without its second quote.
    #[error("{0} is never closed")]
    Unclosed(&'static str),
    /// A number that is not one, or too big.
    #[error("malformed number `{text}`: {why}")]
    Number { text: String, why: &'static str },
    /// The grammar wants something else here.
    #[error("expected {expected}, found {found}")]
    Expected { expected: String, found: String },
    /// No such opcode.
    #[error("unknown instruction `{mnemonic}`")]
    UnknownInstruction { mnemonic: String },
    /// No instruction has this modifier.
    #[error("unknown modifier `.{modifier}` in `{mnemonic}`")]
    UnknownModifier { modifier: String, mnemonic: String },
    /// No such directive, or not at this place.
    #[error("unknown directive `{0}`")]
    UnknownDirective(String),
    /// No such type.
    #[error("unknown type `{0}`")]
    UnknownType(String),
    /// The text does not begin as PTX does.
    #[error("this is not a PTX module: {0}")]
    NotPtx(&'static str),
    /// A value out of the range its directive allows.
    #[error("{what} must be {range}, not {value}")]
    OutOfRange {
        what: &'static str,
        range: &'static str,
        value: u64,
    },
    /// A variable that is bigger than its memory.
    #[error("`{name}` must be {range}, not {found} bytes")]
    Size {
        name: String,
        range: &'static str,
        found: String,
    },
    /// Braces inside braces beyond what any compiler writes.
    #[error("nested too deeply")]
    TooDeep,
    /// The formats behind `.vf32`, or the number behind `.rs`, make no sense.
    #[error("`{text}` makes no sense: {why}")]
    Numerics { text: String, why: String },
    /// A modifier that exists, but not on this instruction.
    #[error("`{opcode}` cannot have `.{modifier}` here")]
    ModifierNotAllowed { opcode: &'static str, modifier: String },
    /// The instruction needs a modifier that is not there.
    #[error("`{mnemonic}` lacks {missing}")]
    ModifierMissing { mnemonic: String, missing: String },
    /// Too many or too few operands.
    #[error("`{mnemonic}` takes {expected} operands, not {found}")]
    OperandCount {
        mnemonic: String,
        expected: String,
        found: usize,
    },
    /// An operand of the wrong kind: a number where a register must be, and so on.
    #[error("operand {number} of `{mnemonic}` must be {expected}, not {found}")]
    OperandKind {
        mnemonic: String,
        number: usize,
        expected: String,
        found: String,
    },
    /// A register whose type does not suit the instruction.
    #[error("`{name}` is declared `.{declared}`, but operand {number} of `{mnemonic}` must be {expected}")]
    OperandType {
        mnemonic: String,
        number: usize,
        name: String,
        declared: String,
        expected: String,
    },
    /// A name nobody declared.
    #[error("{what} `{name}` is not declared")]
    Undeclared { what: &'static str, name: String },
    /// A name declared twice in one scope.
    #[error("`{name}` is declared twice")]
    Duplicate { name: String, first: (u32, u32) },
    /// The instruction is real PTX, but Vernier does not execute it.
    #[error("instruction `{mnemonic}` is not supported by Vernier")]
    Unsupported { mnemonic: String },
}

/// One error at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub span: Span,
    /// What.
    pub error: Error,
    /// What to do about it, if there is something to say.
    pub help: Option<String>,
}

/// Everything wrong with one text, in the order of the text. Its `Display` shows each error with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// The text.
    pub source: Arc<Source>,
    /// At least one.
    pub list: Vec<Diagnostic>,
}

impl std::error::Error for Errors {}

/// How many errors are shown in full.
const SHOWN: usize = 20;

impl Errors {
    /// Errors sorted by place.
    pub fn new(source: Arc<Source>, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|d| (d.span.start, d.span.end));
        Errors { source, list }
    }

    /// Line and column, from 1, of the first error.
    pub fn position(&self) -> (u32, u32) {
        self.list
            .first()
            .map_or((1, 1), |d| self.source.position(d.span.start))
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.list.iter().take(SHOWN).enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&diagnostic.render(&self.source))?;
        }
        match self.list.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\n... and {more} more errors in {}", self.source.name),
        }
    }
}

impl Diagnostic {
    /// The message with its snippet, as one text.
    pub fn render(&self, source: &Source) -> String {
        render(source, self.span, &self.error.to_string(), self.help.as_deref())
    }
}

/// A message about a place of a text, whatever kind of text it is: what is wrong, file and line, the line with a
/// caret under the place, and help.
pub fn render(source: &Source, span: Span, message: &str, help: Option<&str>) -> String {
    let (line, column) = source.position(span.start);
    let snippet = source.line_text(line);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let (shown, indent) = clip(snippet, column as usize - 1);
    let wide = source
        .slice(span)
        .lines()
        .next()
        .unwrap_or("")
        .chars()
        .count()
        .max(1);
    let room = shown
        .chars()
        .count()
        .saturating_sub(indent.chars().count())
        .max(1);
    let carets = "^".repeat(wide.min(room));
    let name = &source.name;
    let help = help.map_or(String::new(), |help| format!("\n{margin} = help: {help}"));
    format!(
        "error: {message}\n{margin}--> {name}:{line}:{column}\n{margin} |\n{number} | {shown}\n{margin} | {indent}{carets}{help}"
    )
}

/// The part of a long line around `column`, and blanks (tabs kept) as wide as what stands before the place.
fn clip(line: &str, column: usize) -> (String, String) {
    const BEFORE: usize = 60;
    const WIDTH: usize = 120;
    let skip = if line.chars().count() > WIDTH {
        column.saturating_sub(BEFORE)
    } else {
        0
    };
    let shown: String = line
        .chars()
        .skip(skip)
        .take(WIDTH)
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect();
    let indent = shown
        .chars()
        .take(column - skip)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    (shown, indent)
}
