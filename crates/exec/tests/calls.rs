//! Calls that are not inlined: recursion, function pointers, and what goes wrong in them.

use exec::{
    Arena, Dim3, Engine, Execution, Launch, LaunchConfig, Limits, Memory, MemoryKind, Module, Numerics, Trap,
    TrapKind,
};

const HEADER: &str = ".version 7.8\n.target sm_75\n.address_size 64\n";

/// A kernel `k(out)` whose `body` has the thread's number in `%r0` and stores `%r1` at `out[%r0]` in the end.
fn with_kernel(functions: &str, body: &str) -> String {
    format!(
        "{HEADER}{functions}
.visible .entry k(.param .u64 out)
{{
	.reg .pred %p<9>;
	.reg .b32 %r<30>;
	.reg .b64 %rd<20>;
	mov.u32 %r20, %ctaid.x;
	mov.u32 %r21, %ntid.x;
	mov.u32 %r22, %tid.x;
	mad.lo.u32 %r0, %r20, %r21, %r22;
	mov.u32 %r1, 0;
{body}
	ld.param.u64 %rd18, [out];
	mul.wide.u32 %rd19, %r0, 4;
	add.u64 %rd18, %rd18, %rd19;
	st.global.u32 [%rd18], %r1;
	ret;
}}
"
    )
}

/// The line of the first `needle` in `ptx`.
fn line_of(ptx: &str, needle: &str) -> u32 {
    let at = ptx.find(needle).expect("it is there");
    ptx[..at].matches('\n').count() as u32 + 1
}

struct Run {
    execution: Execution,
    out: Vec<u32>,
}

fn launch(ptx: &str, blocks: u32, threads: u32, workers: usize, limits: &Limits) -> Run {
    let tree = ptx::parse("calls.ptx", ptx).expect("valid PTX");
    let tree = ptx::check(tree).expect("PTX that makes sense");
    let memory = Memory::new(16 << 20).expect("memory");
    let module = Module::load(tree, &memory).expect("a module");
    let total = (blocks * threads) as usize;
    let out = memory
        .allocate(4 * total as u64, MemoryKind::Device)
        .expect("memory");
    memory.write(out, &vec![0xee; 4 * total]).expect("allocated");
    let config = LaunchConfig {
        grid: Dim3 {
            x: blocks,
            y: 1,
            z: 1,
        },
        block: Dim3 {
            x: threads,
            y: 1,
            z: 1,
        },
        dynamic_shared: 0,
        cooperative: false,
        random: exec::RandomSource::default(),
    };
    let numerics = Numerics {
        format: vfloat::Format::FP32,
        input: vfloat::Rounding::TowardZero,
    };
    let engine = Engine::new(workers);
    let params = out.to_le_bytes();
    let execution = engine
        .launch(
            &memory,
            &module,
            &Launch {
                limits: *limits,
                ..Launch::new("k", config, &params, numerics)
            },
        )
        .expect("a launch");
    let mut bytes = vec![0; 4 * total];
    memory.read(out, &mut bytes).expect("allocated");
    let words = bytes
        .chunks(4)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Run {
        execution,
        out: words.collect(),
    }
}

/// What each of 3 blocks of 80 threads stores must be `f` of its number, and nothing depends on the workers.
fn expect(ptx: &str, f: impl Fn(u32) -> u32) {
    let one = launch(ptx, 3, 80, 1, &Limits::default());
    assert_eq!(one.execution.trap, None);
    let want: Vec<u32> = (0..240).map(f).collect();
    assert_eq!(one.out, want);
    let two = launch(ptx, 3, 80, 2, &Limits::default());
    assert_eq!(two.out, want);
    assert_eq!(one.execution.stats, two.execution.stats);
}

fn trap(ptx: &str) -> Trap {
    let run = launch(ptx, 1, 64, 1, &Limits::default());
    run.execution.trap.expect("a trap")
}

const FIBONACCI: &str = "
.func (.param .b32 ret) fib(.param .b32 n)
{
	.reg .pred %p<3>;
	.reg .b32 %r<10>;
	ld.param.u32 %r1, [n];
	setp.lt.u32 %p1, %r1, 2;
	@%p1 bra $SMALL;
	add.s32 %r2, %r1, -1;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r2;
	call.uni (r0), fib, (a0);
	ld.param.b32 %r3, [r0];
	}
	add.s32 %r4, %r1, -2;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r4;
	call.uni (r0), fib, (a0);
	ld.param.b32 %r5, [r0];
	}
	add.s32 %r6, %r3, %r5;
	st.param.b32 [ret], %r6;
	ret;
$SMALL:
	st.param.b32 [ret], %r1;
	ret;
}
";

fn fib(n: u32) -> u32 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

fn fib_calls(n: u32) -> u64 {
    if n < 2 {
        1
    } else {
        1 + fib_calls(n - 1) + fib_calls(n - 2)
    }
}

const CALL_FIB: &str = "
	rem.u32 %r2, %r0, 13;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r2;
	call.uni (r0), fib, (a0);
	ld.param.b32 %r1, [r0];
	}
";

#[test]
fn recursion_goes_deeper_in_some_lanes_than_in_others() {
    expect(&with_kernel(FIBONACCI, CALL_FIB), |i| fib(i % 13));
}

#[test]
fn instructions_of_called_functions_are_counted() {
    let run = launch(&with_kernel(FIBONACCI, CALL_FIB), 1, 64, 1, &Limits::default());
    // A call runs 5 instructions for n < 2 and 14 else (`fib` to its return, two calls among them); the tree of
    // calls is binary.
    let calls: u64 = (0..64).map(|i| fib_calls(i % 13)).sum();
    let leaves: u64 = (0..64).map(|i| fib_calls(i % 13).div_ceil(2)).sum();
    let kernel = 64 * (5 + 4 + 5);
    assert_eq!(
        run.execution.stats.thread_instructions,
        kernel + leaves * 5 + (calls - leaves) * 14
    );
    let limits = Limits {
        instructions: Some(5000),
    };
    let stopped = launch(&with_kernel(FIBONACCI, CALL_FIB), 1, 64, 1, &limits);
    let kind = stopped.execution.trap.map(|t| t.kind);
    assert_eq!(
        kind,
        Some(TrapKind::InstructionBudget {
            limit: 5000,
            all: false
        })
    );
}

/// Parameters and results in registers, as old PTX has them; calls under a guard; a call in a loop that is
/// entered again by an inner call.
const ACKERMANN: &str = "
.func (.reg .u32 ret) ack(.reg .u32 m, .reg .u32 n)
{
	.reg .pred %p<3>;
	.reg .b32 %r<10>;
	mov.u32 %r1, m;
	mov.u32 %r2, n;
$AGAIN:
	setp.eq.u32 %p1, %r1, 0;
	@%p1 bra $DONE;
	setp.eq.u32 %p2, %r2, 0;
	mov.u32 %r3, 1;
	add.s32 %r4, %r2, -1;
	@!%p2 call (%r3), ack, (%r1, %r4);
	mov.u32 %r2, %r3;
	add.s32 %r1, %r1, -1;
	bra $AGAIN;
$DONE:
	add.s32 ret, %r2, 1;
	ret;
}
";

#[test]
fn recursion_in_loops_under_guards_and_with_registers() {
    let ptx = with_kernel(
        ACKERMANN,
        "	rem.u32 %r2, %r0, 3;
	rem.u32 %r3, %r0, 5;
	call (%r1), ack, (%r2, %r3);",
    );
    fn ack(m: u32, n: u32) -> u32 {
        match (m, n) {
            (0, n) => n + 1,
            (m, 0) => ack(m - 1, 1),
            (m, n) => ack(m - 1, ack(m, n - 1)),
        }
    }
    expect(&ptx, |i| ack(i % 3, i % 5));
}

#[test]
fn functions_that_call_each_other() {
    let side = |name: &str, other: &str, value: u32| {
        format!(
            "
.func (.param .b32 ret) {name}(.param .b32 n)
{{
	.reg .pred %p<3>;
	.reg .b32 %r<10>;
	.param .b32 r0;
	.param .b32 a0;
	ld.param.u32 %r1, [n];
	setp.eq.u32 %p1, %r1, 0;
	mov.u32 %r2, {value};
	@%p1 bra $END;
	add.s32 %r1, %r1, -1;
	st.param.b32 [a0], %r1;
	call (r0), {other}, (a0);
	ld.param.b32 %r2, [r0];
	shl.b32 %r2, %r2, 1;
	add.s32 %r2, %r2, {value};
$END:
	st.param.b32 [ret], %r2;
	ret;
}}
"
        )
    };
    let declared = ".func (.param .b32 ret) odd(.param .b32 n);";
    let functions = format!("{declared}{}{}", side("even", "odd", 1), side("odd", "even", 0));
    let ptx = with_kernel(
        &functions,
        "	and.b32 %r2, %r0, 15;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r2;
	call.uni (r0), even, (a0);
	ld.param.b32 %r1, [r0];
	}",
    );
    fn step(n: u32, even: bool) -> u32 {
        let value = u32::from(even);
        if n == 0 {
            value
        } else {
            2 * step(n - 1, !even) + value
        }
    }
    expect(&ptx, |i| step(i & 15, true));
}

/// Each level adds to a variable of the first caller and leaves a trace in an array of its own, which its
/// callee reads through a generic pointer.
const POINTERS: &str = "
.func down(.param .b64 sum, .param .b64 mine, .param .b32 n)
{
	.reg .pred %p<3>;
	.reg .b32 %r<10>;
	.reg .b64 %rd<10>;
	.local .align 8 .b8 own[24];
	ld.param.u64 %rd1, [sum];
	ld.param.u64 %rd2, [mine];
	ld.param.u32 %r1, [n];
	ld.u32 %r2, [%rd2+8];
	ld.u32 %r3, [%rd1];
	add.u32 %r3, %r3, %r2;
	st.u32 [%rd1], %r3;
	setp.eq.u32 %p1, %r1, 0;
	@%p1 ret;
	mov.u64 %rd3, own;
	cvta.local.u64 %rd4, %rd3;
	mul.lo.u32 %r4, %r1, 3;
	st.local.u32 [%rd3+8], %r4;
	st.local.u32 [own+16], %r1;
	add.u32 %r5, %r1, -1;
	{
	.param .b64 a0;
	.param .b64 a1;
	.param .b32 a2;
	st.param.b64 [a0], %rd1;
	st.param.b64 [a1], %rd4;
	st.param.b32 [a2], %r5;
	call.uni down, (a0, a1, a2);
	}
	ld.local.u32 %r6, [own+16];
	ld.u32 %r7, [%rd1];
	add.u32 %r7, %r7, %r6;
	st.u32 [%rd1], %r7;
	ret;
}
";

#[test]
fn pointers_to_variables_of_callers() {
    let ptx = with_kernel(
        POINTERS,
        "	.local .align 8 .b8 total[16];
	.reg .b64 %t<3>;
	mov.u64 %t1, total;
	cvta.local.u64 %t2, %t1;
	st.local.u32 [total], 0;
	st.local.u32 [total+8], 1000;
	rem.u32 %r2, %r0, 7;
	{
	.param .b64 a0;
	.param .b64 a1;
	.param .b32 a2;
	st.param.b64 [a0], %t2;
	st.param.b64 [a1], %t2;
	st.param.b32 [a2], %r2;
	call.uni down, (a0, a1, a2);
	}
	ld.local.u32 %r1, [total];",
    );
    expect(&ptx, |i| 1000 + (1..=i % 7).map(|n| 3 * n + n).sum::<u32>());
}

const SHAPES: &str = "
.func (.param .b32 ret) twice(.param .b32 x)
{
	.reg .b32 %r<3>;
	ld.param.u32 %r1, [x];
	add.u32 %r1, %r1, %r1;
	st.param.b32 [ret], %r1;
	ret;
}
.func (.param .b32 ret) square(.param .b32 x)
{
	.reg .b32 %r<3>;
	ld.param.u32 %r1, [x];
	mul.lo.u32 %r1, %r1, %r1;
	st.param.b32 [ret], %r1;
	ret;
}
.func (.param .b32 ret) block_plus(.param .b32 x)
{
	.reg .b32 %r<3>;
	ld.param.u32 %r1, [x];
	mov.u32 %r2, %ctaid.x;
	add.u32 %r1, %r1, %r2;
	mov.u32 %r2, %tid.x;
	add.u32 %r1, %r1, %r2;
	st.param.b32 [ret], %r1;
	ret;
}
.func (.param .b32 ret) other(.param .b64 x)
{
	st.param.b32 [ret], 5;
	ret;
}
.global .align 8 .u64 table[4] = {twice, square, block_plus, other};
";

/// Calls table[`%r2`] with `%r0` + 1.
const CALL_TABLE: &str = "
	mov.u64 %rd1, table;
	mul.wide.u32 %rd2, %r2, 8;
	add.u64 %rd1, %rd1, %rd2;
	ld.global.u64 %rd3, [%rd1];
	add.u32 %r3, %r0, 1;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r3;
	prototype_0 : .callprototype (.param .b32 _) _ (.param .b32 _);
	call (r0), %rd3, (a0), prototype_0;
	ld.param.b32 %r1, [r0];
	}
";

#[test]
fn indirect_calls_with_different_targets_in_a_warp() {
    let ptx = with_kernel(
        SHAPES,
        &format!("	rem.u32 %r2, %r0, 3;{CALL_TABLE}	add.u32 %r1, %r1, 1;"),
    );
    expect(&ptx, |i| {
        1 + match i % 3 {
            0 => 2 * (i + 1),
            1 => (i + 1) * (i + 1),
            _ => i + 1 + i / 80 + i % 80,
        }
    });
}

#[test]
fn addresses_by_name_compare_and_call() {
    // The lanes choose with selp; equal addresses are the same function, through a list of targets.
    let ptx = with_kernel(
        SHAPES,
        "	mov.u64 %rd1, twice;
	mov.u64 %rd2, square;
	and.b32 %r2, %r0, 1;
	setp.eq.u32 %p1, %r2, 0;
	selp.b64 %rd3, %rd1, %rd2, %p1;
	mov.u64 %rd4, table;
	ld.global.u64 %rd5, [%rd4];
	setp.eq.u64 %p2, %rd5, %rd3;
	selp.u32 %r4, 1000, 0, %p2;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r0;
	targets: .calltargets twice, square;
	call (r0), %rd3, (a0), targets;
	ld.param.b32 %r1, [r0];
	}
	add.u32 %r1, %r1, %r4;",
    );
    expect(&ptx, |i| if i % 2 == 0 { 2 * i + 1000 } else { i * i });
}

#[test]
fn addresses_that_wrap_around_belong_to_one_call() {
    // Thread numbers plus 2^32 - 16, widened, lie on no line in the first warp: that must be seen in each call,
    // and not be lost in the caller.
    let functions = "
.func (.param .b64 ret) sum(.param .b32 n)
{
	.reg .pred %p<3>;
	.reg .b32 %r<6>;
	.reg .b64 %rd<6>;
	.param .b32 a0;
	.param .b64 r0;
	ld.param.u32 %r1, [n];
	mov.u32 %r2, %tid.x;
	add.u32 %r3, %r2, -16;
	cvt.u64.u32 %rd1, %r3;
	mov.u64 %rd2, 0;
	setp.eq.u32 %p1, %r1, 0;
	@%p1 bra $END;
	add.u32 %r1, %r1, -1;
	st.param.b32 [a0], %r1;
	call (r0), sum, (a0);
	ld.param.b64 %rd2, [r0];
$END:
	add.u64 %rd3, %rd1, %rd2;
	st.param.b64 [ret], %rd3;
	ret;
}
";
    let ptx = with_kernel(
        functions,
        "	add.u32 %r2, %r22, -8;
	mul.wide.u32 %rd1, %r2, 4;
	and.b32 %r3, %r22, 3;
	{
	.param .b32 a0;
	.param .b64 r0;
	st.param.b32 [a0], %r3;
	call (r0), sum, (a0);
	ld.param.b64 %rd2, [r0];
	}
	add.u64 %rd3, %rd1, %rd2;
	shr.u64 %rd4, %rd3, 32;
	cvt.u32.u64 %r4, %rd3;
	cvt.u32.u64 %r5, %rd4;
	xor.b32 %r1, %r4, %r5;",
    );
    expect(&ptx, |i| {
        let tid = i % 80;
        let level = u64::from(tid.wrapping_sub(16));
        let sum = u64::from(tid.wrapping_sub(8)) * 4 + level * u64::from((tid & 3) + 1);
        sum as u32 ^ (sum >> 32) as u32
    });
}

/// Objects with a pointer to a table of functions, which take the object and call each other through it.
const OBJECTS: &str = "
.func (.param .b32 ret) area_a(.param .b64 self)
{
	.reg .b32 %r<3>;
	.reg .b64 %rd<3>;
	ld.param.u64 %rd1, [self];
	ld.u32 %r1, [%rd1+8];
	mul.lo.u32 %r1, %r1, 10;
	st.param.b32 [ret], %r1;
	ret;
}
.func (.param .b32 ret) area_b(.param .b64 self)
{
	.reg .b32 %r<3>;
	.reg .b64 %rd<4>;
	ld.param.u64 %rd1, [self];
	ld.u64 %rd2, [%rd1];
	ld.u64 %rd3, [%rd2+8];
	{
	.param .b64 a0;
	.param .b32 r0;
	st.param.b64 [a0], %rd1;
	p1 : .callprototype (.param .b32 _) _ (.param .b64 _);
	call (r0), %rd3, (a0), p1;
	ld.param.b32 %r1, [r0];
	}
	add.u32 %r1, %r1, 7;
	st.param.b32 [ret], %r1;
	ret;
}
.func (.param .b32 ret) size(.param .b64 self)
{
	.reg .b32 %r<3>;
	.reg .b64 %rd<3>;
	ld.param.u64 %rd1, [self];
	ld.u32 %r1, [%rd1+8];
	st.param.b32 [ret], %r1;
	ret;
}
.global .align 8 .u64 vtable_a[2] = {area_a, size};
.global .align 8 .u64 vtable_b[2] = {area_b, size};
";

#[test]
fn virtual_functions() {
    let ptx = with_kernel(
        OBJECTS,
        "	.local .align 8 .b8 object[16];
	.reg .b64 %t<5>;
	mov.u64 %rd1, vtable_a;
	mov.u64 %rd2, vtable_b;
	cvta.global.u64 %rd1, %rd1;
	cvta.global.u64 %rd2, %rd2;
	and.b32 %r2, %r0, 4;
	setp.eq.u32 %p1, %r2, 0;
	selp.b64 %rd3, %rd1, %rd2, %p1;
	st.local.u64 [object], %rd3;
	st.local.u32 [object+8], %r0;
	mov.u64 %t1, object;
	cvta.local.u64 %t2, %t1;
	ld.u64 %t3, [%t2];
	ld.u64 %t4, [%t3];
	{
	.param .b64 a0;
	.param .b32 r0;
	st.param.b64 [a0], %t2;
	p0 : .callprototype (.param .b32 _) _ (.param .b64 _);
	call (r0), %t4, (a0), p0;
	ld.param.b32 %r1, [r0];
	}",
    );
    expect(&ptx, |i| if i & 4 == 0 { 10 * i } else { i + 7 });
}

#[test]
fn barriers_shuffles_and_shared_memory_in_called_functions() {
    // Shared memory that only the called function knows; all warps of the block meet inside it.
    let functions = "
.shared .align 4 .b8 sums[128];
.func (.param .b32 ret) total(.param .b32 x)
{
	.reg .pred %p<3>;
	.reg .b32 %r<12>;
	.reg .b64 %rd<3>;
	ld.param.u32 %r1, [x];
	shfl.sync.bfly.b32 %r2, %r1, 1, 31, 0xffffffff;
	add.u32 %r1, %r1, %r2;
	mov.u32 %r3, %tid.x;
	setp.eq.u32 %p1, %r3, 0;
	@%p1 st.shared.u32 [sums], 0;
	bar.sync 0;
	atom.shared.add.u32 %r4, [sums], %r1;
	bar.sync 0;
	ld.shared.u32 %r5, [sums];
	st.param.b32 [ret], %r5;
	ret;
}
.global .align 8 .u64 table[1] = {total};
";
    let ptx = with_kernel(
        functions,
        &format!("	mov.u32 %r2, 0;\n	rem.u32 %r0, %r0, 64;{CALL_TABLE}"),
    );
    let run = launch(&ptx, 1, 64, 1, &Limits::default());
    assert_eq!(run.execution.trap, None);
    assert_eq!(run.out, vec![2 * (1..=64).sum::<u32>(); 64]);
}

#[test]
fn a_lock_taken_in_a_recursive_function() {
    // Each lane takes the lock at the bottom of its recursion, which is not equally deep; lanes that wait for
    // it and lanes that return must let each other go.
    let functions = "
.global .align 4 .u32 lock;
.global .align 4 .u32 counter;
.func (.param .b32 ret) work(.param .b32 n)
{
	.reg .pred %p<4>;
	.reg .b32 %r<10>;
	.param .b32 a0;
	.param .b32 r0;
	ld.param.u32 %r1, [n];
	setp.eq.u32 %p1, %r1, 0;
	@%p1 bra $TRY;
	add.u32 %r1, %r1, -1;
	st.param.b32 [a0], %r1;
	call (r0), work, (a0);
	ld.param.b32 %r2, [r0];
	add.u32 %r2, %r2, 1;
	st.param.b32 [ret], %r2;
	ret;
$TRY:
	atom.global.cas.b32 %r3, [lock], 0, 1;
	setp.ne.u32 %p2, %r3, 0;
	@%p2 bra $TRY;
	ld.volatile.global.u32 %r4, [counter];
	add.u32 %r4, %r4, 1;
	st.volatile.global.u32 [counter], %r4;
	membar.gl;
	atom.global.exch.b32 %r5, [lock], 0;
	st.param.b32 [ret], 0;
	ret;
}
";
    let ptx = with_kernel(
        functions,
        "	rem.u32 %r2, %r0, 5;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r2;
	call.uni (r0), work, (a0);
	ld.param.b32 %r3, [r0];
	}
	bar.sync 0;
	ld.volatile.global.u32 %r4, [counter];
	mad.lo.u32 %r1, %r3, 1000, %r4;",
    );
    let run = launch(&ptx, 1, 64, 1, &Limits::default());
    assert_eq!(run.execution.trap, None);
    let want: Vec<u32> = (0..64).map(|i| 1000 * (i % 5) + 64).collect();
    assert_eq!(run.out, want);
}

#[test]
fn threads_may_end_inside_a_called_function() {
    let functions = "
.func (.param .b32 ret) until(.param .b32 n)
{
	.reg .pred %p<3>;
	.reg .b32 %r<5>;
	.param .b32 a0;
	.param .b32 r0;
	ld.param.u32 %r1, [n];
	setp.eq.u32 %p1, %r1, 3;
	@%p1 exit;
	setp.eq.u32 %p2, %r1, 0;
	mov.u32 %r2, 50;
	@%p2 bra $END;
	add.u32 %r1, %r1, -1;
	st.param.b32 [a0], %r1;
	call (r0), until, (a0);
	ld.param.b32 %r2, [r0];
	add.u32 %r2, %r2, 1;
$END:
	st.param.b32 [ret], %r2;
	ret;
}
";
    let ptx = with_kernel(
        functions,
        "	and.b32 %r2, %r0, 7;
	{
	.param .b32 a0;
	.param .b32 r0;
	st.param.b32 [a0], %r2;
	call.uni (r0), until, (a0);
	ld.param.b32 %r1, [r0];
	}",
    );
    expect(&ptx, |i| if i & 7 < 3 { 50 + (i & 7) } else { 0xeeee_eeee });
}

#[test]
fn printing_and_asserting_in_a_called_function() {
    let functions = "
.extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);
.global .align 1 .b8 text[6] = {37, 100, 32, 0, 0, 0};
.func show(.param .b32 n)
{
	.reg .pred %p<3>;
	.reg .b32 %r<5>;
	.reg .b64 %rd<5>;
	.local .align 8 .b8 buffer[8];
	.param .b32 a0;
	ld.param.u32 %r1, [n];
	st.local.u32 [buffer], %r1;
	mov.u64 %rd1, buffer;
	cvta.local.u64 %rd2, %rd1;
	mov.u64 %rd3, text;
	cvta.global.u64 %rd4, %rd3;
	{
	.param .b64 f0;
	.param .b64 f1;
	.param .b32 q;
	st.param.b64 [f0], %rd4;
	st.param.b64 [f1], %rd2;
	call.uni (q), vprintf, (f0, f1);
	ld.param.b32 %r2, [q];
	}
	sub.u32 %r1, %r1, %r2;
	setp.gt.s32 %p1, %r1, 0;
	st.param.b32 [a0], %r1;
	@%p1 call show, (a0);
	ret;
}
";
    let ptx = with_kernel(
        functions,
        "	{
	.param .b32 a0;
	st.param.b32 [a0], 4;
	call.uni show, (a0);
	}",
    );
    let run = launch(&ptx, 1, 1, 1, &Limits::default());
    assert_eq!(run.execution.trap, None);
    assert_eq!(run.execution.output, b"4 3 2 1 ");
}

#[test]
fn a_trap_names_the_line_of_the_called_function() {
    let functions = FIBONACCI.replace(
        "$SMALL:\n",
        "$SMALL:\n	.reg .b64 %rd1;\n	mov.u64 %rd1, 64;\n	ld.global.u32 %r7, [%rd1];\n",
    );
    let ptx = with_kernel(&functions, CALL_FIB);
    let trap = trap(&ptx);
    assert_eq!(trap.location.line, line_of(&ptx, "ld.global.u32 %r7"));
    assert_eq!(trap.location.text, "ld.global.u32 %r7, [%rd1];");
    assert!(
        matches!(trap.kind, TrapKind::OutOfBounds { address: 64, .. }),
        "{trap}"
    );
}

#[test]
fn infinite_recursion_overflows_the_stack() {
    let functions = "
.func forever(.param .b32 n)
{
	.reg .b32 %r<3>;
	.param .b32 a0;
	ld.param.u32 %r1, [n];
	add.u32 %r1, %r1, 1;
	st.param.b32 [a0], %r1;
	call forever, (a0);
	ret;
}
";
    let ptx = with_kernel(
        functions,
        "	.param .b32 a0;
	st.param.b32 [a0], %r0;
	call forever, (a0);",
    );
    let trap = trap(&ptx);
    assert_eq!(trap.kind, TrapKind::StackOverflow { limit: 64 << 10 });
    assert_eq!(trap.location.line, line_of(&ptx, "call forever"));
    let text = trap.to_string();
    assert!(text.starts_with("stack overflow: "), "{text}");
}

#[test]
fn a_thousand_levels_are_no_overflow() {
    let ptx = with_kernel(
        POINTERS,
        "	.local .align 8 .b8 total[16];
	.reg .b64 %t<3>;
	mov.u64 %t1, total;
	cvta.local.u64 %t2, %t1;
	{
	.param .b64 a0;
	.param .b64 a1;
	.param .b32 a2;
	st.param.b64 [a0], %t2;
	st.param.b64 [a1], %t2;
	st.param.b32 [a2], 650;
	call.uni down, (a0, a1, a2);
	}
	ld.local.u32 %r1, [total];",
    );
    expect(&ptx, |_| 4 * 650 * 651 / 2);
}

#[test]
fn calls_of_what_is_no_such_function() {
    let null = with_kernel(
        SHAPES,
        &CALL_TABLE.replace("ld.global.u64 %rd3, [%rd1]", "mov.u64 %rd3, 0"),
    );
    let t = trap(&null);
    assert_eq!(t.kind, TrapKind::BadCall { address: 0 });
    assert_eq!(t.location.line, line_of(&null, "call (r0), %rd3"));
    assert!(t.to_string().contains("null function pointer"), "{t}");
    // Thread 3 takes a function with other parameters.
    let other = with_kernel(SHAPES, &format!("	and.b32 %r2, %r0, 3;{CALL_TABLE}"));
    let t = trap(&other);
    assert!(
        matches!(t.kind, TrapKind::BadCall { address } if address != 0),
        "{t}"
    );
    assert_eq!(t.thread, Dim3 { x: 3, y: 0, z: 0 });
    assert!(t.to_string().contains("prototype"), "{t}");
    // A function is no data.
    let data = with_kernel(
        SHAPES,
        "	mov.u64 %rd1, twice;
	ld.u32 %r1, [%rd1];",
    );
    let t = trap(&data);
    assert!(matches!(t.kind, TrapKind::OutOfBounds { .. }), "{t}");
}

#[test]
fn allocation_and_launches_in_kernels_are_refused_by_name() {
    for (name, parameter) in [
        ("malloc", ".param .b64 n"),
        ("cudaLaunchDeviceV2", ".param .b64 n"),
    ] {
        let ptx = with_kernel(
            &format!(".extern .func (.param .b64 p) {name} ({parameter});"),
            &format!(
                "	{{
	.param .b64 a0;
	.param .b64 r0;
	mov.u64 %rd1, 16;
	st.param.b64 [a0], %rd1;
	call.uni (r0), {name}, (a0);
	}}"
            ),
        );
        let memory = Memory::new(1 << 20).expect("memory");
        let parsed = ptx::parse("k.ptx", &ptx).expect("valid PTX");
        let checked = ptx::check(parsed).expect("PTX that makes sense");
        let refused = Module::load(checked, &memory).and_then(|m| m.kernel("k").map(drop));
        let message = refused.expect_err(name).to_string();
        assert!(message.contains(name), "{message}");
    }
}
