//! The memory of a block: registers, one set for each call under way (a *frame*), and local memory.

use crate::machine::FULL;

/// 64 bytes that vector code may touch at once.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct Line(pub [u8; 64]);

/// Zeroed memory of at least `bytes` bytes, aligned for vector code.
pub fn lines(bytes: usize) -> Vec<Line> {
    vec![Line([0; 64]); bytes.div_ceil(64)]
}

/// Memory, aligned like [`Line`] and zero at first, that takes no space before it is touched.
#[derive(Default)]
pub struct Zeroed(Vec<u64>);

impl Zeroed {
    /// Makes it at least `bytes` bytes. What was written in it before may still be there.
    pub fn reserve(&mut self, bytes: usize) {
        let words = bytes.div_ceil(8) + 8;
        if self.0.len() < words {
            self.0 = vec![0; words];
        }
    }
    /// The first byte.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        let start = self.0.as_mut_ptr() as *mut u8;
        start.wrapping_add(start.align_offset(64))
    }
}

/// Where a warp's registers begin.
#[derive(Clone, Copy)]
pub struct Registers {
    /// As [`Warp::vectors`].
    pub vectors: *mut u32,
    /// As [`Warp::uniforms`].
    pub uniforms: *mut u64,
    /// As [`Warp::predicates`].
    pub predicates: *mut u32,
    /// As [`Warp::wild`].
    pub wild: *mut bool,
}

/// How large the registers of a frame are, and what stands in them at first; as in [`crate::program::Program`].
pub struct Layout<'a> {
    /// Words of vector registers.
    pub vector_words: usize,
    /// Uniform registers, constants not counted.
    pub uniforms: usize,
    /// Constants, which follow them.
    pub constants: &'a [u64],
    /// Predicates.
    pub predicates: usize,
    /// Affine registers.
    pub affine_regs: usize,
    /// The predicate that is always true.
    pub always: Option<u32>,
}

/// One call under way.
pub struct Frame {
    /// Its registers.
    pub registers: Registers,
    /// The memory behind them.
    _memory: Vec<Line>,
    /// Where its frame in local memory starts, and where its caller's does.
    pub base: u32,
    /// See above.
    pub caller_base: u32,
    /// One past its end.
    pub end: u32,
    /// Index in [`crate::program::Program::functions`].
    pub function: u32,
    /// Index in [`crate::program::Program::calls`].
    pub site: u32,
}

/// The calls under way in a block. Numbers start at 1; 0 is the kernel.
pub struct Frames {
    /// By number, from 1 on.
    pub frames: Vec<Frame>,
    free: Vec<u32>,
    /// Bytes of local memory that the kernel uses.
    kernel_bytes: u32,
}

impl Frames {
    /// For a block that runs a program whose kernel uses so many bytes of local memory.
    pub fn new(kernel_bytes: u32) -> Frames {
        Frames {
            frames: vec![],
            free: vec![],
            kernel_bytes,
        }
    }

    /// Forgets all calls.
    pub fn reset(&mut self) {
        self.free.clear();
        self.free.extend(1..=self.frames.len() as u32);
    }

    /// The registers of a call.
    pub fn registers(&self, frame: u32) -> Registers {
        self.frames[frame as usize - 1].registers
    }

    /// A call is over.
    pub fn release(&mut self, frame: u32) {
        self.free.push(frame);
    }

    /// Start and end of a frame in local memory.
    pub fn extent(&self, frame: u32) -> (u32, u32) {
        match frame {
            0 => (0, self.kernel_bytes),
            _ => {
                let f = &self.frames[frame as usize - 1];
                (f.base, f.end)
            }
        }
    }

    /// Registers that nobody uses, laid out like this; constants are in place.
    pub fn take(&mut self, p: &Layout) -> u32 {
        if let Some(k) = self.free.pop() {
            return k;
        }
        let uniforms = p.uniforms + p.constants.len();
        let vector_lines = (p.vector_words * 4).div_ceil(64);
        let uniform_lines = (uniforms * 8).div_ceil(64);
        let mut memory = lines((vector_lines + uniform_lines) * 64 + p.predicates * 4 + p.affine_regs);
        let start = memory.as_mut_ptr();
        // SAFETY: the memory was made as large as these four pieces, and the vector that holds it never grows.
        let registers = unsafe {
            let predicates = start.add(vector_lines + uniform_lines) as *mut u32;
            let r = Registers {
                vectors: start as *mut u32,
                uniforms: start.add(vector_lines) as *mut u64,
                predicates,
                wild: predicates.add(p.predicates) as *mut bool,
            };
            let constants = r.uniforms.add(p.uniforms);
            constants.copy_from_nonoverlapping(p.constants.as_ptr(), p.constants.len());
            if let Some(yes) = p.always {
                *r.predicates.add(yes as usize) = FULL;
            }
            r
        };
        self.frames.push(Frame {
            registers,
            _memory: memory,
            base: 0,
            caller_base: 0,
            end: 0,
            function: 0,
            site: 0,
        });
        self.frames.len() as u32
    }
}
