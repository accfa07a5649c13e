//! The instruction set: every instruction once, with its forms, the work it is to a machine, what an override
//! may do with it, and a line of documentation. The language of the forms is in `form.rs`; facts are those of
//! NVIDIA's "PTX ISA" document, versions 3.2 to 9.x, plus Vernier's `fmam`, `addm` and `.vf32`.

mod arithmetic;
mod machine;

use super::form::Form;
use super::{Class, Entry, Opcode, Work};

const fn form(modifiers: &'static str, operands: &'static str) -> Form {
    Form {
        modifiers,
        operands,
        supported: true,
    }
}

/// A form that Vernier knows and does not execute.
const fn later(modifiers: &'static str, operands: &'static str) -> Form {
    Form {
        modifiers,
        operands,
        supported: false,
    }
}

const fn op(opcode: Opcode, work: Work, doc: &'static str, forms: &'static [Form]) -> Entry {
    Entry {
        opcode,
        work,
        class: None,
        since: (1, 0),
        supported: true,
        doc,
        forms,
    }
}

/// An instruction that an override may bring to `.vf32`.
const fn vp(opcode: Opcode, work: Work, class: Class, doc: &'static str, forms: &'static [Form]) -> Entry {
    Entry {
        opcode,
        work,
        class: Some(class),
        since: (1, 0),
        supported: true,
        doc,
        forms,
    }
}

/// The first PTX version that has it.
const fn since(major: u32, minor: u32, entry: Entry) -> Entry {
    Entry {
        since: (major, minor),
        ..entry
    }
}

/// Known by name only: any modifiers, any operands.
const fn unknown(opcode: Opcode, work: Work, doc: &'static str) -> Entry {
    Entry {
        opcode,
        work,
        class: None,
        since: (1, 0),
        supported: false,
        doc,
        forms: &[],
    }
}

/// Every instruction, in the order of the ISA's chapters.
pub fn table() -> impl Iterator<Item = &'static Entry> {
    arithmetic::TABLE.iter().chain(machine::TABLE)
}
