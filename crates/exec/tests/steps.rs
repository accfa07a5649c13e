//! The step stream: what it says of instructions, lanes and addresses, and that waiting and trapping are told. That its
//! results and counts are right in any order is shown with random kernels (`random.rs`).

#[path = "reference/device.rs"]
#[allow(dead_code)] // others launch, this steps
mod device;

use device::{Device, HEADER};
use exec::Arena;
use exec::Memory;
use exec::steps::{Addresses, Needed, Order, Progressed, Step, Steps};

/// Calls `f` with a launch of kernel `k`, two blocks of `threads`, on a buffer of 4 KiB; the text from line 4 on.
fn with<R>(text: &str, threads: u32, f: impl FnOnce(&Memory, u64, &Steps) -> R) -> R {
    let device = Device::new(text, 1);
    let at = device.buffer(4096);
    f(&device.memory, at, &device.steps(2, threads, &at.to_le_bytes()))
}

/// The steps of a warp until it waits or ends.
fn all(block: &mut exec::steps::Block, warp: usize) -> Vec<Step> {
    let mut list = Vec::new();
    while let Progressed::Step(s) = block.step(warp) {
        list.push(s);
    }
    list
}

const MEMORY: &str = ".visible .entry k(.param .u64 p)
{
	.reg .pred %p<3>;
	.reg .b32 %r<9>;
	.reg .b64 %rd<6>;
	.shared .align 4 .b8 s[512];
	ld.param.u64 %rd1, [p];
	mov.u32 %r1, %tid.x;
	setp.lt.u32 %p1, %r1, 4;
	mul.wide.u32 %rd2, %r1, 8;
	add.u64 %rd3, %rd1, %rd2;
	ld.global.u32 %r2, [%rd3+16];
	@%p1 st.global.u32 [%rd1], %r2;
	mul.lo.u32 %r3, %r1, %r1;
	and.b32 %r3, %r3, 127;
	shl.b32 %r4, %r3, 2;
	mov.u32 %r5, s;
	add.u32 %r6, %r5, %r4;
	st.shared.u32 [%r6], %r1;
	setp.gt.u32 %p2, %r1, 99;
	@%p2 ld.global.u32 %r7, [%rd1];
	atom.global.add.u32 %r8, [%rd1+64], 1;
	ret;
}
";

#[test]
fn every_instruction_is_told_with_its_lanes_and_addresses() {
    with(MEMORY, 40, |_, at, steps| {
        let facts = steps.instructions();
        let lines: Vec<String> = {
            let text = format!("{HEADER}{MEMORY}");
            facts
                .iter()
                .map(|f| text[f.span.start as usize..f.span.end as usize].to_string())
                .collect()
        };
        assert_eq!(facts.len(), 17, "{lines:?}");
        let number = |text: &str| lines.iter().position(|l| l.starts_with(text)).expect(text) as u32;
        let mut block = steps.block(1);
        assert_eq!(block.warps(), 2);
        // The second warp has 8 threads.
        let second = all(&mut block, 1);
        assert!(second.iter().all(|s| s.active == 0xff), "{second:?}");
        let list = all(&mut block, 0);
        // Those whose guard is false everywhere, too.
        assert_eq!(list.len(), 17);
        assert!(list.iter().map(|s| s.instruction).eq(0..17));
        let of = |text: &str| &list[number(text) as usize];
        assert_eq!(of("ld.param").addresses, Some(Addresses::Uniform(0)));
        let load = of("ld.global.u32 %r2");
        assert_eq!(
            load.addresses,
            Some(Addresses::Line {
                base: at + 16,
                stride: 8
            })
        );
        let store = of("@%p1 st.global");
        assert_eq!((store.active, store.executed), (u32::MAX, 0xf));
        assert_eq!(store.addresses, Some(Addresses::Uniform(at)));
        let Some(Addresses::Each(shared)) = &of("st.shared").addresses else {
            panic!("{list:?}");
        };
        assert!(
            (0..32u64).all(|l| shared[l as usize] % 512 == l * l % 128 * 4),
            "{shared:?}"
        );
        let never = of("@%p2 ld.global");
        assert_eq!((never.executed, &never.addresses), (0, &None));
        assert_eq!(of("atom").addresses, Some(Addresses::Uniform(at + 64)));
        let access = facts[number("st.shared") as usize].access.expect("an access");
        assert_eq!((access.space, access.bytes), (ir::Space::Shared, 4));
        assert!(access.stores && !access.loads);
        let add = &facts[number("add.u64") as usize];
        assert_eq!((add.reads.len(), add.writes.len()), (2, 1));
        // The guard is read, too.
        assert_eq!(facts[number("@%p1 st.global") as usize].reads.len(), 3);
        assert!(block.is_done());
        assert_eq!(block.stats().warp_instructions, 34);
    });
}

#[test]
fn a_block_goes_no_further_than_it_is_let() {
    with(MEMORY, 32, |memory, at, steps| {
        let mut block = steps.block(0);
        let counter = || {
            let mut word = [0; 4];
            memory.read(at + 64, &mut word).expect("the buffer");
            u32::from_le_bytes(word)
        };
        for _ in 0..15 {
            assert!(matches!(block.step(0), Progressed::Step(_)));
        }
        assert_eq!(counter(), 0);
        // The atomic, and no more.
        assert!(matches!(block.step(0), Progressed::Step(_)));
        assert_eq!(counter(), 32);
        assert!(!block.is_done());
    });
}

#[test]
fn warps_wait_for_each_other() {
    let text = ".visible .entry k(.param .u64 p)\n{\n.reg .b32 %r<4>; .reg .b64 %rd<2>; .shared .align 4 .b32 s;\n\
                ld.param.u64 %rd1, [p];\nmov.u32 %r1, %tid.x;\nst.shared.u32 [s], %r1;\nbar.sync 0;\n\
                ld.shared.u32 %r2, [s];\nst.global.u32 [%rd1], %r2;\nret;\n}\n";
    with(text, 64, |_, _, steps| {
        let order = |i: usize| steps.instructions()[i].order;
        let barrier = Order::Barrier {
            number: Some(0),
            threads: Needed::Block,
            waits: true,
        };
        assert_eq!((order(2), order(3), order(6)), (Order::Free, barrier, Order::End));
        // The thread's number is no register that an instruction has to wait for.
        assert!(steps.instructions()[1].reads.is_empty());
        let mut block = steps.block(0);
        // To the barrier, which is executed, and no further, however often it is asked.
        assert_eq!(all(&mut block, 0).len(), 4);
        assert!((0..3).all(|_| matches!(block.step(0), Progressed::Waits)));
        assert_eq!(all(&mut block, 1).len() + all(&mut block, 1).len(), 7);
        assert_eq!(all(&mut block, 0).len(), 3);
        assert!(matches!(block.step(0), Progressed::Done));
        assert!(block.is_done());
    });
}

#[test]
fn a_trap_is_told_with_its_place() {
    let text = ".visible .entry k(.param .u64 p)\n{\n.reg .b32 %r<2>; .reg .b64 %rd<2>;\n\
                ld.param.u64 %rd1, [p];\nld.global.u32 %r1, [%rd1+4096];\nret;\n}\n";
    with(text, 32, |_, _, steps| {
        let mut block = steps.block(1);
        assert!(matches!(block.step(0), Progressed::Step(_)));
        let Progressed::Trap(trap) = block.step(0) else {
            panic!("no trap");
        };
        let said = trap.to_string();
        assert!(
            said.contains("out of bounds") && said.contains("test.ptx:8") && said.contains("block (1,0,0)"),
            "{said}"
        );
    });
    // Half of the block waits at one barrier, half at another.
    let text = ".visible .entry k(.param .u64 p)\n{\n.reg .pred %p<2>; .reg .b32 %r<2>;\nmov.u32 %r1, %tid.x;\n\
                setp.lt.u32 %p1, %r1, 32;\n@%p1 bra A;\nbar.sync 1;\nbra.uni B;\nA:\nbar.sync 2;\nB:\nret;\n}\n";
    with(text, 64, |_, _, steps| {
        let mut block = steps.block(0);
        let mut last = None;
        for warp in [0, 1, 0, 1] {
            loop {
                match block.step(warp) {
                    Progressed::Step(_) => {}
                    other => {
                        last = Some(other);
                        break;
                    }
                }
            }
            if matches!(last, Some(Progressed::Trap(_))) {
                break;
            }
        }
        assert!(
            matches!(&last, Some(Progressed::Trap(t)) if t.to_string().contains("barrier")),
            "{last:?}"
        );
    });
}
