//! Tensors at the boundaries of kernels: what `[[quantize]]`, `[[scale]]` and `[loss_scale]` of a policy do before and
//! after a launch.
//!
//! A tensor is what an argument points to: from there to the end of the allocation, as FP32. Before a launch the
//! kernel gets a changed copy; where it also stores through the argument, the buffer itself is changed, because what
//! it stores must reach the program. After a launch the buffer is changed in place.

use crate::error::Error;
use crate::loss_scale;
use crate::recorder::Recorder;
use crate::sync::lock;
use backend::{Arena, KernelInfo, MemoryKind, RandomSource};
use policy::{Action, Argument, Boundary, Policy, Stage, When};
use ptx::flow::ArgumentUse;
use record::Event;
use record::run::Tensor;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use vfloat::stochastic::LaunchStreams;

/// The tensors of a policy, with what was done to them in this process.
pub(crate) struct Tensors {
    /// In the order of [`Policy::tensors`].
    all: Vec<State>,
    loss: Option<Mutex<loss_scale::State>>,
}

struct State {
    asked: Boundary,
    role: Role,
    launches: AtomicU64,
    values: AtomicU64,
}

/// What decides the factor of a scaling.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The document.
    Plain,
    /// The scale of the loss.
    Loss,
    /// Its reciprocal.
    Gradient,
}

/// A launch, for what happens around it.
pub(crate) struct Around<'a> {
    pub(crate) memory: &'a dyn Arena,
    pub(crate) info: &'a KernelInfo,
    /// What the kernel does with its arguments.
    pub(crate) uses: &'a [ArgumentUse],
    /// The program's parameter block.
    pub(crate) params: &'a [u8],
    pub(crate) random: RandomSource,
    /// Numbers in [`Policy::tensors`].
    pub(crate) numbers: &'a [usize],
}

/// What the kernel gets. Dropping it frees the copies.
pub(crate) struct Passed<'a> {
    memory: &'a dyn Arena,
    /// The parameter block, with the addresses of the copies.
    pub(crate) params: Vec<u8>,
    copies: Vec<u64>,
    /// The kernel is an update with a gradient that is not finite: it is left out.
    pub(crate) skip: bool,
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        for copy in &self.copies {
            let freed = self.memory.free(*copy);
            debug_assert!(freed.is_ok(), "a copy of ours is not allocated");
        }
    }
}

/// A tensor in device memory.
struct Span {
    address: u64,
    bytes: u64,
}

impl Span {
    fn read(&self, memory: &dyn Arena) -> Result<Vec<f32>, Error> {
        let mut bytes = vec![0u8; self.bytes as usize];
        memory.read(self.address, &mut bytes)?;
        Ok(bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect())
    }

    fn write(&self, memory: &dyn Arena, values: &[f32]) -> Result<(), Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Ok(memory.write(self.address, &bytes)?)
    }
}

/// The address that a parameter block has at a place.
fn pointer(info: &KernelInfo, params: &[u8], u: &ArgumentUse) -> Option<(usize, u64)> {
    let at = info.params.get(u.index)?.offset + u.offset as usize;
    let bytes = params.get(at..at + 8)?.as_array::<8>()?;
    Some((at, u64::from_le_bytes(*bytes)))
}

impl Tensors {
    /// Of a policy.
    ///
    /// # Errors
    /// What it asks for that is not there.
    pub(crate) fn new(policy: &Policy) -> Result<Tensors, Error> {
        let roles: &[Role] = match policy.loss_scale {
            Some(_) => &[Role::Loss, Role::Gradient],
            None => &[],
        };
        let roles = roles.iter().copied().chain(std::iter::repeat(Role::Plain));
        let mut all = Vec::new();
        for (asked, role) in policy.tensors().zip(roles) {
            if asked.argument.contains(&Argument::Weights) {
                return Err(Error::NotSupported(asked.place.message(
                    "which arguments are weights is not known",
                    "give their numbers, counted from 0, and the kernels that have them",
                )));
            }
            all.push(State {
                asked: asked.clone(),
                role,
                launches: AtomicU64::new(0),
                values: AtomicU64::new(0),
            });
        }
        let loss = policy.loss_scale.as_ref().map(loss_scale::State::new);
        Ok(Tensors {
            all,
            loss: loss.map(Mutex::new),
        })
    }

    /// What the kernel gets instead of the program's arguments.
    ///
    /// # Errors
    /// An argument that is no FP32 tensor; no memory for a copy.
    pub(crate) fn before<'a>(&self, around: &Around<'a>) -> Result<Passed<'a>, Error> {
        let mut passed = Passed {
            memory: around.memory,
            params: around.params.to_vec(),
            copies: Vec::new(),
            skip: false,
        };
        for &n in around.numbers {
            if self.all[n].asked.when == When::Before {
                self.cross(n, around, Some(&mut passed))?;
            }
        }
        if passed.skip
            && let Some(loss) = &self.loss
        {
            lock(loss).skip();
        }
        Ok(passed)
    }

    /// Changes what the kernel left behind.
    ///
    /// # Errors
    /// An argument that is no FP32 tensor.
    pub(crate) fn after(&self, around: &Around<'_>) -> Result<(), Error> {
        for &n in around.numbers {
            if self.all[n].asked.when == When::After {
                self.cross(n, around, None)?;
            }
        }
        Ok(())
    }

    fn cross(
        &self,
        number: usize,
        around: &Around<'_>,
        mut passed: Option<&mut Passed<'_>>,
    ) -> Result<(), Error> {
        let state = &self.all[number];
        let memory = around.memory;
        let mut loss = match (state.role, &self.loss) {
            (Role::Plain, _) | (_, None) => None,
            (_, Some(loss)) => Some(lock(loss)),
        };
        let factor = match (state.role, &mut loss, &state.asked.action) {
            (Role::Loss, Some(loss), _) => loss.begin(),
            (Role::Gradient, Some(loss), _) => loss.unscale(),
            (_, _, Action::Scale { factor }) => *factor,
            _ => 1.0,
        };
        let mut crossed = false;
        for (nth, u) in around.uses.iter().enumerate() {
            if !chosen(&state.asked, u, around.info)? {
                continue;
            }
            // What was copied before is changed in the copy.
            let params = passed.as_ref().map_or(around.params, |p| &p.params);
            let Some((at, address)) = pointer(around.info, params, u) else {
                continue;
            };
            let Some(allocation) = memory.find(address) else {
                continue;
            };
            let bytes = (allocation.end() - address) & !3;
            let mut span = Span { address, bytes };
            let mut values = span.read(memory)?;
            if state.role == Role::Gradient {
                let finite = values.iter().all(|v| v.is_finite());
                if let Some(loss) = &mut loss {
                    loss.judge(finite);
                }
                if let (false, Some(passed)) = (finite, &mut passed) {
                    passed.skip = true;
                    return Ok(());
                }
            }
            match &state.asked.action {
                Action::Scale { .. } => values.iter_mut().for_each(|v| *v *= factor),
                Action::Quantize { format, rounding } => {
                    // Draws of their own: no kernel's, and of no other tensor.
                    let seed = around
                        .random
                        .seed
                        .wrapping_add(((number as u64) << 32 | nth as u64) + 1);
                    format.quantize(
                        &mut values,
                        *rounding,
                        LaunchStreams::new(!seed, around.random.launch),
                    );
                }
            }
            let in_place = u.stores || u.atomics || u.escapes;
            if let Some(passed) = &mut passed
                && !in_place
                && !passed.copies.contains(&allocation.start)
            {
                // The copy begins as far into its granule as the tensor does into its own.
                let lead = address % MOST_ALIGNED;
                let copy = memory.allocate(lead + allocation.end() - address, MemoryKind::Device)?;
                passed.copies.push(copy);
                span.address = copy + lead;
                passed.params[at..at + 8].copy_from_slice(&span.address.to_le_bytes());
            }
            span.write(memory, &values)?;
            crossed = true;
            state.values.fetch_add(values.len() as u64, Ordering::Relaxed);
        }
        if crossed {
            state.launches.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes what became of each tensor; without a record, complains of those that nothing was done to.
    pub(crate) fn finish(&self, recorder: &Recorder, recorded: bool, stage: Option<Stage>) {
        for (number, state) in self.all.iter().enumerate() {
            let launches = state.launches.load(Ordering::Relaxed);
            let other_stage = state.asked.conditions.stage.is_some_and(|s| stage != Some(s));
            recorder.event(&Event::Tensor(Tensor {
                number,
                place: state.asked.place.shown(),
                says: self.says(number),
                launches,
                values: state.values.load(Ordering::Relaxed),
                other_stage,
            }));
            if launches == 0 && !other_stage && !recorded {
                let message = state
                    .asked
                    .place
                    .message(policy::NO_TENSORS, policy::NO_TENSORS_HELP);
                crate::say::error(&format!("error: {message}"));
            }
        }
        if let Some(loss) = &self.loss
            && let Some(event) = lock(loss).event()
        {
            recorder.event(&event);
        }
    }

    fn says(&self, number: usize) -> String {
        let state = &self.all[number];
        match state.role {
            Role::Plain => state.asked.summary(),
            Role::Loss => "loss scaled".into(),
            Role::Gradient => "gradients unscaled".into(),
        }
    }
}

/// Tensors keep their place modulo so many bytes when they are copied: kernels read vectors.
const MOST_ALIGNED: u64 = 256;

/// Whether a tensor of the policy is this one of the kernel.
fn chosen(asked: &Boundary, u: &ArgumentUse, info: &KernelInfo) -> Result<bool, Error> {
    let by_number = asked.argument.contains(&Argument::Index(u.index));
    if by_number && !(u.pointer && (u.float || u.escapes)) {
        let what = match u.pointer {
            true => "is not accessed as FP32",
            false => "is no pointer",
        };
        let message = format!("argument {} of kernel `{}` {what}", u.index, info.name);
        return Err(Error::Setting(asked.place.message(
            &message,
            "arguments are counted from 0; `kernel` says which kernels are meant",
        )));
    }
    let by_kind = |a: &Argument| match a {
        Argument::Inputs => u.loads,
        Argument::Outputs => u.stores || u.atomics,
        _ => false,
    };
    Ok(by_number || (u.pointer && u.float && asked.argument.iter().any(by_kind)))
}
