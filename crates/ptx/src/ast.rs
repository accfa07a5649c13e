//! The syntax tree of a PTX module: what the parser makes, the checker reads, an override rewrites, the
//! printer writes and `exec` lowers. It keeps everything the text says, and where it said it; it must
//! never interpret.

use std::sync::Arc;

pub use crate::isa::{Modifier, Opcode, ScalarType, SpecialRegister, StateSpace};

/// A byte range in [`Source::text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A PTX text and the name to show for it in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A file name, or `PROGRAM: module N` for embedded PTX.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A PTX module: one `.version` ... end of text.
#[derive(Clone, Debug)]
pub struct Module {
    /// The text the spans point into.
    pub source: Arc<Source>,
    /// `.version MAJOR.MINOR`.
    pub version: (u32, u32),
    /// `.target sm_75, debug, ...`, at least one.
    pub targets: Vec<String>,
    /// `.address_size`, 32 or 64 bits.
    pub address_size: u32,
    /// Everything else, in order.
    pub items: Vec<Item>,
}

/// Something at module scope.
#[derive(Clone, Debug)]
pub enum Item {
    /// A `.global`, `.const` or `.shared` variable.
    Variable(Variable),
    /// A kernel (`.entry`) or device function (`.func`).
    Function(Function),
    /// `.file INDEX "NAME" [, TIMESTAMP, SIZE]`.
    File { span: Span, index: u32, name: String, rest: Vec<u64> },
    /// `.section NAME { ... }` (debug information), its raw text between the braces.
    Section { span: Span, name: String, text: String },
    /// `.alias ALIAS, TARGET;`
    Alias { span: Span, alias: Ident, target: Ident },
    /// `.pragma "TEXT";`
    Pragma { span: Span, text: Vec<String> },
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// Where.
    pub span: Span,
    /// The name, with its `%` or `$` if it has one.
    pub name: String,
}

/// Linking directive of a variable or function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Linkage {
    /// None written: local to the module.
    #[default]
    Local,
    /// `.extern`
    Extern,
    /// `.visible`
    Visible,
    /// `.weak`
    Weak,
    /// `.common`
    Common,
}

/// What a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// `.entry`: launched from the host.
    Kernel,
    /// `.func`: called from the device.
    Device,
}

/// A kernel or device function, or its declaration when `body` is `None`.
#[derive(Clone, Debug)]
pub struct Function {
    /// The header, from the linkage or `.entry` to the last directive.
    pub span: Span,
    /// Linking directive.
    pub linkage: Linkage,
    /// Kernel or device function.
    pub kind: FunctionKind,
    /// Mangled name.
    pub name: Ident,
    /// Return parameters, of device functions only.
    pub returns: Vec<Variable>,
    /// Parameters, state space `.param` (or `.reg` in device functions of old PTX).
    pub params: Vec<Variable>,
    /// `.maxntid 256, 1, 1`, `.minnctapersm 2`, `.noreturn`, ... in order.
    pub directives: Vec<Directive>,
    /// The statements between the braces.
    pub body: Option<Vec<Statement>>,
}

/// A performance or attribute directive between a function's parameters and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Where.
    pub span: Span,
    /// The name with its dot, `.maxntid`.
    pub name: String,
    /// Its numbers.
    pub values: Vec<u64>,
    /// Its strings (`.pragma "nounroll"`).
    pub strings: Vec<String>,
}

/// A variable declaration: a register, parameter, shared, local, global or constant variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The whole declaration.
    pub span: Span,
    /// Linking directive.
    pub linkage: Linkage,
    /// State space: `.reg`, `.param`, `.shared`, ...
    pub space: StateSpace,
    /// `.align N`, bytes.
    pub align: Option<u32>,
    /// 2, 4 or 8 for `.v2`, `.v4`, `.v8`; 1 otherwise.
    pub vector: u8,
    /// Element type.
    pub ty: ScalarType,
    /// For kernel parameters `.ptr [.space] [.align N]`.
    pub ptr: Option<PtrAttribute>,
    /// `.attribute(.managed)`.
    pub managed: bool,
    /// Name, without the `<N>` of a parameterised register declaration. One declaration with several names
    /// (`.reg .b32 %a, %b;`) becomes several variables.
    pub name: Ident,
    /// N of `.reg .b32 %r<N>`: names `%r0` to `%r(N-1)`.
    pub range: Option<u32>,
    /// Array dimensions, outermost first; `None` for `[]`.
    pub dims: Vec<Option<u64>>,
    /// Initial value of `.global` and `.const`.
    pub init: Option<Initializer>,
}

/// `.ptr` attribute of a kernel parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtrAttribute {
    /// State space pointed to, if said.
    pub space: Option<StateSpace>,
    /// Alignment of what is pointed to, bytes.
    pub align: Option<u32>,
}

/// The initial value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Initializer {
    /// `{ a, b, ... }`
    List(Vec<Initializer>),
    /// A number.
    Value(Immediate),
    /// `NAME`, `NAME+8`, `generic(NAME)`, `generic(NAME)+8`: an address.
    Address { name: Ident, generic: bool, offset: i64 },
    /// `0xFF(NAME)`, a masked byte of an address: the mask.
    Mask { mask: u64, name: Ident, generic: bool },
}

/// A statement of a function body.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `NAME:`
    Label(Ident),
    /// A declaration.
    Variable(Variable),
    /// An instruction.
    Instruction(Instruction),
    /// `{ ... }`, a scope for names.
    Block { span: Span, body: Vec<Statement> },
    /// `.loc FILE LINE COLUMN [, function_name ..., inlined_at ...]`.
    Loc(Loc),
    /// `.pragma "TEXT";`
    Pragma { span: Span, text: Vec<String> },
    /// `LABEL: .branchtargets L0, L1, ...;`
    BranchTargets { label: Ident, targets: Vec<Ident> },
    /// `LABEL: .calltargets F0, F1, ...;`
    CallTargets { label: Ident, targets: Vec<Ident> },
    /// `LABEL: .callprototype (ret) _ (params);`
    CallPrototype { label: Ident, returns: Vec<Variable>, params: Vec<Variable>, directives: Vec<Directive> },
}

/// Source position in the CUDA program, of the instructions that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loc {
    /// Where in the PTX.
    pub span: Span,
    /// Index of an [`Item::File`].
    pub file: u32,
    /// Line in that file, from 1.
    pub line: u32,
    /// Column, from 1, or 0.
    pub column: u32,
    /// What follows (`function_name $L__info_string0, inlined_at 1 20 3`), raw.
    pub rest: String,
}

/// `@p` or `@!p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The predicate register.
    pub register: Ident,
    /// Written with `!`.
    pub negated: bool,
}

/// An instruction: `[@guard] opcode.modifiers operands;`
#[derive(Clone, Debug)]
pub struct Instruction {
    /// From the guard to the semicolon.
    pub span: Span,
    /// Predicate that guards it.
    pub guard: Option<Guard>,
    /// What it does.
    pub opcode: Opcode,
    /// Everything dotted after the opcode, in the order written, types included.
    pub modifiers: Vec<Modifier>,
    /// Operands in the order written, destination first.
    pub operands: Vec<Operand>,
}

impl Instruction {
    /// The types among the modifiers, in order.
    pub fn types(&self) -> impl Iterator<Item = ScalarType> + '_ {
        self.modifiers.iter().filter_map(|m| match m {
            Modifier::Type(t) => Some(*t),
            _ => None,
        })
    }
    /// The first type, if the instruction has one.
    pub fn ty(&self) -> Option<ScalarType> {
        self.types().next()
    }
    /// Whether `m` was written.
    pub fn has(&self, m: Modifier) -> bool {
        self.modifiers.contains(&m)
    }
    /// The state space among the modifiers.
    pub fn space(&self) -> Option<StateSpace> {
        self.modifiers.iter().find_map(|m| match m {
            Modifier::Space(s) => Some(*s),
            _ => None,
        })
    }
    /// 1, 2, 4 or 8: how many elements a vector access moves.
    pub fn vector(&self) -> usize {
        if self.has(Modifier::V2) {
            2
        } else if self.has(Modifier::V4) {
            4
        } else if self.has(Modifier::V8) {
            8
        } else {
            1
        }
    }
}

/// An operand.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A register, variable, label or function, by name: which one is a matter of scope.
    Name(Ident),
    /// `NAME.x` of a vector register (0 for x or r, 1 for y or g, ...).
    Component { base: Ident, index: u8 },
    /// `%tid.x`, `%laneid`, `WARP_SZ`, ...
    Special { span: Span, register: SpecialRegister },
    /// A number.
    Immediate { span: Span, value: Immediate },
    /// `NAME+8` without brackets: the address of a variable plus an offset.
    Offset { base: Ident, offset: i64 },
    /// `[base+offset]`.
    Address { span: Span, base: AddressBase, offset: i64 },
    /// `{a, b, c, d}`.
    Vector { span: Span, elements: Vec<Operand> },
    /// `(a, b)`: return values and arguments of a call.
    List { span: Span, elements: Vec<Operand> },
    /// `!p` on a predicate operand, `-a` on a register.
    Not { span: Span, operand: Box<Operand> },
    /// `p|q`: two destinations of setp, shfl, ...
    Pair { first: Box<Operand>, second: Box<Operand> },
    /// `_`: a destination that is thrown away.
    Sink(Span),
}

/// What an address starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum AddressBase {
    /// A register or a variable.
    Name(Ident),
    /// A number alone: `[16]`.
    Absolute,
}

/// A number in PTX.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Immediate {
    /// An integer: its low 64 bits in two's complement; `unsigned` when written with `U` or too big for i64.
    Int { bits: u64, unsigned: bool },
    /// `0fXXXXXXXX`: the bits of a binary32.
    F32(u32),
    /// `0dXXXXXXXXXXXXXXXX` or a decimal with a point: the bits of a binary64.
    F64(u64),
}
