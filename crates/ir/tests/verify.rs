//! Each rule of `ir::verify`, broken once.

use ir::{
    Access, AluOp, Class, FormatSource, Ir, IrInst, Op, Origin, RegInfo, Space, VReg, Val, VfFn, VfSpec,
};
use ptx::ast::{Span, SpecialRegister};

const P: VReg = VReg(0);
const A: VReg = VReg(1);
const B: VReg = VReg(2);
const WIDE: VReg = VReg(3);
const TID: VReg = VReg(4);

fn inst(op: Op, dst: &[VReg], src: &[Val]) -> IrInst {
    IrInst {
        op,
        dst: dst.to_vec(),
        src: src.to_vec(),
        guard: None,
        origin: 0,
        counts: true,
        variable: false,
    }
}

/// A kernel of one instruction and an end.
fn kernel(i: IrInst) -> Ir {
    let register = |class, bits, special| RegInfo { class, bits, special };
    Ir {
        insts: vec![i, inst(Op::Exit, &[], &[])],
        regs: vec![
            register(Class::Pred, 1, None),
            register(Class::W32, 32, None),
            register(Class::W32, 16, None),
            register(Class::W64, 64, None),
            register(Class::W32, 32, Some(SpecialRegister::TidX)),
        ],
        labels: vec![1],
        origins: vec![Origin::of_span(Span::default(), 0)],
        ..Ir::default()
    }
}

fn vf(f: VfFn) -> Op {
    let spec = VfSpec {
        format: FormatSource::Launch,
        accumulator: vfloat::Format::FP32,
        rounding: vfloat::Rounding::NearestEven,
    };
    Op::Vf { f, spec }
}

fn load(bytes: u8, count: u8) -> Op {
    Op::Load(Access {
        space: Space::Global,
        bytes,
        signed: false,
        count,
        offset: 0,
        volatile: false,
    })
}

#[test]
fn what_holds_passes() {
    let [a, b, wide, tid, p] = [A, B, WIDE, TID, P].map(Val::Reg);
    for i in [
        inst(Op::Alu(AluOp::Add32), &[A], &[b, tid]),
        inst(Op::Alu(AluOp::Add32), &[A], &[Val::Const(5), a]),
        inst(Op::Alu(AluOp::MadWideU32), &[WIDE], &[a, b, wide]),
        inst(Op::Alu(AluOp::LtF32), &[P], &[a, b]),
        inst(Op::Select(Class::W64), &[WIDE], &[wide, Val::Const(0), p]),
        inst(vf(VfFn::Fmam), &[A], &[a, b, a]),
        inst(load(4, 2), &[A, WIDE], &[wide]),
        inst(load(8, 1), &[WIDE], &[a]),
        inst(Op::Branch(0), &[], &[]),
    ] {
        let text = format!("{i:?}");
        assert_eq!(ir::verify::run(&kernel(i)), Ok(()), "{text}");
    }
}

#[test]
fn what_does_not_hold_is_told() {
    let [a, b, wide, p] = [A, B, WIDE, P].map(Val::Reg);
    let guarded = IrInst {
        guard: Some((A, false)),
        ..inst(Op::Nop, &[], &[])
    };
    let lost = IrInst {
        origin: 7,
        ..inst(Op::Nop, &[], &[])
    };
    for (i, wanted) in [
        // The fault that let `add.u64` on 32-bit registers write beyond a register.
        (
            inst(Op::Alu(AluOp::Add64), &[A], &[wide, wide]),
            "`%1:b32 = add64 %3, %3`: destination 0 is b32, not b64",
        ),
        (
            inst(Op::Alu(AluOp::Add64), &[WIDE], &[wide, a]),
            "source 1 is b32, not b64",
        ),
        (
            inst(Op::Alu(AluOp::Add32), &[A], &[p, a]),
            "source 0 is pred, not b32",
        ),
        (inst(Op::Alu(AluOp::Add32), &[A], &[a]), "1 sources, not 2"),
        (inst(Op::Alu(AluOp::Add32), &[], &[a, b]), "0 destinations, not 1"),
        (
            inst(Op::Alu(AluOp::Add32), &[TID], &[a, b]),
            "it writes the special register %4",
        ),
        (
            inst(Op::Alu(AluOp::Add32), &[VReg(9)], &[a, b]),
            "there is no register %9",
        ),
        (
            inst(vf(VfFn::QuantizeF64), &[A], &[a]),
            "source 0 is b32, not b64",
        ),
        (
            inst(Op::Select(Class::W32), &[A], &[a, b, a]),
            "source 2 is b32, not pred",
        ),
        (inst(load(4, 2), &[A], &[wide]), "1 destinations, not 2"),
        (inst(load(8, 1), &[A], &[wide]), "destination 0 is b32, not b64"),
        (
            inst(load(4, 1), &[P], &[wide]),
            "destination 0 is pred, not b32 or b64",
        ),
        (inst(Op::Branch(3), &[], &[]), "what it names is not there"),
        (inst(Op::BranchTable(0), &[], &[a]), "what it names is not there"),
        (inst(Op::Call(0), &[], &[]), "what it names is not there"),
        (inst(Op::Scalar(0), &[A], &[a]), "what it names is not there"),
        (guarded, "its guard %1 is no predicate"),
        (lost, "it comes from nowhere"),
    ] {
        let fault = ir::verify::run(&kernel(i)).expect_err(wanted);
        assert_eq!(fault.at, Some(0));
        assert!(fault.what.contains(wanted), "{wanted}: {fault}");
    }
    let break_kernel = |f: &dyn Fn(&mut Ir)| {
        let mut ir = kernel(inst(Op::Nop, &[], &[]));
        f(&mut ir);
        ir::verify::run(&ir).expect_err("a fault").what
    };
    assert!(break_kernel(&|ir| ir.labels[0] = 9).contains("label L0 has no place"));
    assert!(break_kernel(&|ir| ir.regs[1].bits = 64).contains("register %1 has 64 bits and class b32"));
    assert!(break_kernel(&|ir| ir.tables.push(vec![4])).contains("a branch table names label L4"));
}
