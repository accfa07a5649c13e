//! A launch like an earlier one allocates nothing: programs launch thousands of small kernels.

use exec::{Arena, Dim3, Engine, Launch, LaunchConfig, Memory, MemoryKind, Module, Numerics};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use vfloat::{Format, Rounding};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting the allocations of each thread.
struct Counting;

// SAFETY: passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Barriers and shared memory, divergence, local memory, arithmetic in the launch's format, recursion.
const TEXT: &str = r"
.version 9.3
.target sm_90
.address_size 64

.visible .entry sums(.param .u64 out) {
  .shared .align 4 .b8 tile[512];
  .reg .b32 %r<9>; .reg .f32 %f<5>; .reg .pred %p<2>; .reg .b64 %rd<5>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, tile;
  shl.b32 %r4, %r1, 2;
  add.u32 %r5, %r3, %r4;
  cvt.rn.f32.u32 %f1, %r1;
  st.shared.f32 [%r5], %f1;
  bar.sync 0;
  setp.ge.u32 %p1, %r1, 5;
  @%p1 bra MANY;
  ld.shared.f32 %f2, [tile+64];
  bra.uni JOIN;
MANY:
  ld.shared.f32 %f2, [tile+128];
JOIN:
  fma.rn.vf32 %f3, %f1, %f2, %f2;
  mad.lo.u32 %r6, %r2, 128, %r1;
  mul.wide.u32 %rd2, %r6, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.f32 [%rd3], %f3;
  ret;
}

.func (.reg .b32 %result) down(.reg .b32 %n) {
  .reg .b32 %r<3>; .reg .pred %p<2>;
  setp.eq.u32 %p1, %n, 0;
  mov.u32 %result, 0;
  @%p1 bra DONE;
  sub.u32 %r1, %n, 1;
  call.uni (%r2), down, (%r1);
  add.u32 %result, %r2, %n;
DONE:
  ret;
}

.visible .entry recursive(.param .u64 out) {
  .reg .b32 %r<6>; .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  and.b32 %r2, %r1, 3;
  call.uni (%r3), down, (%r2);
  mul.wide.u32 %rd2, %r1, 4;
  add.u64 %rd3, %rd1, %rd2;
  st.global.u32 [%rd3], %r3;
  ret;
}
";

#[test]
fn later_launches_allocate_nothing() {
    let memory = Memory::new(1 << 20).expect("device memory");
    let ptx = ptx::parse("allocations.ptx", TEXT).expect("PTX without faults");
    let module = Module::load(ptx::check(ptx).expect("PTX that makes sense"), &memory).expect("a module");
    let out = memory.allocate(4 * 128 * 6, MemoryKind::Device).expect("memory");
    let engine = Engine::new(1);
    let numerics = Numerics {
        format: Format::BF16,
        input: Rounding::TowardZero,
    };
    let launch = |kernel: &str, grid: u32| {
        let before = COUNT.get();
        let config = LaunchConfig {
            grid: Dim3 { x: grid, y: 1, z: 1 },
            block: Dim3 { x: 128, y: 1, z: 1 },
            dynamic_shared: 0,
            cooperative: false,
            random: exec::RandomSource::default(),
        };
        let execution = engine.launch(
            &memory,
            &module,
            &Launch::new(kernel, config, &out.to_le_bytes(), numerics),
        );
        let trap = execution.expect("a launch").trap;
        let allocations = COUNT.get() - before;
        assert_eq!(trap, None);
        allocations
    };
    let integer = |k: u64| {
        let mut bytes = [0; 4];
        memory.read(out + 4 * k, &mut bytes).expect("memory of this test");
        u32::from_le_bytes(bytes)
    };
    assert!(launch("sums", 6) > 0, "nothing is counted");
    for n in 2..5 {
        assert_eq!(launch("sums", 6), 0, "allocations of launch {n}");
    }
    // Kernels that take turns share their memory; frames of calls belong to one of them. (A call allocates.)
    for _ in 0..2 {
        launch("recursive", 1);
        assert_eq!(integer(7), 6);
        launch("recursive", 1);
        assert_eq!(launch("sums", 6), 0, "allocations after another kernel");
    }
    let float = |k: u64| f32::from_bits(integer(k));
    assert_eq!((float(4), float(5), float(128 + 7)), (80.0, 192.0, 256.0));
}
