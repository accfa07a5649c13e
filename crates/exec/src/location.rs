//! Where the instructions of a program stand in the PTX text, and in the CUDA source that it comes from.

use crate::program::Program;
use backend::Location;
use ir::Origin;
use ptx::ast::{Item, Lines, Module};

/// Finds places, without reading the text from its start each time.
pub(crate) struct Locations<'a> {
    program: &'a Program,
    ptx: &'a Module,
    lines: Lines,
}

impl<'a> Locations<'a> {
    /// For a program made of `ptx`.
    pub fn new(program: &'a Program, ptx: &'a Module) -> Locations<'a> {
        Locations {
            program,
            ptx,
            lines: Lines::new(&ptx.source),
        }
    }

    /// The PTX line of an instruction, from 1.
    pub fn line(&self, origin: &Origin) -> u32 {
        self.lines.line(origin.span.start)
    }

    /// Where an instruction stands.
    pub fn of(&self, origin: &Origin) -> Location {
        let line = self.line(origin);
        Location {
            file: self.ptx.source.name.clone(),
            line,
            text: self.lines.text(&self.ptx.source, line).trim().into(),
            cuda: self.cuda(origin),
        }
    }

    /// Where the instruction at `pc` stands.
    pub fn at(&self, pc: usize) -> Location {
        let origins = &self.program.origins;
        self.of(&origins[pc.min(origins.len() - 1)])
    }

    /// CUDA file and line of an instruction, where the PTX has `.loc`.
    fn cuda(&self, origin: &Origin) -> Option<(String, u32)> {
        let (index, line) = *self.program.locs.get((origin.loc as usize).checked_sub(1)?)?;
        let name = self.ptx.items.iter().find_map(|i| match i {
            Item::File { index: n, name, .. } if *n == index => Some(name.clone()),
            _ => None,
        });
        Some((name.unwrap_or_else(|| format!("file {index}")), line))
    }
}
