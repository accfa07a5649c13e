//! No ill-typed instruction reaches lane code, whichever way the text came: `exec` takes nothing but what the check let
//! pass, and a fuzzer that mistypes valid kernels finds nothing that passes it and does harm.

#[path = "reference/device.rs"]
mod device;
#[path = "reference/rng.rs"]
mod rng;

use device::Device;
use exec::{
    Arena, Dim3, Engine, Isa, Launch, LaunchConfig, Limits, Memory, MemoryKind, Module, Numerics,
    RandomSource,
};
use ptx::ast::{
    AddressBase, Ident, Immediate, Instruction, Item, Modifier, Opcode, Operand, ScalarType, Span,
    SpecialRegister, StateSpace, Statement,
};
use rng::Rng;
use vfloat::{Format, Rounding};

/// Instructions whose registers have not the type they need, with the register (or what stands for it) that the error names.
/// Lane code believes the instruction: each of these would read or write beyond a register.
const ILL_TYPED: &[(&str, &str)] = &[
    ("add.u64 %r1, %r2, %r3;", "%r1"),
    ("add.u64 %rd1, %r2, %rd3;", "%r2"),
    ("mul.lo.u64 %rd1, %rd2, %r3;", "%r3"),
    ("mad.wide.u32 %r1, %r2, %r3, %rd1;", "%r1"),
    ("mad.wide.u32 %rd1, %r2, %r3, %r4;", "%r4"),
    ("add.f64 %r1, %r2, %r3;", "%r1"),
    ("fma.rn.f64 %d1, %d2, %f1, %d3;", "%f1"),
    ("add.f32 %f1, %f2, %d1;", "%d1"),
    ("add.vf32 %d1, %f2, %f3;", "%d1"),
    ("fmam.vf32 %f1, %f2, %f3, %rd1;", "%rd1"),
    ("cvt.u64.u32 %r1, %r2;", "%r1"),
    ("cvt.f64.f32 %f1, %f2;", "%f1"),
    ("cvt.u32.u64 %r1, %r2;", "%r2"),
    ("mov.b64 %r1, %rd1;", "%r1"),
    ("mov.b64 {%rd1, %rd2}, %rd3;", "%rd1"),
    ("mov.b64 %rd1, {%r1, %rd2};", "%rd2"),
    ("mov.b64 {%r1, %w.y}, %rd3;", "%w"),
    ("mov.b32 %r1, %p1;", "%p1"),
    ("selp.b64 %rd1, %rd2, %r3, %p1;", "%r3"),
    ("selp.b32 %r1, %r2, %r3, %r4;", "%r4"),
    ("setp.lt.u64 %p1, %rd1, %r1;", "%r1"),
    ("setp.lt.u32 %r1, %r2, %r3;", "%r1"),
    ("and.pred %p1, %p2, %r1;", "%r1"),
    ("shl.b64 %rd1, %rd2, %rd3;", "%rd3"),
    ("ld.global.u64 %r1, [%rd1];", "%r1"),
    ("ld.global.v2.u64 {%r1, %r2}, [%rd1];", "%r1"),
    ("ld.global.v4.u32 %r1, [%rd1];", "%r1"),
    ("ld.global.v2.u32 {%r1, %p2}, [%rd1];", "%p2"),
    ("ld.global.v2.u64 {%rd1, %v4.x}, [%rd1];", "%v4"),
    ("ld.global.u32 %r1, [%p1];", "%p1"),
    ("ld.global.b128 %rd1, [%rd2];", "%rd1"),
    ("st.global.u64 [%rd1], %r1;", "%r1"),
    ("st.global.v2.u32 [%rd1], %r1;", "%r1"),
    ("st.global.v2.u64 [%rd1], {%rd1, %r1};", "%r1"),
    ("atom.global.add.u64 %r1, [%rd1], %rd2;", "%r1"),
    ("atom.global.cas.b64 %rd1, [%rd2], %r1, %rd3;", "%r1"),
    ("atom.global.exch.b128 %rd1, [%rd2], %rd3;", "%rd1"),
    ("add.f32 %f1, %w.x, %f2;", "%w"),
    ("add.u64 %rd1, %rd2, %v4.y;", "%v4"),
    ("add.u32 %v4.y, %rd2, 1;", "%rd2"),
    ("add.u64 %rd1, %rd2, %tid.x;", "%tid.x"),
    ("mov.b64 {%r1, %r2}, %tid.x;", "%tid.x"),
    ("mov.b64 %rd1, {%clock64, %r1};", "%clock64"),
    ("mov.v4.u32 %v4, %r1;", "%r1"),
    ("mov.v2.f64 %v2, %w;", "%v2"),
    ("mov.b128 %rd1, %rd2;", "%rd1"),
    ("shfl.sync.bfly.b32 %rd1, %r1, 1, 31, -1;", "%rd1"),
    ("shfl.sync.bfly.b32 %r1|%r2, %r1, 1, 31, -1;", "%r2"),
    ("vote.sync.ballot.b32 %rd1, %p1, -1;", "%rd1"),
    ("vote.sync.any.pred %p1, %r1, -1;", "%r1"),
    ("bar.red.popc.u32 %rd1, 0, %p1;", "%rd1"),
    ("bar.sync %rd1;", "%rd1"),
    ("call (%rd1), old, (%r1);", "%rd1"),
    ("call (%r1), old, (%rd1);", "%rd1"),
    ("call (%p1), old, (%r1);", "%p1"),
    ("call (%r1), old, (here);", "here"),
    ("call (r0), new, (%p1);", "%p1"),
    ("call (r0), new, (wide);", "wide"),
    ("call (%r1), %rd1, (%rd2), proto;", "%rd2"),
    ("call (%r1), %f2, (%r3), proto;", "%f2"),
    ("@%r1 mov.u32 %r1, 0;", "%r1"),
    ("{ .reg .b64 %r<3>; add.u32 %r1, %r2, 1; }", "%r1"),
    ("{ .reg .b64 %r1; add.u32 %r1, %r2, 1; }", "%r1"),
];

/// A kernel with registers of all kinds around `body`; line 29 is the body's.
fn ill_typed(body: &str) -> String {
    format!(
        ".version 8.7\n.target sm_90\n.address_size 64\n\
         .func (.reg .b32 r) old(.reg .b32 a)\n{{\n\tmov.b32 r, a;\n\tret;\n}}\n\
         .func (.param .b32 r) new(.param .b32 a)\n{{\n\tret;\n}}\n\
         .visible .entry k(.param .u64 p)\n{{\n.reg .pred %p<9>;\n\
         .reg .b16 %h<9>;\n.reg .b32 %r<9>;\n.reg .b64 %rd<9>;\n.reg .f32 %f<9>;\n.reg .f64 %d<9>;\n\
         .reg .v4 .b32 %v4;\n.reg .v2 .b32 %v2;\n.reg .v2 .b64 %w;\n.reg .b128 %q;\n\
         .param .b32 r0;\n.param .b64 wide;\nproto: .callprototype (.reg .b32 _) _ (.reg .b32 _);\nhere:\n{body}\n\tret;\n}}\n"
    )
}

#[test]
fn ill_typed_registers_are_refused_with_their_line() {
    let mut passed = Vec::new();
    for (body, register) in ILL_TYPED {
        let tree = ptx::parse("ill.ptx", &ill_typed(body)).expect("it parses");
        match ptx::check(tree) {
            Ok(_) => passed.push(*body),
            Err(e) => {
                let e = e.to_string();
                let named = e.contains(&format!("`{register}`"));
                assert!(named && e.contains("ill.ptx:29:"), "{body}: {e}");
            }
        }
    }
    assert!(passed.is_empty(), "the check lets pass:\n{}", passed.join("\n"));
}

/// Values in registers that an ill-typed instruction does not name stay what they are: what the check lets pass of the
/// instructions above is run, between registers whose values are known.
#[test]
fn what_passes_the_check_writes_its_own_registers_only() {
    // As many registers on both sides, lanes different and neither affine nor uniform, so that each has a place.
    let canaries = 12;
    let each = |f: &dyn Fn(usize) -> String| (0..canaries).map(f).collect::<String>();
    let mut ran = 0;
    let more = [
        "add.u64 %rd1, %rd2, %rd3;",
        "ld.global.v4.u32 %v4, [%rd8];",
        "mov.v4.u32 %v4, {%r1, %r2, %r3, %r4};",
        "fma.rn.f64 %d1, %d2, %d3, %d4;",
        "{ .reg .b64 %r<3>; add.u64 %r1, %r2, 1; }",
    ];
    for body in more.iter().chain(ILL_TYPED.iter().map(|(body, _)| body)) {
        let text = format!(
            ".visible .entry k(.param .u64 p)\n{{\n.reg .pred %p<9>;\n.reg .b32 %c<{canaries}>;\n.reg .b32 %r<9>;\n\
             .reg .v4 .b32 %v4;\n.reg .v2 .b32 %v2;\n.reg .v2 .b64 %w;\n\
             .reg .f32 %f<9>;\n.reg .b32 %e<{canaries}>;\n.reg .b64 %rd<9>;\n.reg .f64 %d<9>;\n.reg .b64 %base;\n.reg .b32 %t;\n\
             ld.param.u64 %base, [p];\nmov.u32 %t, %tid.x;\nmad.wide.u32 %base, %t, {bytes}, %base;\nadd.u64 %rd8, %base, 1024;\nmul.lo.u32 %t, %t, %t;\n\
             {set}mov.u64 %rd1, %base;\n{body}\n{store}ret;\n}}\n",
            bytes = 8192,
            set = each(&|k| format!("add.u32 %c{k}, %t, {k};\nxor.b32 %e{k}, %t, {k};\n")),
            store = each(&|k| format!(
                "st.global.u32 [%base+{}], %c{k};\nst.global.u32 [%base+{}], %e{k};\n",
                8 * k,
                8 * k + 4
            )),
        );
        let whole = format!(".version 8.7\n.target sm_90\n.address_size 64\n{text}");
        if ptx::check(ptx::parse("canaries.ptx", &whole).expect("it parses")).is_err() {
            continue;
        }
        ran += 1;
        let device = Device::new(&text, 1);
        let at = device.buffer(32 * 8192 + 8192);
        assert!(device.launch(1, 32, &[at]).trap.is_none(), "{body}");
        for lane in 0..32u32 {
            let bytes = device.bytes(at + u64::from(lane) * 8192, 8 * canaries);
            let words: Vec<u32> = bytes
                .chunks_exact(4)
                .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            let want: Vec<u32> = (0..canaries as u32)
                .flat_map(|k| [(lane * lane).wrapping_add(k), (lane * lane) ^ k])
                .collect();
            assert_eq!(words, want, "{body}, lane {lane}");
        }
    }
    assert_eq!(ran, more.len());
}

/// A kernel with as many kinds of instructions as fit, to be mistyped.
const VALID: &str = "\
.version 8.7
.target sm_90
.address_size 64
.global .align 16 .b8 table[256];
.const .align 8 .b32 numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
.func (.reg .b32 r) old(.reg .b32 a, .reg .f64 b)
{
	.reg .f64 t;
	add.f64 t, b, b;
	cvt.rzi.s32.f64 r, t;
	add.s32 r, r, a;
	ret;
}
.func (.param .b64 r) new(.param .b32 a, .param .align 8 .b8 b[16])
{
	.reg .b32 x;
	.reg .b64 y;
	ld.param.b32 x, [a];
	ld.param.b64 y, [b+8];
	mad.wide.u32 y, x, 3, y;
	st.param.b64 [r], y;
	ret;
}
.visible .entry k(.param .u64 p, .param .u32 n)
{
	.reg .pred %p<6>;
	.reg .b8 %b<3>;
	.reg .b16 %h<6>;
	.reg .b32 %r<12>;
	.reg .s32 %s<4>;
	.reg .b64 %rd<10>;
	.reg .f32 %f<10>;
	.reg .f64 %d<6>;
	.reg .v4 .f32 %v;
	.reg .v2 .b64 %w;
	.reg .b128 %q<2>;
	.shared .align 16 .b8 tile[1024];
	.local .align 16 .b8 stack[64];
	ld.param.u64 %rd1, [p];
	ld.param.u32 %r1, [n];
	mov.u32 %r2, %tid.x;
	mul.wide.u32 %rd2, %r2, 64;
	add.s64 %rd3, %rd1, %rd2;
	mul.lo.s32 %r3, %r2, %r2;
	cvt.rn.f32.u32 %f1, %r3;
	cvt.rn.f64.u32 %d1, %r3;
	setp.lt.u32 %p1, %r2, 20;
	setp.ge.and.s32 %p2|%p3, %s1, %r3, !%p1;
	@%p1 bra low;
	fma.rn.f32 %f2, %f1, %f1, 0f3F800000;
	sqrt.rn.f32 %f3, %f2;
	add.vf32 %f4, %f3, %f2;
	fmam.vf32::e5m2 %f4, %f3, %f2, %f4;
	bra.uni join;
low:
	add.f64 %d2, %d1, %d1;
	fma.rn.f64 %d3, %d2, %d1, %d1;
	cvt.rn.f32.f64 %f4, %d3;
	@!%p2 div.rn.f64 %d4, %d3, %d1;
join:
	ld.global.v4.f32 {%f5, %f6, %f7, %f8}, [%rd3];
	ld.global.v4.f32 %v, [%rd3+16];
	ld.global.v2.u64 %w, [%rd3];
	ld.global.b128 %q1, [%rd3];
	mov.b128 %q0, %q1;
	mov.b128 {%rd4, %rd5}, %q0;
	mov.b128 %q0, {%rd4, %rd5};
	st.global.b128 [%rd3+16], %q0;
	add.f32 %f9, %v.x, %v.w;
	mov.v4.f32 %v, {%f5, %f6, %f7, %f9};
	st.global.v4.f32 [%rd3+32], %v;
	st.global.v2.b32 [%rd3+48], {%f9, %r3};
	xor.b64 %rd4, %w.x, %w.y;
	shl.b64 %rd5, %rd4, %r2;
	shr.u64 %rd5, %rd5, 3;
	mov.b64 {%r4, %r5}, %rd5;
	mov.b32 {%h1, %h2}, %r4;
	mov.b64 %rd6, {%h1, %h2, %h2, %h1};
	add.s16 %h3, %h1, %h2;
	mul.wide.s16 %r6, %h3, %h1;
	ld.global.u8 %h4, [table+3];
	ld.global.s8 %b1, [table+4];
	st.shared.u8 [tile+5], %b1;
	cvt.s32.s8 %s2, %b1;
	cvta.to.global.u64 %rd7, %rd3;
	mad.lo.cc.u32 %r7, %r4, %r5, %r6;
	addc.u32 %r7, %r7, %r4;
	add.cc.s64 %rd6, %rd6, %rd5;
	addc.s64 %rd6, %rd6, 0;
	shf.l.wrap.b32 %r8, %r7, %r6, %r2;
	bfi.b32 %r8, %r7, %r6, 3, 5;
	bfe.u64 %rd8, %rd6, 3, %r2;
	lop3.b32 %r8, %r7, %r6, %r5, 0x96;
	prmt.b32 %r9, %r8, %r7, 0x3210;
	popc.b64 %r9, %rd8;
	selp.b64 %rd8, %rd6, %rd5, %p1;
	selp.f32 %f3, %f9, %f8, %p2;
	slct.f64.f32 %d5, %d1, %d2, %f3;
	set.lt.u32.f64 %r10, %d5, %d1;
	and.pred %p4, %p1, %p2;
	not.pred %p4, %p4;
	mov.pred %p5, %p4;
	min.s64 %rd8, %rd8, %rd6;
	max.f64 %d5, %d5, %d1;
	add.f16 %h5, %h1, %h2;
	fma.rn.f16x2 %r10, %r9, %r8, %r7;
	shfl.sync.bfly.b32 %r10|%p5, %r9, 1, 31, -1;
	vote.sync.ballot.b32 %r11, %p5, -1;
	vote.sync.any.pred %p5, %p4, -1;
	match.any.sync.b64 %r11, %rd8, -1;
	redux.sync.add.s32 %s3, %r11, -1;
	activemask.b32 %r11;
	bar.sync 0;
	bar.red.popc.u32 %r11, 0, %p1;
	mov.u32 %r4, tile;
	mad.lo.u32 %r4, %r2, 4, %r4;
	st.shared.u32 [%r4], %r11;
	atom.shared.add.u32 %r5, [%r4], 1;
	atom.global.cas.b64 %rd8, [%rd3], %rd6, %rd5;
	red.global.add.f32 [%rd3], %f9;
	st.local.v2.f64 [stack], {%d1, %d5};
	ld.local.f64 %d3, [stack+8];
	ld.const.u32 %r5, [numbers+4];
	mov.u64 %rd9, table;
	isspacep.global %p5, %rd9;
	call (%r5), old, (%r5, %d3);
	{
	.param .b32 a;
	.param .align 8 .b8 b[16];
	.param .b64 c;
	st.param.b32 [a], %r5;
	st.param.b64 [b+8], %rd8;
	call.uni (c), new, (a, b);
	ld.param.b64 %rd8, [c];
	}
	{
	.reg .b32 %rd<3>;
	.reg .f64 %r1;
	add.s32 %rd1, %rd2, 1;
	add.f64 %r1, %r1, %d1;
	}
	st.global.u64 [%rd3+56], %rd8;
	mov.u32 %r6, %clock;
	mov.u64 %rd9, %clock64;
	and.b32 %r7, %r2, 1;
	brx.idx %r7, ways;
ways: .branchtargets even, odd;
even:
	add.u32 %r8, %r8, 1;
odd:
	st.global.u32 [%rd3+4], %r8;
	ret;
}
";

/// Every instruction and every list of operands of a tree, to be mistyped.
fn instructions(body: &mut [Statement]) -> Vec<&mut Instruction> {
    body.iter_mut()
        .flat_map(|s| match s {
            Statement::Instruction(i) => vec![i],
            Statement::Block { body, .. } => instructions(body),
            _ => vec![],
        })
        .collect()
}

fn registers(body: &mut [Statement]) -> Vec<&mut ptx::ast::Variable> {
    body.iter_mut()
        .flat_map(|s| match s {
            Statement::Variable(v) => vec![v],
            Statement::Block { body, .. } => registers(body),
            _ => vec![],
        })
        .collect()
}

const TYPES: &[ScalarType] = ScalarType::ALL;

/// Names and numbers that can stand anywhere.
fn anything(rng: &mut Rng) -> Operand {
    let span = Span::default();
    let prefixes = ["%p", "%b", "%h", "%r", "%s", "%rd", "%f", "%d"];
    let others = [
        "%v", "%w", "%q0", "%q1", "tile", "table", "low", "ways", "old", "new", "p", "stack", "numbers",
    ];
    let name = match rng.chance(75) {
        true => format!("{}{}", rng.pick(&prefixes), rng.below(3)),
        false => rng.pick(&others).to_string(),
    };
    let name = Ident { span, name };
    let specials = [
        SpecialRegister::TidX,
        SpecialRegister::Gridid,
        SpecialRegister::Clock64,
        SpecialRegister::Laneid,
        SpecialRegister::Globaltimer,
    ];
    match rng.below(24) {
        0 => Operand::Special {
            span,
            register: rng.pick(&specials),
        },
        1 => Operand::Immediate {
            span,
            value: rng.pick(&[
                Immediate::Int {
                    bits: 1 << 40 | 3,
                    unsigned: false,
                },
                Immediate::F32(0x3f80_0000),
                Immediate::F64(0x3ff0 << 48),
            ]),
        },
        2 => Operand::Sink(span),
        3 | 4 => Operand::Component {
            base: name,
            index: rng.below(4) as u8,
        },
        5 => Operand::Offset {
            base: name,
            offset: 4,
        },
        6 => Operand::Not {
            span,
            operand: Box::new(anything(rng)),
        },
        7 => Operand::Neg {
            span,
            operand: Box::new(anything(rng)),
        },
        8 | 9 => Operand::Vector {
            span,
            elements: (0..rng.pick(&[1, 2, 2, 3, 4, 8]))
                .map(|_| anything(rng))
                .collect(),
        },
        10 => Operand::Pair {
            first: Box::new(anything(rng)),
            second: Box::new(anything(rng)),
        },
        11 => Operand::Address {
            span,
            base: AddressBase::Name(name),
            offset: 8,
        },
        12 => Operand::List {
            span,
            elements: vec![anything(rng)],
        },
        _ => Operand::Name(name),
    }
}

/// Mistypes one operand, or something inside it.
fn spoil(o: &mut Operand, rng: &mut Rng) {
    let inside = match o {
        Operand::Vector { elements, .. } | Operand::List { elements, .. } if !elements.is_empty() => {
            let n = rng.below(elements.len() as u32) as usize;
            elements.get_mut(n)
        }
        Operand::Pair { first, second } => Some(match rng.chance(50) {
            true => &mut **first,
            false => &mut **second,
        }),
        Operand::Not { operand, .. } | Operand::Neg { operand, .. } => Some(&mut **operand),
        Operand::Address { base, .. } => {
            if let (AddressBase::Name(n), Operand::Name(other)) = (base, anything(rng)) {
                *n = other;
            }
            return;
        }
        _ => None,
    };
    match inside {
        Some(inner) if rng.chance(70) => spoil(inner, rng),
        _ => *o = anything(rng),
    }
}

/// Mistypes something in a tree.
fn mistype(tree: &mut ptx::ast::Module, rng: &mut Rng) {
    let mut functions: Vec<_> = tree.functions_mut().collect();
    let n = match rng.chance(80) {
        true => functions.len() - 1,
        false => rng.below(functions.len() as u32) as usize,
    };
    let f = &mut *functions[n];
    let what = rng.below(10);
    if what == 0 {
        let formals = f.params.iter_mut().chain(&mut f.returns);
        let mut formals: Vec<_> = formals.collect();
        if !formals.is_empty() {
            let n = rng.below(formals.len() as u32) as usize;
            formals[n].ty = rng.pick(TYPES);
        }
        return;
    }
    let body = f.body.as_mut().expect("a body");
    if what <= 2 {
        let mut declared = registers(body);
        if !declared.is_empty() {
            let n = rng.below(declared.len() as u32) as usize;
            declared[n].ty = rng.pick(TYPES);
            if rng.chance(20) && declared[n].space == StateSpace::Reg {
                declared[n].vector = rng.pick(&[1, 2, 4]);
            }
        }
        return;
    }
    let mut all = instructions(body);
    let n = rng.below(all.len() as u32) as usize;
    let i = &mut *all[n];
    match what {
        3 | 4 => {
            let types: Vec<usize> = (0..i.modifiers.len())
                .filter(|m| matches!(i.modifiers[*m], Modifier::Type(_)))
                .collect();
            if !types.is_empty() {
                i.modifiers[rng.pick(&types)] = Modifier::Type(rng.pick(TYPES));
            }
        }
        5 => {
            let vectors = [Modifier::V2, Modifier::V4, Modifier::V8];
            match i.modifiers.iter().position(|m| vectors.contains(m)) {
                Some(at) if rng.chance(50) => drop(i.modifiers.remove(at)),
                Some(at) => i.modifiers[at] = rng.pick(&vectors),
                None => i.modifiers.insert(0, rng.pick(&vectors)),
            }
        }
        6 if rng.chance(30) => i.opcode = rng.pick(Opcode::ALL),
        6 if rng.chance(30) => {
            i.operands.pop();
        }
        _ => {
            if let Some(n) = (!i.operands.is_empty()).then(|| rng.below(i.operands.len() as u32)) {
                spoil(&mut i.operands[n as usize], rng);
            }
        }
    }
}

/// What became of a mistyped kernel.
#[derive(Default, Debug)]
struct Became {
    refused: u32,
    not_supported: u32,
    ran: u32,
}

/// Mistypes the kernel `cases` times: each is refused by the check, or not supported, or runs to its end or a trap. What
/// the check lets pass and the translator's own look at registers does not is a gap of the check.
fn fuzz(cases: u64) -> Became {
    let valid = ptx::parse("fuzz.ptx", VALID).expect("it parses");
    let memory = Memory::new(1 << 28).expect("address space");
    let buffer = memory.allocate(1 << 16, MemoryKind::Device).expect("memory");
    let engine = Engine::new(1);
    let mut became = Became::default();
    for seed in 0..cases {
        let mut rng = Rng::new(seed);
        let mut tree = valid.clone();
        for _ in 0..1 + rng.below(3) {
            mistype(&mut tree, &mut rng);
        }
        let text = tree.to_string();
        let run = || run(tree, &memory, buffer, &engine, &mut rng, &mut became);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            Ok(Ok(())) => {}
            Ok(Err(e)) => panic!("seed {seed}: {e}\n{text}"),
            Err(_) => panic!("seed {seed} panics (above)\n{text}"),
        }
    }
    became
}

fn run(
    tree: ptx::ast::Module,
    memory: &Memory,
    buffer: u64,
    engine: &Engine,
    rng: &mut Rng,
    became: &mut Became,
) -> Result<(), String> {
    let Ok(checked) = ptx::check(tree) else {
        became.refused += 1;
        return Ok(());
    };
    let isas = [Isa::Baseline, Isa::V3, Isa::V4];
    let module = Module::load(checked, memory).map_err(|e| e.to_string())?;
    let module = module.lowered_for(rng.pick(&isas));
    let info = match module.kernel("k") {
        Ok(info) => info,
        Err(e) if e.to_string().contains("registers of a class") => {
            return Err(format!("the check lets pass what is ill-typed:\n{e}"));
        }
        Err(_) => {
            became.not_supported += 1;
            module.unload(memory);
            return Ok(());
        }
    };
    let line = |x| Dim3 { x, y: 1, z: 1 };
    let config = LaunchConfig {
        grid: line(1),
        block: line(64),
        dynamic_shared: 0,
        cooperative: false,
        random: RandomSource::default(),
    };
    let mut params = vec![0; info.params_size];
    let address = buffer.to_le_bytes();
    let bytes = params.len().min(8);
    params[..bytes].copy_from_slice(&address[..bytes]);
    let numerics = Numerics {
        format: Format::BF16,
        input: Rounding::TowardZero,
    };
    let limits = Limits {
        instructions: Some(1 << 16),
    };
    engine
        .launch(
            memory,
            &module,
            &Launch {
                limits,
                ..Launch::new("k", config, &params, numerics)
            },
        )
        .map_err(|e| e.to_string())?;
    became.ran += 1;
    module.unload(memory);
    Ok(())
}

#[test]
fn mistyped_kernels_are_refused_or_run_without_harm() {
    let thorough = std::env::var("VERNIER_EXHAUSTIVE").is_ok();
    let cases = if thorough { 300_000 } else { 4_000 };
    let became = fuzz(cases);
    // Types that differ in sign or kind of bits only are as good.
    let share = |n: u32| u64::from(n) * 100 / cases;
    assert!(share(became.refused) > 50 && share(became.ran) > 5, "{became:?}");
}

/// The fuzzer's kernel itself is fine, and nothing but the check makes a module of a tree.
#[test]
fn the_kernel_to_be_mistyped_runs() {
    let tree = ptx::parse("fuzz.ptx", VALID).expect("it parses");
    assert!(tree.items.iter().any(|i| matches!(i, Item::Function(_))));
    let text = VALID.split_once(".address_size 64\n").expect("a header").1;
    let mut device = Device::new(text, 1);
    device.numerics.format = Format::BF16;
    let at = device.buffer(1 << 16);
    assert!(device.launch(1, 64, &[at, 3]).trap.is_none());
}
