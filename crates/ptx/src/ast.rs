//! The syntax tree of a PTX module: what the parser makes, the checker reads, an override rewrites, the
//! printer writes and `exec` lowers. It keeps everything the text says, and where it said it; it must
//! never interpret.

use std::sync::Arc;

pub use crate::isa::{Modifier, Opcode, ScalarType, SpecialRegister, StateSpace, Word};

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

impl Source {
    /// Line and column, both from 1, of a byte offset; columns count characters.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let end = floor_boundary(&self.text, offset as usize);
        let before = &self.text[..end];
        let line = before.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (line, before[start..].chars().count() as u32 + 1)
    }

    /// The text of line `line` (from 1) without its end; empty past the last line.
    pub fn line_text(&self, line: u32) -> &str {
        self.text
            .split('\n')
            .nth((line as usize).saturating_sub(1))
            .unwrap_or("")
            .trim_end_matches('\r')
    }

    /// The text of a span; empty when the span does not lie in this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}

/// Where the lines of a text begin: positions by search, for those who ask for many.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// Looks through the text once.
    pub fn new(source: &Source) -> Self {
        let ends = source
            .text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i as u32 + 1);
        Lines {
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The line, from 1, of a byte offset.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }

    /// The text of line `line` (from 1) of the same source, as [`Source::line_text`].
    pub fn text<'a>(&self, source: &'a Source, line: u32) -> &'a str {
        let start = self.starts.get((line as usize).saturating_sub(1));
        let rest = start.and_then(|s| source.text.get(*s as usize..)).unwrap_or("");
        rest.split('\n').next().unwrap_or("").trim_end_matches('\r')
    }
}

/// The nearest character boundary at or before `offset`.
fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
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

impl Module {
    /// Every function and function declaration, in order.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.items.iter().filter_map(|item| match item {
            Item::Function(f) => Some(f),
            _ => None,
        })
    }

    /// Every function, to be rewritten.
    pub fn functions_mut(&mut self) -> impl Iterator<Item = &mut Function> {
        self.items.iter_mut().filter_map(|item| match item {
            Item::Function(f) => Some(f),
            _ => None,
        })
    }

    /// The function of that name: its definition if there is one, else its declaration.
    pub fn function(&self, name: &str) -> Option<&Function> {
        let mut named = self.functions().filter(|f| f.name.name == name);
        let first = named.next()?;
        if first.body.is_some() {
            Some(first)
        } else {
            named.find(|f| f.body.is_some()).or(Some(first))
        }
    }

    /// The kernels that have a body, in order.
    pub fn kernels(&self) -> impl Iterator<Item = &Function> {
        self.functions()
            .filter(|f| f.kind == FunctionKind::Kernel && f.body.is_some())
    }

    /// Module-scope variables, in order.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.items.iter().filter_map(|item| match item {
            Item::Variable(v) => Some(v),
            _ => None,
        })
    }

    /// The module-scope variable of that name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables().find(|v| v.name.name == name)
    }

    /// The name of the CUDA source file that `.loc` calls `index`.
    pub fn file(&self, index: u32) -> Option<&str> {
        self.items.iter().find_map(|item| match item {
            Item::File { index: i, name, .. } if *i == index => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Something at module scope.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // fields are named for what they hold
pub enum Item {
    /// A `.global`, `.const` or `.shared` variable.
    Variable(Variable),
    /// A kernel (`.entry`) or device function (`.func`).
    Function(Function),
    /// `.file INDEX "NAME" [, TIMESTAMP, SIZE]`.
    File {
        span: Span,
        index: u32,
        name: String,
        rest: Vec<u64>,
    },
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
    /// `.attribute(.unified(A, B))`.
    pub unified: Option<(u64, u64)>,
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

impl Variable {
    /// Bytes in memory; `None` when the size of an array is left open, or beyond 64 bits.
    pub fn bytes(&self) -> Option<u64> {
        let element = u64::from(self.ty.bytes()) * u64::from(self.vector.max(1));
        self.dims
            .iter()
            .try_fold(element, |size, dim| size.checked_mul((*dim)?))
    }
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
#[allow(missing_docs)] // fields are named for what they hold
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
#[allow(missing_docs)] // fields are named for what they hold
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
    CallPrototype {
        label: Ident,
        returns: Vec<Variable>,
        params: Vec<Variable>,
        directives: Vec<Directive>,
    },
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

/// What a `.vf32` instruction says of its arithmetic besides the words of the table. Formats are names without a
/// meaning here; `exec` knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numerics {
    /// `.vf32::e5m2`: the format. `None`: that of the launch.
    pub format: Option<Word>,
    /// `.vf32::e5m2::e8m13`: the format of the accumulator of `fmam` and `addm`. `None`: FP32.
    pub accumulator: Option<Word>,
    /// `.rs::8`: how many random bits stochastic rounding takes. `None`: as many as it can use.
    pub random_bits: Option<u8>,
    /// `.into::e5m2::rz`: how the FP32 result is rounded into the format. `None`: to nearest even.
    pub into: Option<Word>,
}

impl Numerics {
    /// Stands for the launch's format where an accumulator follows: `.vf32::launch::e8m13`.
    pub const LAUNCH: &'static str = "launch";
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
    /// Formats and random bits of `.vf32`.
    pub numerics: Numerics,
    /// Operands in the order written, destination first.
    pub operands: Vec<Operand>,
}

impl Instruction {
    /// Opcode and modifiers as written, `add.rn.f32`.
    pub fn mnemonic(&self) -> String {
        let Numerics {
            format,
            accumulator,
            random_bits,
            into,
        } = self.numerics;
        let mut text = self.opcode.text().to_string();
        let mut named = false;
        for m in &self.modifiers {
            text.push('.');
            text.push_str(m.text_in(self.opcode));
            match (*m, random_bits) {
                // Said once: it holds for every `.vf32` of the instruction.
                (Modifier::Type(ScalarType::Vf32), _) if !std::mem::replace(&mut named, true) => {
                    let format = format.map(Word::text).or(accumulator.map(|_| Numerics::LAUNCH));
                    for word in format.into_iter().chain(accumulator.map(Word::text)) {
                        text.push_str("::");
                        text.push_str(word);
                    }
                }
                (Modifier::Into, _) => {
                    let format = format.map(Word::text).or(into.map(|_| Numerics::LAUNCH));
                    for word in format.into_iter().chain(into.map(Word::text)) {
                        text.push_str("::");
                        text.push_str(word);
                    }
                }
                (Modifier::Rs, Some(n)) => text.push_str(&format!("::{n}")),
                _ => {}
            }
        }
        text
    }
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
    /// The state space among the modifiers; `.shared::cta` counts as `.shared`, `.param::entry` as `.param`.
    pub fn space(&self) -> Option<StateSpace> {
        self.modifiers.iter().find_map(|m| match m {
            Modifier::Space(s) => Some(s.base()),
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
#[allow(missing_docs)] // fields are named for what they hold
pub enum Operand {
    /// A register, variable, label or function, by name: which one is a matter of scope.
    Name(Ident),
    /// `NAME.x` of a vector register (0 for x or r, 1 for y or g, ...); from 4 on `.b0` to `.b3`, `.h0`, `.h1` of a
    /// video instruction, which is not executed.
    Component { base: Ident, index: u8 },
    /// `%tid.x`, `%laneid`, `WARP_SZ`, ...
    Special { span: Span, register: SpecialRegister },
    /// A number.
    Immediate { span: Span, value: Immediate },
    /// `NAME+8` without brackets: the address of a variable plus an offset.
    Offset { base: Ident, offset: i64 },
    /// `[base+offset]`.
    Address {
        span: Span,
        base: AddressBase,
        offset: i64,
    },
    /// `{a, b, c, d}`.
    Vector { span: Span, elements: Vec<Operand> },
    /// `(a, b)`: return values and arguments of a call.
    List { span: Span, elements: Vec<Operand> },
    /// `!p` on a predicate operand.
    Not { span: Span, operand: Box<Operand> },
    /// `-a` on a register.
    Neg { span: Span, operand: Box<Operand> },
    /// `[a, {b, c}]`, `[a, b]`: the address of a texture or tensor access.
    AddressList { span: Span, elements: Vec<Operand> },
    /// `p|q`: two destinations of setp, shfl, ...
    Pair {
        first: Box<Operand>,
        second: Box<Operand>,
    },
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
#[allow(missing_docs)] // fields are named for what they hold
pub enum Immediate {
    /// An integer: its low 64 bits in two's complement; `unsigned` when written with `U` or too big for i64.
    Int { bits: u64, unsigned: bool },
    /// `0fXXXXXXXX`: the bits of a binary32.
    F32(u32),
    /// `0dXXXXXXXXXXXXXXXX` or a decimal with a point: the bits of a binary64.
    F64(u64),
}

impl Operand {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Operand::Name(name) => name.span,
            Operand::Component { base, .. } | Operand::Offset { base, .. } => base.span,
            Operand::Special { span, .. }
            | Operand::Immediate { span, .. }
            | Operand::Address { span, .. }
            | Operand::Vector { span, .. }
            | Operand::List { span, .. }
            | Operand::Not { span, .. }
            | Operand::Neg { span, .. }
            | Operand::AddressList { span, .. }
            | Operand::Sink(span) => *span,
            Operand::Pair { first, second } => Span {
                start: first.span().start,
                end: second.span().end,
            },
        }
    }
}
