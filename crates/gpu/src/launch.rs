//! Launching a kernel: every bad configuration is answered before anything runs, the numeric format is read,
//! the back end runs the kernel to its end, and what it printed and how it failed reach the program.

use crate::boundary::Around;
use crate::code::Code;
use crate::context::Context;
use crate::error::{Error, cause_of, trap_code};
use crate::facts::Facts;
use crate::function::{blocks_per_multiprocessor, dynamic_limit};
use crate::geometry::Geometry;
use crate::launches::{Logged, buffers};
use crate::module::Function;
use crate::policy::Location;
use crate::recorder::Running;
use crate::say;
use crate::settings::limits;
use backend::{
    Arena, Dim3, Execution, KernelInfo, Launch, LaunchConfig, Numerics, Progress, Queue, RandomSource,
};
use policy::layers::LaunchSignature;
use record::Event;
use record::run::{Digest, LaunchError, Trap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use vfloat::Format;

/// Why this geometry cannot be launched, if it cannot.
fn refuse(facts: &Facts, info: &KernelInfo, dynamic_limit: u32, g: &Geometry) -> Option<(Code, String)> {
    let dims = |what: &str, asked: Dim3, limit: [u32; 3]| {
        let all = [
            ("x", asked.x, limit[0]),
            ("y", asked.y, limit[1]),
            ("z", asked.z, limit[2]),
        ];
        all.into_iter()
            .find(|(_, n, max)| *n == 0 || n > max)
            .map(|(axis, n, max)| {
                (
                    Code::INVALID_CONFIGURATION,
                    format!("{what} {asked}: {axis} is {n}, allowed are 1 to {max}"),
                )
            })
    };
    let threads = g.block.count();
    let shared = info.static_shared as u64 + g.dynamic_shared as u64;
    if let Some(bad) =
        dims("grid", g.grid, facts.max_grid).or_else(|| dims("block", g.block, facts.max_block))
    {
        return Some(bad);
    }
    if threads > u64::from(facts.max_threads_per_block) {
        let max = facts.max_threads_per_block;
        return Some((
            Code::INVALID_CONFIGURATION,
            format!("block {} has {threads} threads, the device allows {max}", g.block),
        ));
    }
    if threads > u64::from(info.max_threads) {
        let max = info.max_threads;
        return Some((
            Code::LAUNCH_OUT_OF_RESOURCES,
            format!(
                "block {} has {threads} threads, the kernel was compiled for at most {max} (launch bounds)",
                g.block
            ),
        ));
    }
    if g.dynamic_shared > dynamic_limit as usize || shared > u64::from(facts.shared_per_block_optin) {
        return Some((
            Code::INVALID_VALUE,
            format!(
                "{} bytes of dynamic and {} bytes of static shared memory: {dynamic_limit} bytes of dynamic shared memory \
                 are allowed (cudaFuncSetAttribute with cudaFuncAttributeMaxDynamicSharedMemorySize raises it up to {} in all)",
                g.dynamic_shared, info.static_shared, facts.shared_per_block_optin
            ),
        ));
    }
    if g.cooperative {
        let fit = blocks_per_multiprocessor(facts, threads as u32, info.registers, shared);
        let max = u64::from(fit) * u64::from(facts.multiprocessors);
        if g.grid.count() > max {
            return Some((
                Code::COOPERATIVE_LAUNCH_TOO_LARGE,
                format!(
                    "a cooperative grid of {} blocks, the device holds {max} at once",
                    g.grid.count()
                ),
            ));
        }
    }
    None
}

/// The arguments of a launch, in one of the two ways in which programs give them.
#[derive(Clone, Copy)]
pub enum Arguments<'a> {
    /// As many pointers as the kernel has parameters, each to a value of that parameter's size: whoever gives them
    /// promises it.
    Pointers(*const *const u8),
    /// The parameter block itself.
    Block(&'a [u8]),
}

/// The parameter block: each argument copied to its place.
///
/// # Safety
/// As [`Arguments`] says.
unsafe fn parameter_block(info: &KernelInfo, arguments: Arguments<'_>) -> Result<Vec<u8>, String> {
    let mut block = vec![0u8; info.params_size];
    let args = match arguments {
        Arguments::Pointers(args) => args,
        Arguments::Block(given) if given.len() == info.params_size => return Ok(given.to_vec()),
        Arguments::Block(given) => {
            return Err(format!(
                "its parameters take {} bytes, but {} were given",
                info.params_size,
                given.len()
            ));
        }
    };
    if args.is_null() && !info.params.is_empty() {
        return Err(format!(
            "it takes {} arguments, but none were given",
            info.params.len()
        ));
    }
    for (i, p) in info.params.iter().enumerate() {
        // SAFETY: the caller's promise.
        let value = unsafe { *args.add(i) };
        let place = block.get_mut(p.offset..p.offset + p.size);
        match place {
            Some(place) if !value.is_null() => {
                // SAFETY: `value` points to `p.size` bytes (the caller's promise), `place` has as many.
                unsafe { std::ptr::copy_nonoverlapping(value, place.as_mut_ptr(), p.size) };
            }
            _ => return Err(format!("argument {} is a null pointer", i + 1)),
        }
    }
    Ok(block)
}

unsafe extern "C" {
    /// The C library's standard output, so that kernels' output stays in order with the program's own.
    static stdout: *mut libc::FILE;
}

/// Writes what a kernel printed to the C standard output.
fn print(output: &[u8]) {
    if !output.is_empty() {
        // SAFETY: `stdout` is the C library's and open unless the program closed it, in which case fwrite fails.
        unsafe { libc::fwrite(output.as_ptr().cast(), 1, output.len(), stdout) };
    }
}

impl Context {
    /// Launches a kernel.
    ///
    /// # Errors
    /// The launch could not start. A fault while it ran is kept for the next call that synchronises.
    ///
    /// # Safety
    /// As [`Arguments`] says.
    pub(crate) unsafe fn launch(
        &self,
        stream: usize,
        function: &Function,
        geometry: Geometry,
        arguments: Arguments<'_>,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise.
        let result = unsafe { self.try_launch(stream, function, geometry, arguments) };
        result.inspect_err(|error| self.refused(&function.name, error))
    }

    /// Notes in the run record that a launch of something could not start.
    pub fn refused(&self, kernel: &str, error: &Error) {
        if let Some(cause) = error.cause() {
            self.recorder().event(&Event::LaunchError(LaunchError {
                kernel: kernel.to_owned(),
                cause,
                message: error.to_string(),
            }));
        }
    }

    unsafe fn try_launch(
        &self,
        stream: usize,
        entry: &Function,
        geometry: Geometry,
        arguments: Arguments<'_>,
    ) -> Result<(), Error> {
        let ready = self.ready()?;
        self.first_launch.call_once(|| self.look_at_libraries());
        let said = record::Numerics::read(&record::environment::of_process)?;
        let limits = limits()?;
        let loaded = self.loaded(&entry.module)?;
        let active = ready.policy.as_ref();
        let of_policy = active.map(|a| &a.policy);
        let seed = said.seed.or(of_policy.and_then(|p| p.seed));
        let input = said
            .input_rounding
            .or(of_policy.and_then(|p| p.input_rounding))
            .unwrap_or(record::Numerics::INPUT_ROUNDING);
        let numerics = Numerics {
            format: said.format.unwrap_or(Format::FP32),
            input,
        };
        let mut location = Location::default();
        let mut known = None;
        if let Some(active) = active.filter(|a| a.follows_layers()) {
            let info = loaded.kernel(&entry.name, None)?.info;
            // SAFETY: the caller's promise. Bad arguments are refused below.
            known = unsafe { parameter_block(&info, arguments) }.ok();
            let buffers = buffers(ready.memory(), &info, known.as_deref().unwrap_or_default());
            location = active.locate(&LaunchSignature {
                kernel: &entry.name,
                buffers: &buffers,
            });
        }
        let decision = active.map(|a| a.plan(&entry.policy, &entry.name, &location));
        let kernel = loaded.kernel(&entry.name, active.zip(decision.as_ref().map(|d| &d.plan)))?;
        let info = &*kernel.info;
        let settings = *entry.settings();
        let limit = dynamic_limit(&ready.facts, &settings, info.static_shared as u64);
        let fail = |code, reason| Error::Launch {
            kernel: entry.name.to_string(),
            code,
            reason,
        };
        if let Some((code, reason)) = refuse(&ready.facts, info, limit, &geometry) {
            return Err(fail(code, reason));
        }
        let params = match known {
            Some(params) => params,
            // SAFETY: the caller's promise.
            None => unsafe { parameter_block(info, arguments) }.map_err(|r| fail(Code::INVALID_VALUE, r))?,
        };
        let config = LaunchConfig {
            grid: geometry.grid,
            block: geometry.block,
            dynamic_shared: geometry.dynamic_shared as u32,
            cooperative: geometry.cooperative,
            random: RandomSource {
                seed: seed.unwrap_or(0),
                launch: self.launched.fetch_add(1, Ordering::Relaxed),
            },
        };
        self.launch_log()?;
        let around = active
            .zip(decision.as_ref())
            .filter(|(_, d)| !d.tensors.is_empty());
        let around = around.map(|(a, d)| {
            let around = Around {
                memory: ready.memory(),
                info,
                uses: a.uses(&entry.policy, kernel.module.ptx().function(&entry.name)),
                params: &params,
                random: config.random,
                numbers: &d.tensors,
            };
            (&a.tensors, around)
        });
        let progress = Arc::new(Progress::default());
        let (execution, seconds) = {
            // One kernel at a time: the back end uses all threads for each.
            let _turn = self.turn();
            let passed = around.as_ref().map(|(t, around)| t.before(around)).transpose()?;
            if passed.as_ref().is_some_and(|p| p.skip) {
                self.recorder().event(&Event::Skipped {
                    kernel: entry.name.to_string(),
                });
                return Ok(());
            }
            let running = Running::new(self.recorder(), &entry.name, &progress);
            let started = Instant::now();
            let params = passed.as_ref().map_or(&params, |p| &p.params);
            let execution = kernel.module.launch(&Launch {
                limits,
                progress: Some(&progress),
                queue: Queue(stream),
                ..Launch::new(&entry.name, config, params, numerics)
            })?;
            let seconds = started.elapsed().as_secs_f64();
            running.done(execution.stats, seconds);
            drop(passed);
            if let Some((tensors, around)) = around.as_ref().filter(|_| execution.trap.is_none()) {
                tensors.after(around)?;
            }
            (execution, seconds)
        };
        let takers = active.filter(|_| execution.trap.is_some());
        let takers = takers.map_or(Vec::new(), |a| a.takers(&entry.name));
        self.deliver(&entry.name, &execution, &takers);
        if ready.has_digests {
            self.recorder().event(&Event::Digest(Digest {
                kernel: entry.name.to_string(),
                memory: format!("{:016x}", self.digest(ready.memory())),
            }));
        }
        self.log_launch(
            ready.memory(),
            &Logged {
                kernel: &entry.name,
                module: kernel.module.ptx(),
                info,
                geometry: &geometry,
                params: &params,
                stats: &execution.stats,
                seconds,
            },
        );
        Ok(())
    }

    /// Takes note of a launch that has ended, if launches are logged.
    fn log_launch(&self, memory: &dyn Arena, logged: &Logged<'_>) {
        let Ok(Some(log)) = self.launch_log() else { return };
        if log.launched(memory, logged) {
            say::verbose("the launches that were asked for are logged: the program ends here");
            self.finish();
            // SAFETY: ends the process at once, as was asked for: nothing that the program would do at its end is wanted.
            unsafe { libc::_exit(0) }
        }
    }

    /// Passes on what a kernel printed and how it failed; `takers` are the rules that changed its instructions.
    fn deliver(&self, kernel: &str, execution: &Execution, takers: &[String]) {
        print(&execution.output);
        if execution.output_cut {
            say::once(&format!("warning: {}", backend::output_was_cut(kernel)));
        }
        if let Some(trap) = &execution.trap {
            let cause = cause_of(&trap.kind);
            let code = trap_code(cause);
            let message = trap.to_string();
            let mut text = format!("error: {message}\n   = the program gets {code}");
            if !takers.is_empty() {
                text += &format!(
                    "\n   = this kernel does not compute as compiled ({}), which may be the cause: narrowed, a number that decides \
                     where it reads is another; `vernier explain` shows what was changed, `format = \"leave\"` leaves it",
                    takers.join(", ")
                );
            }
            say::once(&text);
            let mark = self.recorder().trap(Trap {
                kernel: kernel.into(),
                cause,
                message,
                looked_at: false,
            });
            self.faults.trapped(code, mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> KernelInfo {
        KernelInfo {
            name: "k".into(),
            params: vec![],
            params_size: 0,
            static_shared: 1024,
            local: 0,
            registers: 32,
            max_threads: 512,
        }
    }

    fn ask(grid: [u32; 3], block: [u32; 3], dynamic_shared: usize, cooperative: bool) -> Option<Code> {
        let d = |[x, y, z]: [u32; 3]| Dim3 { x, y, z };
        let geometry = Geometry {
            grid: d(grid),
            block: d(block),
            dynamic_shared,
            cooperative,
        };
        refuse(&Facts::default(), &info(), 47 << 10, &geometry).map(|(code, _)| code)
    }

    #[test]
    fn configurations_are_judged() {
        assert_eq!(ask([1, 1, 1], [512, 1, 1], 0, false), None);
        assert_eq!(
            ask([0, 1, 1], [1, 1, 1], 0, false),
            Some(Code::INVALID_CONFIGURATION)
        );
        assert_eq!(
            ask([1, 65536, 1], [1, 1, 1], 0, false),
            Some(Code::INVALID_CONFIGURATION)
        );
        assert_eq!(
            ask([1, 1, 1], [1, 1, 65], 0, false),
            Some(Code::INVALID_CONFIGURATION)
        );
        assert_eq!(
            ask([1, 1, 1], [64, 64, 1], 0, false),
            Some(Code::INVALID_CONFIGURATION)
        );
        assert_eq!(
            ask([1, 1, 1], [1024, 1, 1], 0, false),
            Some(Code::LAUNCH_OUT_OF_RESOURCES)
        );
        assert_eq!(
            ask([1, 1, 1], [1, 1, 1], 48 << 10, false),
            Some(Code::INVALID_VALUE)
        );
        assert_eq!(ask([60, 1, 1], [512, 1, 1], 0, true), None);
        assert_eq!(
            ask([61, 1, 1], [512, 1, 1], 0, true),
            Some(Code::COOPERATIVE_LAUNCH_TOO_LARGE)
        );
    }
}
