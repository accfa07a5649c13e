//! A program with one module, and what it does.
#![allow(dead_code)] // each test binary uses its part

use crate::common::Wrapper;
use gpu::{
    Arguments, Context, CopyKind, DEFAULT_STREAM, Dim3, Error, Function, Geometry, Module, Startup, Work,
};
use std::sync::Arc;

pub const ONE_WARP: Geometry = Geometry {
    grid: Dim3 { x: 1, y: 1, z: 1 },
    block: Dim3 { x: 4, y: 1, z: 1 },
    dynamic_shared: 0,
    cooperative: false,
};

pub struct Program {
    pub context: Context,
    pub module: Arc<Module>,
    pub functions: Vec<Arc<Function>>,
}

impl Program {
    /// A program that names these kernels and variables of its fat binary.
    pub fn new(startup: Startup, binary: *const Wrapper, kernels: &[&str], variables: &[&str]) -> Program {
        Program::of(Context::new(startup), binary, kernels, variables)
    }

    /// The same in a context that is there.
    pub fn of(context: Context, binary: *const Wrapper, kernels: &[&str], variables: &[&str]) -> Program {
        // SAFETY: the fat binary lives as long as the process.
        let module = unsafe { context.fat_binary(binary.cast()) };
        let functions = kernels.iter().map(|k| module.name_kernel(k).unwrap()).collect();
        variables.iter().for_each(|v| module.name_variable(v, None));
        Program {
            context,
            module,
            functions,
        }
    }

    /// Launches its kernel of a number (from 1) on pointers.
    ///
    /// # Safety
    /// As many arguments as the kernel takes, each a pointer.
    pub unsafe fn launch(&self, kernel: usize, arguments: &[usize]) -> Result<(), Error> {
        let pointers: Vec<*const u8> = arguments.iter().map(|a| (&raw const *a).cast()).collect();
        let work = Work::Launch {
            function: &self.functions[kernel - 1],
            geometry: ONE_WARP,
            arguments: Arguments::Pointers(pointers.as_ptr()),
        };
        // SAFETY: the caller's promise.
        unsafe { self.context.issue(DEFAULT_STREAM, work) }
    }

    /// Copies floats to device memory.
    pub fn upload(&self, to: usize, values: &[f32]) -> Result<(), Error> {
        let (from, size) = (values.as_ptr() as usize, 4 * values.len());
        let work = Work::copy(to, from, size, CopyKind::HostToDevice);
        // SAFETY: the slice is valid for its length.
        unsafe { self.context.issue(DEFAULT_STREAM, work) }
    }

    /// Four floats of device memory.
    pub fn download(&self, from: usize) -> Result<[f32; 4], Error> {
        let mut back = [0f32; 4];
        let work = Work::copy(back.as_mut_ptr() as usize, from, 16, CopyKind::DeviceToHost);
        // SAFETY: the array is valid for its length.
        unsafe { self.context.issue(DEFAULT_STREAM, work)? };
        Ok(back)
    }
}
