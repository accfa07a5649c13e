//! What the engine observed in this process, as the records of other processes have it.

use exec::observe as engine;
use lab::observe::{Observation, Shadow, Values};

fn values(e: &engine::Values) -> Values {
    Values {
        zero: e.zeros(),
        nan: e.nans(),
        inf: e.infinities(),
        exponents: e.finite().collect(),
        widths: e.widths().collect(),
    }
}

/// The bins that are not empty, numbered from `first`.
fn bins<K: TryFrom<usize> + std::ops::Add<Output = K> + Copy>(counts: &[u64], first: K) -> Vec<(K, u64)> {
    let all = counts.iter().enumerate().filter(|(_, n)| **n > 0);
    all.filter_map(|(k, n)| Some((K::try_from(k).ok()? + first, *n)))
        .collect()
}

/// As a record has it.
pub fn observation(o: &engine::Observation) -> Observation {
    let (at, t) = (&o.location, &o.tally);
    let (cuda_file, cuda_line) = at.cuda.clone().unwrap_or_default();
    let facts = engine::Fact::ALL.iter().filter(|f| t.get(**f) > 0);
    let arity = o.kind.arity();
    Observation {
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
        facts: facts.map(|f| (f.name().to_string(), t.get(*f))).collect(),
        cut: t.cut[..arity].to_vec(),
        operands: t.operands[..arity].iter().map(values).collect(),
        result: values(&t.result),
        lost: bins(&t.lost, 0u32),
        shadow: o.errors.as_ref().map(|e| Shadow {
            count: e.count,
            exact: e.exact,
            apart: e.apart,
            max_relative: e.max_relative,
            sum_relative: e.sum_relative,
            max_ulps: e.max_ulps,
            histogram: bins(&e.histogram, engine::LOWEST),
        }),
    }
}
