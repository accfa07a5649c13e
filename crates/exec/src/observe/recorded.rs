//! What was observed and profiled, as a run record has it.

use super::{Fact, Observation, Values};
use crate::probe::LineProfile;

impl From<&Values> for record::Values {
    fn from(v: &Values) -> record::Values {
        record::Values {
            zero: v.zeros(),
            nan: v.nans(),
            inf: v.infinities(),
            exponents: v.finite().collect(),
            widths: v.widths().collect(),
        }
    }
}

/// Only what occurred is written.
impl From<&Observation> for record::Observation {
    fn from(o: &Observation) -> record::Observation {
        let (at, t) = (&o.location, &o.tally);
        let (cuda_file, cuda_line) = at.cuda.clone().unwrap_or_default();
        let facts = Fact::ALL.iter().filter(|f| t.get(**f) > 0);
        let arity = o.kind.arity();
        record::Observation {
            kernel: o.kernel.clone(),
            file: at.file.clone(),
            line: at.line,
            text: at.text.clone(),
            cuda_file,
            cuda_line,
            operation: o.kind.name().into(),
            format: o.format.clone(),
            precision: o.limits.precision,
            min: o.limits.min,
            min_normal: o.limits.min_normal,
            max: o.limits.max,
            executions: t.executions,
            facts: facts.map(|f| (f.name().to_owned(), t.get(*f))).collect(),
            cut: t.cut[..arity].to_vec(),
            operands: t.operands[..arity].iter().map(record::Values::from).collect(),
            result: (&t.result).into(),
            lost: (0..).zip(t.lost).filter(|(_, n)| *n > 0).collect(),
            shadow: o.errors.clone(),
        }
    }
}

impl From<&LineProfile> for record::run::Line {
    fn from(l: &LineProfile) -> record::run::Line {
        let at = &l.location;
        let (cuda_file, cuda_line) = at.cuda.clone().unwrap_or_default();
        record::run::Line {
            kernel: l.kernel.clone(),
            file: at.file.clone(),
            line: at.line,
            text: at.text.clone(),
            cuda_file,
            cuda_line,
            samples: l.samples,
            thread_instructions: l.thread_instructions,
            warp_instructions: l.warp_instructions,
        }
    }
}
