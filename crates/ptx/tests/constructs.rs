//! The tree, construct by construct.

use ptx::ast::*;

fn module(text: &str) -> Module {
    let text = format!(".version 7.5\n.target sm_75, debug\n.address_size 64\n{text}");
    ptx::parse("t.ptx", &text).unwrap_or_else(|e| panic!("{e}"))
}

fn body(text: &str) -> Vec<Statement> {
    let m = module(&format!(".entry k()\n{{\n{text}\n}}"));
    m.function("k").unwrap().body.clone().unwrap()
}

fn instruction(text: &str) -> Instruction {
    match body(text).as_slice() {
        [Statement::Instruction(i)] => i.clone(),
        other => panic!("{other:?}"),
    }
}

/// The operands of `text` as they print.
fn operands(text: &str) -> Vec<String> {
    instruction(text).operands.iter().map(|o| o.to_string()).collect()
}

fn variable(text: &str) -> Variable {
    module(text).variables().next().unwrap().clone()
}

fn immediate(text: &str) -> Immediate {
    match &instruction(&format!("mov.b64 %r1, {text};")).operands[1] {
        Operand::Immediate { value, .. } => *value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn header() {
    let m = module("");
    assert_eq!((m.version, m.address_size), ((7, 5), 64));
    assert_eq!(m.targets, ["sm_75", "debug"]);
    let old = ptx::parse("t", "// first\n.version 3.2\n.target sm_20\n").unwrap();
    assert_eq!((old.version, old.address_size), ((3, 2), 32));
    assert!(ptx::parse("t", ".version 8.10\n.target sm_90a\0\0\n").is_ok_and(|m| m.version == (8, 10)));
}

#[test]
fn numbers() {
    let int = |bits, unsigned| Immediate::Int { bits, unsigned };
    assert_eq!(immediate("42"), int(42, false));
    assert_eq!(immediate("0x2A"), int(42, false));
    assert_eq!(immediate("0b101010"), int(42, false));
    assert_eq!(immediate("052"), int(42, false));
    assert_eq!(immediate("42U"), int(42, true));
    assert_eq!(immediate("0"), int(0, false));
    assert_eq!(immediate("-1"), int(u64::MAX, false));
    assert_eq!(immediate("-9223372036854775808"), int(1 << 63, false));
    assert_eq!(immediate("18446744073709551615"), int(u64::MAX, true));
    assert_eq!(immediate("0f3F800000"), Immediate::F32(0x3f80_0000));
    assert_eq!(immediate("-0f3F800000"), Immediate::F32(0xbf80_0000));
    assert_eq!(
        immediate("0D3ff0000000000000"),
        Immediate::F64(0x3ff0_0000_0000_0000)
    );
    assert_eq!(immediate("1.5"), Immediate::F64(1.5f64.to_bits()));
    assert_eq!(immediate("-2.5e-3"), Immediate::F64((-2.5e-3f64).to_bits()));
    assert_eq!(immediate("1e10"), Immediate::F64(1e10f64.to_bits()));
}

#[test]
fn constant_expressions_follow_the_precedence_of_c() {
    let value = |text: &str| match immediate(text) {
        Immediate::Int { bits, .. } => bits as i64,
        other => panic!("{other:?}"),
    };
    assert_eq!(value("1+2*3"), 7);
    assert_eq!(value("(1+2)*3"), 9);
    assert_eq!(value("10-4-3"), 3);
    assert_eq!(value("1<<4|3"), 19);
    assert_eq!(value("~0&0xF^1"), 14);
    assert_eq!(value("-7/2"), -3);
    assert_eq!(value("-7 % 4"), -3);
    assert_eq!(value("-8>>1"), -4);
    assert_eq!(value("!5+1"), 1);
    assert!(
        ptx::parse(
            "t",
            ".version 7.5\n.target sm_75\n.entry k() { mov.b32 %r1, 1/0; }"
        )
        .is_err()
    );
}

#[test]
fn operand_kinds() {
    assert_eq!(
        operands("ld.global.v4.f32 {%f1,_,%f3,%f4}, [%rd1+-4];"),
        ["{%f1, _, %f3, %f4}", "[%rd1+-4]"]
    );
    assert_eq!(operands("ld.global.u32 %r1, [sym + 8];"), ["%r1", "[sym+8]"]);
    assert_eq!(operands("ld.global.u32 %r1, [%rd1-8];"), ["%r1", "[%rd1+-8]"]);
    assert_eq!(operands("ld.global.u32 %r1, [16];"), ["%r1", "[16]"]);
    assert_eq!(operands("mov.u64 %rd1, sym+8;"), ["%rd1", "sym+8"]);
    assert_eq!(
        operands("setp.lt.and.s32 %p1|%p2, %r1, -5, !%p3;"),
        ["%p1|%p2", "%r1", "-5", "!%p3"]
    );
    assert_eq!(operands("mov.f32 %f1, %v.g;"), ["%f1", "%v.y"]);
    assert_eq!(operands("mov.u32 %r1, %ntid.z;"), ["%r1", "%ntid.z"]);
    assert_eq!(operands("add.u32 %r1, %r2, WARP_SZ;"), ["%r1", "%r2", "WARP_SZ"]);
    assert_eq!(
        operands("atom.global.add.u32 _, [%rd1], 1;"),
        ["_", "[%rd1]", "1"]
    );
    assert_eq!(
        operands("tex.2d.v4.f32.f32 {%f1}, [t, s, {%f1, %f2}];"),
        ["{%f1}", "[t, s, {%f1, %f2}]"]
    );
    assert_eq!(
        operands("call (r), f, (a, 1), proto;"),
        ["(r)", "f", "(a, 1)", "proto"]
    );
    assert_eq!(operands("call.uni\nf,\n(\n);"), ["f", "()"]);
    assert_eq!(operands("ret;"), [] as [&str; 0]);
    let special = &instruction("mov.u32 %r1, %tid.x;").operands[1];
    assert!(matches!(
        special,
        Operand::Special {
            register: SpecialRegister::TidX,
            ..
        }
    ));
    let component = &instruction("mov.f32 %f1, %v.w;").operands[1];
    assert!(matches!(component, Operand::Component { index: 3, .. }));
    let negated = &instruction("min.vf32 %f1, -%f2, %f3;").operands[1];
    assert!(matches!(negated, Operand::Neg { .. }));
}

#[test]
fn instructions() {
    let i = instruction("@!%p1 atom.acq_rel.gpu.global.add.u32 %r1, [%rd1], 1;");
    assert!(
        i.guard
            .as_ref()
            .is_some_and(|g| g.negated && g.register.name == "%p1")
    );
    assert_eq!(i.opcode, Opcode::Atom);
    let global = Modifier::Space(StateSpace::Global);
    assert_eq!(
        i.modifiers,
        [
            Modifier::AcqRel,
            Modifier::Gpu,
            global,
            Modifier::Add,
            Modifier::Type(ScalarType::U32)
        ]
    );
    assert_eq!(
        (i.ty(), i.space(), i.vector()),
        (Some(ScalarType::U32), Some(StateSpace::Global), 1)
    );
    assert_eq!(i.mnemonic(), "atom.acq_rel.gpu.global.add.u32");
    let cvt = instruction("cvt.rn.f32.s32 %f1, %r1;");
    assert_eq!(
        cvt.types().collect::<Vec<_>>(),
        [ScalarType::F32, ScalarType::S32]
    );
    assert_eq!(
        instruction("ld.shared::cta.u32 %r1, [%rd1];").space(),
        Some(StateSpace::Shared)
    );
    assert_eq!(
        instruction("max.NaN.f32 %f1, %f2, %f3;").to_string(),
        "max.NaN.f32 \t%f1, %f2, %f3;"
    );
    assert_eq!(
        instruction("setp.nan.f32 %p1, %f2, %f3;").to_string(),
        "setp.nan.f32 \t%p1, %f2, %f3;"
    );
    let unknown =
        instruction("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f1};");
    assert_eq!(
        unknown.mnemonic(),
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"
    );
    assert!(!ptx::isa::is_supported(&unknown));
}

#[test]
fn declarations() {
    let v = variable(".visible .const .align 16 .v4 .f32 a[2][3] = {{1.0}, {0f3F800000, 2.5}};");
    assert_eq!(
        (v.linkage, v.space, v.align, v.vector),
        (Linkage::Visible, StateSpace::Const, Some(16), 4)
    );
    assert_eq!(v.dims, [Some(2), Some(3)]);
    assert!(matches!(&v.init, Some(Initializer::List(rows)) if rows.len() == 2));
    let v = variable(".extern .shared .align 16 .b8 dynamic[];");
    assert_eq!(
        (v.linkage, v.dims.as_slice()),
        (Linkage::Extern, [None].as_slice())
    );
    let v = variable(".global .attribute(.managed, .unified(19, 95)) .s32 m;");
    assert_eq!((v.managed, v.unified), (true, Some((19, 95))));
    let address = |text: &str| match variable(text).init {
        Some(Initializer::Address {
            name,
            generic,
            offset,
        }) => (name.name, generic, offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(address(".global .u64 p = x;"), ("x".into(), false, 0));
    assert_eq!(address(".global .u64 p = generic(x)+8;"), ("x".into(), true, 8));
    assert_eq!(address(".global .u64 p = x-8;"), ("x".into(), false, -8));
    let v = variable(".global .u8 p[] = {0xFF(x), 0xFF00(generic(x))};");
    let Some(Initializer::List(list)) = v.init else {
        panic!()
    };
    assert!(matches!(
        list[1],
        Initializer::Mask {
            mask: 0xFF00,
            generic: true,
            ..
        }
    ));
    let statements = body(".reg .pred %p<3>;\n.reg .b32 a, b<4>, c;\n.shared .f32 tile[16][17];");
    let names: Vec<_> = statements
        .iter()
        .map(|s| match s {
            Statement::Variable(v) => (v.name.name.as_str(), v.range, v.dims.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        [
            ("%p", Some(3), 0),
            ("a", None, 0),
            ("b", Some(4), 0),
            ("c", None, 0),
            ("tile", None, 2)
        ]
    );
}

#[test]
fn functions() {
    let m = module(
        ".extern .func (.param .b32 r) f (.param .align 8 .b8 x[16], .param .b64 y)\n;\n\
         .func (.reg .u32 r) old (.reg .u32 a) { ret; }\n.func stop() .noreturn;\n\
         .weak .entry k(.param .u64 .ptr .global .align 4 p)\n.maxntid 256, 1, 1\n.minnctapersm 2\n.pragma \"nounroll\";\n{ ret; }\n\
         .alias again, old;\n.entry bare { ret; }",
    );
    let f = m.function("f").unwrap();
    assert_eq!(
        (f.linkage, f.kind, f.body.is_none()),
        (Linkage::Extern, FunctionKind::Device, true)
    );
    assert_eq!(
        (f.returns.len(), f.params[0].dims.as_slice()),
        (1, [Some(16)].as_slice())
    );
    assert_eq!(m.function("old").unwrap().params[0].space, StateSpace::Reg);
    assert_eq!(m.function("stop").unwrap().directives[0].name, ".noreturn");
    let k = m.function("k").unwrap();
    let names: Vec<_> = k
        .directives
        .iter()
        .map(|d| (d.name.as_str(), d.values.len(), d.strings.len()))
        .collect();
    assert_eq!(
        names,
        [(".maxntid", 3, 0), (".minnctapersm", 1, 0), (".pragma", 0, 1)]
    );
    let ptr = k.params[0].ptr.as_ref().unwrap();
    assert_eq!((ptr.space, ptr.align), (Some(StateSpace::Global), Some(4)));
    assert_eq!(
        m.kernels().map(|k| k.name.name.as_str()).collect::<Vec<_>>(),
        ["k", "bare"]
    );
    assert!(
        m.items
            .iter()
            .any(|i| matches!(i, Item::Alias { target, .. } if target.name == "old"))
    );
    assert!(m.function("missing").is_none());
}

#[test]
fn statements() {
    let all = body(
        "start:\n{ .reg .b32 t; inner: bra inner; }\n.loc 1 20 9, function_name $L__info_string0, inlined_at 1 5 3 // x\n\
         $t: .branchtargets start, start;\nc: .calltargets f, g;\n\
         p: .callprototype (.param .b32 _) _ (.param .b64 _, .param .b32 _) .noreturn;\n.pragma \"nounroll\";",
    );
    assert!(matches!(&all[0], Statement::Label(l) if l.name == "start"));
    assert!(matches!(&all[1], Statement::Block { body, .. } if body.len() == 3));
    let Statement::Loc(loc) = &all[2] else { panic!() };
    assert_eq!((loc.file, loc.line, loc.column), (1, 20, 9));
    assert_eq!(loc.rest, "function_name $L__info_string0, inlined_at 1 5 3");
    assert!(matches!(&all[3], Statement::BranchTargets { targets, .. } if targets.len() == 2));
    assert!(matches!(&all[4], Statement::CallTargets { targets, .. } if targets.len() == 2));
    let Statement::CallPrototype {
        returns,
        params,
        directives,
        ..
    } = &all[5]
    else {
        panic!()
    };
    assert_eq!((returns.len(), params.len(), directives.len()), (1, 2, 1));
    assert!(matches!(&all[6], Statement::Pragma { text, .. } if text == &["nounroll"]));
}

#[test]
fn debug_information_is_kept_raw() {
    let m = module(
        ".file 1 \"/a b/x.cu\", 12, 34\n.section .debug_str\n{\ninfo: .b8 97\n.b32 .debug_abbrev\n}\n",
    );
    assert!(
        matches!(&m.items[0], Item::File { index: 1, name, rest, .. } if name == "/a b/x.cu" && rest == &[12, 34])
    );
    assert!(
        matches!(&m.items[1], Item::Section { name, text, .. } if name == ".debug_str" && text.contains(".debug_abbrev"))
    );
    assert_eq!(m.file(1), Some("/a b/x.cu"));
}

#[test]
fn positions() {
    let m = module(".entry k()\n{\n\tadd.s32 \t%r1,\n\t\t%r2, 3;\n}\n");
    let Some([Statement::Instruction(i)]) = m.function("k").unwrap().body.as_deref() else {
        panic!()
    };
    assert_eq!(m.source.position(i.span.start), (6, 2));
    assert_eq!(m.source.slice(i.span), "add.s32 \t%r1,\n\t\t%r2, 3;");
    assert_eq!(m.source.position(i.operands[2].span().start), (7, 8));
    assert_eq!(m.source.line_text(6), "\tadd.s32 \t%r1,");
    assert_eq!(m.source.line_text(99), "");
    assert_eq!(m.source.position(u32::MAX).0, 9);
    let lines = Lines::new(&m.source);
    assert!((0..m.source.text.len() as u32).all(|at| lines.line(at) == m.source.position(at).0));
    assert!((1..99).all(|line| lines.text(&m.source, line) == m.source.line_text(line)));
}
