//! Questions to the table: the entry of an opcode, the form of an instruction, its latency class, whether
//! Vernier executes it, and the reference page.

use std::fmt::Write;
use std::sync::OnceLock;

use super::form::{Form, Shape};
use super::table::table;
use super::{Modifier, OTHER_WORDS, Opcode, ScalarType, StateSpace, TypeKind};
use crate::ast::Instruction;

/// What an instruction is to a machine: which of its latencies it takes. `Add` to `Div` are the five numbers
/// of GPGPU-Sim's `-ptx_opcode_latency_*` options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Sums and differences.
    Add,
    /// Minimum, maximum, comparisons.
    Max,
    /// Products.
    Mul,
    /// Product and sum.
    Mad,
    /// Quotients and remainders.
    Div,
    /// Special functions.
    Sfu,
    /// Bits and shifts.
    Logic,
    /// Copies between registers.
    Move,
    /// Conversions.
    Convert,
    /// Exchange between lanes.
    Shuffle,
    /// Loads and stores.
    Memory,
    /// Atomics.
    Atomic,
    /// Control flow.
    Branch,
    /// Barriers and fences.
    Barrier,
    /// Matrix units.
    Tensor,
}

/// Which unit does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Integers, bits, predicates.
    Int,
    /// `.f32`, `.f16`, `.bf16`.
    Fp32,
    /// `.f64`.
    Fp64,
    /// `.vf32`, `fmam`, `addm`.
    Variable,
    /// Special functions.
    Sfu,
    /// Matrix units.
    Tensor,
    /// Loads, stores, atomics.
    Memory,
    /// Branches and barriers.
    Control,
}

/// Unit and work: the key of a latency table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Latency {
    /// Which unit.
    pub unit: Unit,
    /// Which of its latencies.
    pub work: Work,
}

/// What an override may rewrite, by what it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// add, sub.
    Add,
    /// mul.
    Mul,
    /// fma, mad.
    Fma,
    /// div.
    Div,
    /// setp, set, slct.
    Compare,
    /// min, max.
    MinMax,
    /// ex2, lg2, sin, cos, tanh, sqrt, rsqrt, rcp.
    Function,
    /// cvt.
    Convert,
    /// neg, abs.
    Sign,
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Class::Add => "add",
            Class::Mul => "multiply",
            Class::Fma => "multiply-add",
            Class::Div => "divide",
            Class::Compare => "compare",
            Class::MinMax => "min/max",
            Class::Function => "function",
            Class::Convert => "convert",
            Class::Sign => "neg/abs",
        })
    }
}

/// One instruction of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its opcode.
    pub opcode: Opcode,
    /// What it is to a machine.
    pub work: Work,
    /// Set if an override may bring its `.f32` form to `.vf32`.
    pub class: Option<Class>,
    /// First PTX version that has it.
    pub since: (u32, u32),
    /// Whether Vernier executes it (some of its forms may still be unsupported).
    pub supported: bool,
    /// What it computes, in a line.
    pub doc: &'static str,
    /// How it may be written; empty if anything goes.
    pub forms: &'static [Form],
}

struct Ready {
    entry: &'static Entry,
    shapes: Vec<Shape>,
}

fn ready() -> &'static [Ready] {
    static READY: OnceLock<Vec<Ready>> = OnceLock::new();
    READY.get_or_init(|| {
        let find = |o: &Opcode| {
            table()
                .find(|e| e.opcode == *o)
                .unwrap_or_else(|| panic!("{o} is not in the table"))
        };
        let make = |entry: &'static Entry| Ready {
            entry,
            shapes: entry.forms.iter().map(Shape::new).collect(),
        };
        Opcode::ALL.iter().map(|o| make(find(o))).collect()
    })
}

/// The table's entry of an opcode.
pub fn entry(opcode: Opcode) -> &'static Entry {
    ready()[opcode as usize].entry
}

/// The ways to write an instruction, ready to be compared with one.
pub(crate) fn shapes(opcode: Opcode) -> &'static [Shape] {
    &ready()[opcode as usize].shapes
}

/// The form an instruction has: its modifiers fit, and it has no more operands than the form takes.
fn form_of(instruction: &Instruction) -> Option<&'static Shape> {
    shapes(instruction.opcode).iter().find(|shape| {
        let miss = shape.compare(&instruction.modifiers);
        // Forms that differ in operands only (`max.f32` of three values) are told apart by their number.
        let takes = || {
            shape
                .operands
                .iter()
                .any(|o| instruction.operands.len() <= o.len())
        };
        miss.extra.is_empty() && miss.missing.is_empty() && takes()
    })
}

/// Whether an instruction has a form of the table that Vernier executes.
pub fn is_form(instruction: &Instruction) -> bool {
    form_of(instruction).is_some_and(|shape| shape.supported)
}

/// Whether Vernier knows how to execute an instruction. One that has no form at all is left to the check.
pub fn is_supported(instruction: &Instruction) -> bool {
    entry(instruction.opcode).supported && form_of(instruction).is_none_or(|shape| shape.supported)
}

/// Whether an instruction computes in a variable format: `fmam`, `addm`, and those with `.vf32` that do more than
/// move bits (of `set` and `slct` the type that is compared counts).
pub fn is_variable(instruction: &Instruction) -> bool {
    let vf32 = |t: ScalarType| t == ScalarType::Vf32;
    match instruction.opcode {
        Opcode::Fmam | Opcode::Addm => true,
        Opcode::Mov | Opcode::Selp | Opcode::Ld | Opcode::Ldu | Opcode::St => false,
        Opcode::Set | Opcode::Slct => instruction.types().last().is_some_and(vf32),
        _ => instruction.types().any(vf32),
    }
}

/// Unit and work of an instruction.
pub fn latency(instruction: &Instruction) -> Latency {
    let work = entry(instruction.opcode).work;
    // Of two types the last says what is computed on: `set.lt.u32.f32`, `cvt.rn.f32.f64`.
    let ty = instruction.types().last();
    let variable = is_variable(instruction);
    let unit = match work {
        Work::Sfu => Unit::Sfu,
        Work::Tensor => Unit::Tensor,
        Work::Memory | Work::Atomic => Unit::Memory,
        Work::Branch | Work::Barrier => Unit::Control,
        _ if variable => Unit::Variable,
        _ => match ty {
            Some(ScalarType::F64) => Unit::Fp64,
            Some(t) if t.kind() == TypeKind::Float => Unit::Fp32,
            _ => Unit::Int,
        },
    };
    Latency { unit, work }
}

/// Every modifier that some form of an opcode has.
pub(crate) fn modifier_words(opcode: Opcode) -> impl Iterator<Item = &'static str> {
    let slots = shapes(opcode).iter().flat_map(|s| s.slots.iter());
    slots.flat_map(|slot| slot.choices.iter().map(|m| m.text()))
}

/// Every modifier there is.
pub(crate) fn all_modifier_words() -> impl Iterator<Item = &'static str> {
    let types = ScalarType::ALL.iter().map(|t| t.text());
    let spaces = StateSpace::ALL.iter().map(|t| t.text());
    Modifier::WORDS
        .iter()
        .map(|(text, _)| *text)
        .chain(types)
        .chain(spaces)
        .chain(OTHER_WORDS.iter().copied())
}

/// The reference page: the whole table as Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Instructions\n\nGenerated from the instruction table. A form reads: modifiers, then operands. `$name` is a set \
         (listed at the end), `?` optional, `=` written, `T` the instruction's first type, `T2` its second, `W` twice as \
         wide, `~` or wider, `V` a value or vector, `P` a value or its parts, `[]` an address. *not executed*: read, \
         printed and passed by, an error in a kernel that runs.\n\n\
         | instruction | what it does | forms | `.vf32` | work | since PTX |\n|---|---|---|---|---|---|\n",
    );
    for entry in table() {
        let mut forms = String::new();
        for form in entry.forms {
            let separator = if forms.is_empty() { "" } else { "<br>" };
            let note = if form.supported { "" } else { " *not executed*" };
            let text = format!("{} : {}", form.modifiers, form.operands).replace('|', "\\|");
            let _ = write!(forms, "{separator}`{}`{note}", text.trim());
        }
        if !entry.supported {
            forms.push_str("*not executed*");
        }
        let vp = match (entry.class, entry.opcode) {
            (Some(class), _) => class.to_string(),
            (None, Opcode::Fmam | Opcode::Addm) => "always".to_string(),
            _ => String::new(),
        };
        let (major, minor) = entry.since;
        let since = if entry.since == (1, 0) {
            String::new()
        } else {
            format!("{major}.{minor}")
        };
        let doc = entry.doc.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{}` | {doc} | {forms} | {vp} | {:?} | {since} |",
            entry.opcode, entry.work
        );
    }
    page.push_str(
        "\n`.vf32` may name its format, `.vf32::e5m2` (alone it is the launch's), and `fmam` and `addm` also the format of \
         their accumulator, `.vf32::e5m2::e8m13` (FP32 unless named; `launch` stands for the launch's format). `.rs` may say \
         how many random bits it takes, `.rs::8`. `.into`, `.into::e5m2`, `.into::e5m2::rz` rounds the result of an ordinary f32 instruction into a \
         format; `.wide` keeps the factors of a multiply-add in FP32 ([formats](formats.md)).\n",
    );
    page.push_str(
        "\n## Grammar\nRead from end to end against the ISA document of PTX 9 and ptxas 13.5. Not taken: initial values of `.texref`, \
         `.samplerref` and `.surfref` variables; an array indexed by a register without brackets (`a[%r1]`; `[%r1+4]` and `a[3]` are); \
         addresses in 16-bit registers; a vector register that `mov` packs or unpacks (`mov.b64 %rd1, %v2`; braces are), or one register for \
         all its elements (`mov.v4.u32 %v, %r1`); a special register as guard; \
         directives of a preprocessor other than `# 12 \"foo.ptx\"` and `#line`. Forms marked *not executed*, and instructions that \
         are known by name only, are read and printed, and an error where a kernel that has them is launched. Taken although ptxas \
         refuses it: `-%f1` as an operand, `[%rd1-4]`, numbers as addresses outside of `.local`, `.bf16` and `.vf32` on 32-bit \
         registers, several `.version`. Registers of a function, and the size of variables, have limits that no compiler meets.\n",
    );
    page.push_str("\n| set | modifiers |\n|---|---|\n");
    for (name, words) in super::form::SETS {
        let _ = writeln!(page, "| `${name}` | {} |", words.replace('|', ", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_has_one_entry_and_every_form_is_well_formed() {
        assert_eq!(ready().len(), table().count());
        for (i, opcode) in Opcode::ALL.iter().enumerate() {
            assert_eq!(ready()[i].entry.opcode, *opcode);
            assert_eq!(Opcode::from_text(opcode.text()), Some(*opcode));
            assert!(
                ready()[i]
                    .shapes
                    .iter()
                    .all(|s| s.slots.len() <= 16 && !s.operands.is_empty())
            );
            assert!(!entry(*opcode).doc.is_empty());
        }
    }

    #[test]
    fn every_modifier_reads_back() {
        for word in all_modifier_words() {
            assert_eq!(Modifier::from_text(word).map(|m| m.text()), Some(word));
        }
    }

    #[test]
    fn reference_page_names_every_instruction() {
        let page = reference();
        assert!(Opcode::ALL.iter().all(|o| page.contains(&format!("| `{o}` |"))));
    }
}
