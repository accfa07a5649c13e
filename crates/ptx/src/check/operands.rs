//! Operands held against the patterns of an instruction's forms.

use std::borrow::Cow;

use super::*;
use crate::isa::{Pattern, Shape, TypeKind, Want};

/// A type an operand must have, and how strictly.
#[derive(Clone, Copy)]
pub(super) struct Typing {
    ty: ScalarType,
    /// How many elements a register in this place has: 1, or those of a vector access that names one register.
    lanes: u8,
    /// The register may be wider.
    wider: bool,
    /// The early `.bf16` on f32 registers is welcome.
    early: bool,
    /// Size alone counts: elements in the braces of a load or store.
    any_kind: bool,
}

impl Typing {
    pub(super) fn exact(ty: ScalarType) -> Self {
        Typing {
            ty,
            lanes: 1,
            wider: false,
            early: false,
            any_kind: false,
        }
    }

    /// For an operand that may be one register with all elements of a vector access.
    fn whole(self, i: &Instruction) -> Self {
        let lanes = i.vector() as u8;
        Typing { lanes, ..self }
    }

    /// PTX's rules for a register declared `declared`.
    fn suits(self, declared: ScalarType) -> bool {
        use TypeKind::*;
        // 128 bits are no wider form of anything, and arithmetic in a format has 32.
        if (self.ty == ScalarType::B128) != (declared == ScalarType::B128) {
            return false;
        }
        if self.ty == ScalarType::Vf32 && declared.bits() != 32 {
            return false;
        }
        if self.early && self.ty == ScalarType::Bf16 && declared.bits() == 32 {
            return matches!(declared.kind(), Float | Bits);
        }
        let (want, have) = (self.ty.kind(), declared.kind());
        // Packed halves have no kind to ptxas.
        let packed = matches!(declared, ScalarType::F16x2 | ScalarType::Bf16x2);
        let kinds = match (want, have) {
            (Predicate, Predicate) => true,
            (Predicate, _) | (_, Predicate) => false,
            (Bits, _) | (_, Bits) => true,
            _ if packed || self.any_kind => true,
            (Signed | Unsigned, Signed | Unsigned) | (Float, Float) | (Opaque, Opaque) => true,
            // Packed halves and small floats live in integer registers of old files.
            (Float, Signed | Unsigned) => !matches!(
                self.ty,
                ScalarType::F32 | ScalarType::Vf32 | ScalarType::F64 | ScalarType::F16 | ScalarType::Bf16
            ),
            _ => false,
        };
        let size = if self.wider && want != Predicate && (packed || want != Float || have != Float) {
            declared.bits() >= self.ty.bits()
        } else {
            declared.bits() == self.ty.bits()
        };
        kinds && size
    }

    /// Whether a special register may stand here. `mov` of one value widens and narrows what it reads.
    fn takes(self, register: SpecialRegister, i: &Instruction) -> bool {
        let (want, have) = (self.ty.bits(), register.bits());
        let vector = |o: &Operand| matches!(o, Operand::Vector { .. });
        let moves = i.opcode == Opcode::Mov && !i.operands.iter().any(vector);
        let predicate = register == SpecialRegister::IsExplicitCluster;
        match self.ty.kind() {
            _ if self.lanes != 1 || want == 128 => false,
            TypeKind::Predicate => predicate,
            // A constant, of any width.
            _ if register == SpecialRegister::WarpSz => true,
            _ => moves || want == have || want < 32 && have == 32 || self.wider && have >= want,
        }
    }

    fn describe(self) -> String {
        match self.ty.kind() {
            _ if self.lanes > 1 => format!("one register of `.v{} .{}`", self.lanes, self.ty),
            TypeKind::Predicate => "a predicate".into(),
            _ if self.wider => format!("`.{}` or wider", self.ty),
            _ if self.ty == ScalarType::Vf32 => "`.f32` or `.b32` (for `.vf32`)".into(),
            _ => format!("`.{}`", self.ty),
        }
    }
}

impl<'m> Checker<'m> {
    /// Checks operands against the first form that takes as many; of several, against the one with no error.
    pub(super) fn operands(&mut self, i: &'m Instruction, shapes: &[&Shape]) {
        if i.opcode == Opcode::Call {
            return self.call(i);
        }
        let ways = || shapes.iter().flat_map(|s| s.operands.iter());
        let mut first: Option<Vec<Diagnostic>> = None;
        for way in ways() {
            let Some(matching) = align(way, i.operands.len()) else {
                continue;
            };
            let before = self.errors.len();
            for (n, pattern) in matching.iter().enumerate() {
                self.operand(i, n, pattern, &i.operands[n]);
            }
            if self.errors.len() == before {
                return;
            }
            let found = self.errors.split_off(before);
            first.get_or_insert(found);
        }
        match first {
            Some(found) => self.errors.extend(found),
            None => {
                let mut counts: Vec<String> = Vec::new();
                for way in ways() {
                    let least = way.iter().filter(|p| !p.optional).count();
                    let text = if least == way.len() {
                        least.to_string()
                    } else {
                        format!("{least} to {}", way.len())
                    };
                    if !counts.contains(&text) {
                        counts.push(text);
                    }
                }
                let span = self.mnemonic_span(i);
                let (mnemonic, expected, found) = (i.mnemonic(), counts.join(" or "), i.operands.len());
                self.error(
                    span,
                    Error::OperandCount {
                        mnemonic,
                        expected,
                        found,
                    },
                    None,
                );
            }
        }
    }

    pub(super) fn kind_error(
        &mut self,
        i: &Instruction,
        n: usize,
        operand: &Operand,
        expected: impl Into<String>,
    ) {
        let found = describe(operand);
        let (mnemonic, number, expected) = (i.mnemonic(), n + 1, expected.into());
        self.error(
            operand.span(),
            Error::OperandKind {
                mnemonic,
                number,
                expected,
                found,
            },
            None,
        );
    }

    fn operand(&mut self, i: &'m Instruction, n: usize, pattern: &Pattern, operand: &'m Operand) {
        let early = has_early_form(i.opcode);
        let nth = |index: usize| i.types().nth(index).unwrap_or(ScalarType::B32);
        match pattern.want {
            Want::Typed { index, wider } => {
                let typing = Typing {
                    ty: nth(index),
                    lanes: 1,
                    wider,
                    early,
                    any_kind: false,
                };
                if let (true, Operand::Pair { first, second }) = (pattern.pair, operand) {
                    self.value(i, n, pattern, first, typing);
                    self.value(i, n, pattern, second, Typing::exact(ScalarType::Pred));
                } else {
                    self.value(i, n, pattern, operand, typing);
                }
            }
            Want::Fixed(ty) => {
                let ty = if ty == ScalarType::F32 && Self::has_type(i, ScalarType::Bf16) {
                    ScalarType::B32
                } else {
                    ty
                };
                let typing = Typing::exact(ty);
                if let (true, Operand::Pair { first, second }) = (pattern.pair, operand) {
                    self.value(i, n, pattern, first, typing);
                    self.value(i, n, pattern, second, Typing::exact(ScalarType::Pred));
                } else {
                    self.value(i, n, pattern, operand, typing);
                }
            }
            Want::Widened => {
                let ty = widened(nth(0));
                self.value(i, n, pattern, operand, Typing::exact(ty));
            }
            Want::Pointer => {
                let ty = if self.module.address_size == 32 {
                    ScalarType::B32
                } else {
                    ScalarType::B64
                };
                // A 32-bit window address in 64-bit code is as good.
                self.value(
                    i,
                    n,
                    pattern,
                    operand,
                    Typing {
                        wider: true,
                        ..Typing::exact(narrower(ty))
                    },
                );
            }
            Want::Packed => {
                // A vector of registers as one value, or a value of an ordinary type.
                if let Operand::Vector { elements, .. } = operand {
                    let parts = elements.len() as u32;
                    let bits = nth(0).bits() * i.vector() as u32;
                    if parts == 0 || !bits.is_multiple_of(parts) {
                        self.kind_error(i, n, operand, format!("registers of {bits} bits in all"));
                    }
                    let wanted = bits / parts.max(1);
                    for element in elements {
                        self.part(i, n, element, wanted);
                    }
                } else {
                    let typing = Typing {
                        early,
                        ..Typing::exact(nth(0))
                    };
                    self.value(i, n, pattern, operand, typing.whole(i));
                }
            }
            Want::Vector => {
                let typing = Typing {
                    ty: nth(0),
                    lanes: 1,
                    wider: true,
                    early,
                    any_kind: false,
                };
                match operand {
                    Operand::Vector { elements, span } => {
                        if elements.len() != i.vector() {
                            let (mnemonic, number) = (i.mnemonic(), n + 1);
                            let expected = format!("{} registers in braces", i.vector());
                            let found = format!("{}", elements.len());
                            let error = Error::OperandKind {
                                mnemonic,
                                number,
                                expected,
                                found,
                            };
                            self.error(*span, error, None);
                        }
                        let typing = Typing {
                            any_kind: true,
                            ..typing
                        };
                        for element in elements {
                            self.value(i, n, pattern, element, typing);
                        }
                    }
                    _ => self.value(i, n, pattern, operand, typing.whole(i)),
                }
            }
            Want::Address => self.address(i, n, operand),
            Want::Constant => {
                if !matches!(
                    operand,
                    Operand::Immediate {
                        value: Immediate::Int { .. },
                        ..
                    }
                ) {
                    self.kind_error(i, n, operand, "an integer constant");
                }
            }
            Want::Label => match operand {
                Operand::Name(name) => match self.lookup("label", name) {
                    Some(Entity::Label) if i.opcode == Opcode::Bra => {}
                    Some(Entity::Branches) if i.opcode == Opcode::Brx => {}
                    None => {}
                    Some(other) => {
                        let what = if i.opcode == Opcode::Brx {
                            "a list of labels (`.branchtargets`)"
                        } else {
                            "a label"
                        };
                        self.wrong_kind(name, what, other);
                    }
                },
                _ => self.kind_error(i, n, operand, "a label"),
            },
            Want::Anything => self.anything(operand),
        }
    }

    /// Names inside an operand that may be anything.
    pub(super) fn anything(&mut self, operand: &'m Operand) {
        operand.each_name(&mut |name| {
            self.lookup("name", name);
        });
    }

    fn address(&mut self, i: &'m Instruction, n: usize, operand: &'m Operand) {
        let Operand::Address { base, .. } = operand else {
            return self.kind_error(i, n, operand, "an address in brackets");
        };
        let AddressBase::Name(name) = base else { return };
        match self.lookup("variable", name) {
            Some(Entity::Register { ty, vector }) if Self::is_address(ty, vector) => {}
            Some(Entity::Register { ty, vector }) => {
                let expected = "an integer of 32 or 64 bits".to_string();
                self.type_error(i, n, operand, name, (ty, vector), expected);
            }
            Some(Entity::Variable(_) | Entity::Function) | None => {}
            Some(other) => self.wrong_kind(name, "a variable or register", other),
        }
    }

    /// Whether a register can hold an address.
    pub(super) fn is_address(ty: ScalarType, vector: u8) -> bool {
        vector == 1
            && matches!(ty.bits(), 32 | 64)
            && matches!(ty.kind(), TypeKind::Bits | TypeKind::Unsigned | TypeKind::Signed)
    }

    /// One element of a packed value: a register of that many bits, `_`, or a number.
    fn part(&mut self, i: &'m Instruction, n: usize, operand: &'m Operand, bits: u32) {
        let (name, element) = match operand {
            Operand::Name(name) => (name, None),
            Operand::Component { base, index } => (base, Some(*index)),
            Operand::Sink(_) | Operand::Immediate { .. } => return,
            Operand::Special { register, .. } if register.bits() == bits.max(32) => return,
            _ => return self.kind_error(i, n, operand, "a register"),
        };
        match (self.lookup("register", name), element) {
            (Some(Entity::Register { ty, vector: 1 }), None) if ty.bits() == bits => {}
            (Some(Entity::Register { ty, vector }), Some(index)) if ty.bits() == bits && index < vector => {}
            (Some(Entity::Register { ty, vector }), _) => {
                let expected = format!("{bits} bits wide");
                self.type_error(i, n, operand, name, (ty, vector), expected);
            }
            (Some(other), _) => self.wrong_kind(name, "a register", other),
            (None, _) => {}
        }
    }

    pub(super) fn type_error(
        &mut self,
        i: &Instruction,
        n: usize,
        operand: &Operand,
        name: &Ident,
        (ty, vector): (ScalarType, u8),
        expected: String,
    ) {
        let (mnemonic, number, name) = (i.mnemonic(), n + 1, name.name.clone());
        let declared = match vector {
            1 => ty.text().to_string(),
            _ => format!("v{vector} .{ty}"),
        };
        let error = Error::OperandType {
            mnemonic,
            number,
            name,
            declared,
            expected,
        };
        self.error(operand.span(), error, None);
    }

    /// A single value: a register, a number, the address of a variable, a special register.
    pub(super) fn value(
        &mut self,
        i: &'m Instruction,
        n: usize,
        pattern: &Pattern,
        operand: &'m Operand,
        typing: Typing,
    ) {
        match operand {
            Operand::Name(name) => match self.lookup("register", name) {
                None => {}
                Some(Entity::Register { ty, vector }) if typing.suits(ty) && vector == typing.lanes => {}
                Some(Entity::Register { ty, vector }) => {
                    self.type_error(i, n, operand, name, (ty, vector), typing.describe());
                }
                // The address of a variable or function, as a value.
                Some(Entity::Variable(_) | Entity::Function)
                    if !pattern.written && (32..=64).contains(&typing.ty.bits()) && typing.lanes == 1 => {}
                // Parameters of PTX 1 and 2 device functions are read and written by name.
                Some(Entity::Variable(_))
                    if i.opcode == Opcode::Mov && typing.ty != ScalarType::Pred && typing.lanes == 1 => {}
                Some(other) => {
                    let what = if typing.ty == ScalarType::Pred {
                        "a predicate"
                    } else {
                        "a register"
                    };
                    self.wrong_kind(name, what, other);
                }
            },
            Operand::Component { base, index } => match self.lookup("register", base) {
                Some(Entity::Register { ty, vector })
                    if vector > 1 && *index < vector && typing.suits(ty) && typing.lanes == 1 => {}
                Some(Entity::Register { ty, vector }) if vector > 1 && *index < vector => {
                    self.type_error(i, n, operand, base, (ty, vector), typing.describe());
                }
                Some(other) => self.wrong_kind(base, "a vector register", other),
                None => {}
            },
            Operand::Sink(_) if pattern.written && typing.lanes == 1 => {}
            Operand::Sink(_) if pattern.want == Want::Vector && typing.lanes == 1 => {}
            _ if pattern.written => self.kind_error(i, n, operand, "a register"),
            Operand::Special { register, .. } if typing.takes(*register, i) => {}
            Operand::Offset { base, .. } if (32..=64).contains(&typing.ty.bits()) && typing.lanes == 1 => {
                match self.lookup("variable", base) {
                    Some(Entity::Variable(_) | Entity::Function) | None => {}
                    Some(other) => self.wrong_kind(base, "a variable", other),
                }
            }
            Operand::Immediate { value, .. } if typing.lanes == 1 => {
                let fits = match (typing.ty.kind(), value) {
                    (TypeKind::Float, Immediate::Int { .. }) => {
                        !matches!(typing.ty, ScalarType::F32 | ScalarType::F64 | ScalarType::Vf32)
                            && typing.ty.bits() <= 32
                            && !(typing.early && typing.ty == ScalarType::Bf16 && !moves(i.opcode))
                    }
                    (TypeKind::Float | TypeKind::Bits, _) | (_, Immediate::Int { .. }) => true,
                    _ => false,
                };
                if !fits {
                    let expected = match typing.ty.kind() {
                        TypeKind::Float => "a floating-point number (`0f3F800000`, `1.0`)",
                        _ => "an integer",
                    };
                    self.kind_error(i, n, operand, expected);
                }
            }
            Operand::Not { operand: inner, .. } if typing.ty == ScalarType::Pred && typing.lanes == 1 => {
                self.value(i, n, pattern, inner, typing);
            }
            Operand::Neg { operand: inner, .. }
                if typing.ty.kind() == TypeKind::Float && typing.lanes == 1 =>
            {
                self.value(i, n, pattern, inner, typing);
            }
            _ => self.kind_error(i, n, operand, typing.describe()),
        }
    }
}

/// Whether early override files write it with `.bf16` on f32 registers.
fn has_early_form(opcode: Opcode) -> bool {
    isa::entry(opcode).class.is_some() || matches!(opcode, Opcode::Fmam | Opcode::Addm) || moves(opcode)
}

fn moves(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Mov | Opcode::Selp | Opcode::Ld | Opcode::Ldu | Opcode::St
    )
}

/// Leaves optional patterns out from the left until as many are left as there are operands.
fn align(way: &[Pattern], count: usize) -> Option<Cow<'_, [Pattern]>> {
    let mut spare = way.len().checked_sub(count)?;
    if spare == 0 {
        return Some(Cow::Borrowed(way));
    }
    let optional = way.iter().filter(|p| p.optional).count();
    if spare > optional {
        return None;
    }
    // Optional operands in the middle are the ones left out (`bar.red`); at the end, the last ones.
    let mut kept = Vec::with_capacity(count);
    let mut optional_left = optional;
    for p in way {
        if p.optional {
            optional_left -= 1;
            if spare > optional_left {
                spare -= 1;
                continue;
            }
        }
        kept.push(*p);
    }
    Some(Cow::Owned(kept))
}

fn widened(ty: ScalarType) -> ScalarType {
    use ScalarType::*;
    match ty {
        U16 => U32,
        S16 => S32,
        U32 => U64,
        S32 => S64,
        other => other,
    }
}

fn narrower(ty: ScalarType) -> ScalarType {
    if ty == ScalarType::B64 {
        ScalarType::B32
    } else {
        ty
    }
}

fn describe(operand: &Operand) -> String {
    match operand {
        Operand::Name(name) => format!("`{}`", name.name),
        Operand::Component { .. } => "an element of a vector".into(),
        Operand::Special { register, .. } => format!("the special register `{register}`"),
        Operand::Immediate {
            value: Immediate::Int { .. },
            ..
        } => "an integer".into(),
        Operand::Immediate { .. } => "a floating-point number".into(),
        Operand::Offset { .. } => "the address of a variable".into(),
        Operand::Address { .. } | Operand::AddressList { .. } => "an address in brackets".into(),
        Operand::Vector { .. } => "a vector".into(),
        Operand::List { .. } => "a list".into(),
        Operand::Not { .. } => "a negated predicate".into(),
        Operand::Neg { .. } => "a negated value".into(),
        Operand::Pair { .. } => "two destinations".into(),
        Operand::Sink(_) => "`_`".into(),
    }
}
