//! What a `.vf32` instruction says of its arithmetic (format, accumulator, rounding), read with `vfloat`. A name that
//! is no format is an error with its place, found when the kernel is lowered or by [`check`].

use crate::{FormatSource, VfSpec};
use ptx::ast::{Instruction, Modifier as M, Module, Source, Span, Statement, Word};
use ptx::{Diagnostic, Error, Errors};
use vfloat::{Format, Rounding};

/// Checks the formats and roundings that the instructions of a module name, in every function.
///
/// # Errors
/// Everything found, in the order of the text.
pub fn check(module: &Module) -> Result<(), Errors> {
    let mut list = Vec::new();
    for function in module.functions() {
        let mut todo: Vec<&Statement> = function.body.iter().flatten().collect();
        while let Some(statement) = todo.pop() {
            match statement {
                Statement::Block { body, .. } => todo.extend(body),
                Statement::Instruction(i) => {
                    let faults = (i.has(M::Type(ptx::ast::ScalarType::Vf32)) || i.has(M::Into))
                        .then(|| spec(i, FormatSource::Launch).err());
                    list.extend(faults.flatten().map(|f| f.diagnostic(&module.source, i.span)));
                }
                _ => {}
            }
        }
    }
    match list.is_empty() {
        true => Ok(()),
        false => Err(Errors::new(module.source.clone(), list)),
    }
}

/// What is wrong with the arithmetic an instruction names.
pub struct Fault {
    /// The words at fault, as written in the mnemonic.
    text: String,
    why: String,
    help: &'static str,
}

impl Fault {
    /// The message; its caret stands under the words if the text of `source` has them in `span`.
    pub fn diagnostic(self, source: &Source, span: Span) -> Diagnostic {
        let at = source.slice(span).find(&self.text);
        let narrow = |at: usize| Span {
            start: span.start + at as u32,
            end: span.start + (at + self.text.len()) as u32,
        };
        Diagnostic {
            span: at.map_or(span, narrow),
            error: Error::Numerics {
                text: self.text.clone(),
                why: self.why,
            },
            help: (!self.help.is_empty()).then(|| self.help.to_string()),
        }
    }
}

fn format(word: Word) -> Result<Format, Fault> {
    word.text().parse().map_err(|e: vfloat::FormatError| Fault {
        text: word.text().to_string(),
        why: e.to_string(),
        help: "",
    })
}

/// The arithmetic of `i`; `otherwise` is its format if it names none.
pub fn spec(i: &Instruction, otherwise: FormatSource) -> Result<VfSpec, Fault> {
    let format_of = |word: Option<Word>| word.map(format).transpose();
    Ok(VfSpec {
        format: format_of(i.numerics.format)?.map_or(otherwise, FormatSource::Fixed),
        accumulator: format_of(i.numerics.accumulator)?.unwrap_or(Format::FP32),
        rounding: match i.has(M::Into) {
            true => into_rounding(i.numerics.into)?,
            false => rounding(i)?,
        },
    })
}

/// How `.into` rounds.
fn into_rounding(word: Option<Word>) -> Result<Rounding, Fault> {
    let Some(word) = word else {
        return Ok(Rounding::NearestEven);
    };
    word.text().parse().map_err(|_| Fault {
        text: word.text().to_string(),
        why: "that is no rounding".to_string(),
        help: "write `.into::FORMAT::ROUNDING`, the rounding rn, rz, rm, rp, ra, ro, rs or rsN",
    })
}

fn rounding(i: &Instruction) -> Result<Rounding, Fault> {
    let random_bits = || match i.numerics.random_bits {
        None => Ok(Rounding::Stochastic(Rounding::RANDOM_BITS)),
        Some(bits) => Rounding::stochastic(bits.into()).ok_or_else(|| Fault {
            text: format!("rs::{bits}"),
            why: format!(
                "stochastic rounding takes 1 to {} random bits",
                Rounding::MOST_RANDOM_BITS
            ),
            help: "",
        }),
    };
    Ok(match () {
        () if i.has(M::Rz) => Rounding::TowardZero,
        () if i.has(M::Rm) => Rounding::TowardNegative,
        () if i.has(M::Rp) => Rounding::TowardPositive,
        () if i.has(M::Ra) => Rounding::NearestAway,
        () if i.has(M::Ro) => Rounding::ToOdd,
        () if i.has(M::Rs) => random_bits()?,
        () => Rounding::NearestEven,
    })
}
