//! Variables, initial values and function headers.

use super::*;

/// Directives between a function's parameters and its body.
const FUNCTION_DIRECTIVES: &[&str] = &[
    ".maxntid",
    ".reqntid",
    ".minnctapersm",
    ".maxnctapersm",
    ".maxnreg",
    ".noreturn",
    ".explicitcluster",
    ".reqnctapercluster",
    ".maxclusterrank",
    ".blocksareclusters",
    ".abi_preserve",
    ".abi_preserve_control",
    ".pragma",
    ".attribute",
];

impl Parser<'_> {
    /// `.space [.align N] [.vN] .type name[<N>][dims] [= init] {, name ...}`, without the semicolon.
    pub(super) fn variables(&mut self, start: Span, linkage: Linkage) -> Parsed<Vec<Variable>> {
        let first = self.variable(start, linkage)?;
        let mut all = vec![first];
        while self.eat(b',') {
            let mut next = all[0].clone();
            (next.range, next.dims, next.init) = (None, Vec::new(), None);
            self.declarator(&mut next)?;
            next.span = self.since(start);
            all.push(next);
        }
        Ok(all)
    }

    /// A declaration with one name.
    fn variable(&mut self, start: Span, linkage: Linkage) -> Parsed<Variable> {
        let word = self.lexeme();
        let Some(space) =
            StateSpace::from_text(word.trim_start_matches('.')).filter(|_| self.peek().tok == Tok::Dot)
        else {
            return self.expected("a state space: `.reg`, `.param`, `.shared`, ...");
        };
        self.bump();
        // `.const[2]`, a bank of PTX 1: the one bank of today.
        if self.eat(b'[') {
            self.int("a bank number")?;
            self.expect(b']')?;
        }
        let name = Ident {
            span: start,
            name: String::new(),
        };
        let mut variable = Variable {
            span: start,
            linkage,
            space,
            align: None,
            vector: 1,
            ty: ScalarType::B8,
            ptr: None,
            managed: false,
            unified: None,
            name,
            range: None,
            dims: Vec::new(),
            init: None,
        };
        let mut ty = None;
        while self.peek().tok == Tok::Dot {
            let word = self.lexeme();
            match word {
                ".align" => {
                    self.bump();
                    variable.align = Some(self.alignment()?);
                }
                ".v2" | ".v4" | ".v8" => {
                    self.bump();
                    variable.vector = word.as_bytes()[2] - b'0';
                }
                ".attribute" => {
                    self.bump();
                    self.attributes(&mut variable)?;
                }
                ".ptr" if ty.is_some() => {
                    self.bump();
                    variable.ptr = Some(self.ptr()?);
                }
                _ => match ScalarType::from_text(&word[1..]) {
                    Some(t) if ty.is_none() => {
                        self.bump();
                        ty = Some(t);
                    }
                    _ => {
                        let span = self.peek().span;
                        let known = ScalarType::ALL.iter().map(|t| t.text());
                        let help = nearest(&word[1..], known).map(|w| format!("did you mean `.{w}`?"));
                        return self.fail(span, Error::UnknownType(word.to_string()), help);
                    }
                },
            }
        }
        variable.ty = match ty {
            Some(ty) => ty,
            None => {
                return self.expected_help("a type", Some("a declaration names a type: `.reg .f32 %f<4>;`"));
            }
        };
        self.declarator(&mut variable)?;
        variable.span = self.since(start);
        Ok(variable)
    }

    /// `name[<N>][dims] [= init]`
    fn declarator(&mut self, variable: &mut Variable) -> Parsed<()> {
        variable.name = self.ident("a name")?;
        if self.eat(b'<') {
            variable.range = Some(self.int_u32("the number of registers")?);
            self.expect(b'>')?;
        }
        while self.eat(b'[') {
            if self.eat(b']') {
                variable.dims.push(None);
                continue;
            }
            let span = self.peek().span;
            let bits = self.constant("an array size")?;
            if bits > 1 << 40 {
                let range = "at most 2^40";
                return self.fail(
                    span,
                    Error::OutOfRange {
                        what: "an array size",
                        range,
                        value: bits,
                    },
                    None,
                );
            }
            variable.dims.push(Some(bits));
            self.expect(b']')?;
        }
        if !variable.dims.is_empty() {
            // Of several dimensions the first is what an index counts.
            let inner = variable.dims[1..].iter();
            let rest = inner.fold(1u64, |all, d| all.saturating_mul(d.unwrap_or(0)));
            let bytes = u64::from(variable.ty.bytes()) * u64::from(variable.vector);
            let bytes = u32::try_from(bytes.saturating_mul(rest)).unwrap_or(u32::MAX);
            self.elements.insert(variable.name.name.clone(), bytes);
        }
        if self.eat(b'=') {
            variable.init = Some(self.initializer()?);
        }
        Ok(())
    }

    fn alignment(&mut self) -> Parsed<u32> {
        let span = self.peek().span;
        let value = self.int("an alignment in bytes")?;
        if !value.is_power_of_two() || value > 1 << 30 {
            let range = "a power of two";
            return self.fail(
                span,
                Error::OutOfRange {
                    what: "`.align`",
                    range,
                    value,
                },
                None,
            );
        }
        Ok(value as u32)
    }

    /// Behind `.attribute`.
    fn attributes(&mut self, variable: &mut Variable) -> Parsed<()> {
        self.expect(b'(')?;
        loop {
            if self.eat_dot(".managed") {
                variable.managed = true;
            } else if self.eat_dot(".unified") {
                variable.unified = Some(self.unified()?);
            } else {
                return self.expected("`.managed` or `.unified(A, B)`");
            }
            if !self.eat(b',') {
                return self.expect(b')');
            }
        }
    }

    fn unified(&mut self) -> Parsed<(u64, u64)> {
        self.expect(b'(')?;
        let a = self.int("a number")?;
        self.expect(b',')?;
        let b = self.int("a number")?;
        self.expect(b')')?;
        Ok((a, b))
    }

    /// Behind `.ptr`.
    fn ptr(&mut self) -> Parsed<PtrAttribute> {
        let mut ptr = PtrAttribute {
            space: None,
            align: None,
        };
        while self.peek().tok == Tok::Dot {
            if self.eat_dot(".align") {
                ptr.align = Some(self.alignment()?);
            } else if let Some(space) = StateSpace::from_text(&self.lexeme()[1..]) {
                self.bump();
                ptr.space = Some(space);
            } else {
                return self.expected("a state space or `.align`");
            }
        }
        Ok(ptr)
    }

    fn initializer(&mut self) -> Parsed<Initializer> {
        let token = self.peek();
        match token.tok {
            Tok::Punct(b'{') => {
                self.bump();
                self.deeper(|p| {
                    let mut list = Vec::new();
                    while !p.eat(b'}') {
                        list.push(p.initializer()?);
                        if !p.eat(b',') {
                            p.expect(b'}')?;
                            break;
                        }
                    }
                    Ok(Initializer::List(list))
                })
            }
            Tok::Ident => {
                let (name, generic) = self.symbol()?;
                let offset = self.offset()?;
                Ok(Initializer::Address {
                    name,
                    generic,
                    offset,
                })
            }
            Tok::Int { bits, .. } if self.ahead(1).tok == Tok::Punct(b'(') => {
                self.bump();
                self.bump();
                let (name, generic) = self.symbol()?;
                self.expect(b')')?;
                Ok(Initializer::Mask {
                    mask: bits,
                    name,
                    generic,
                })
            }
            _ => Ok(Initializer::Value(self.immediate("an initial value")?)),
        }
    }

    /// `NAME` or `generic(NAME)`.
    fn symbol(&mut self) -> Parsed<(Ident, bool)> {
        let name = self.ident("a name")?;
        if name.name != "generic" || !self.eat(b'(') {
            return Ok((name, false));
        }
        let name = self.ident("a name")?;
        self.expect(b')')?;
        Ok((name, true))
    }

    /// `(.param .b32 a, .param .b64 b)`, opening parenthesis not yet eaten.
    pub(super) fn parameters(&mut self) -> Parsed<Vec<Variable>> {
        self.expect(b'(')?;
        let mut all = Vec::new();
        while !self.eat(b')') {
            let start = self.peek().span;
            all.push(self.variable(start, Linkage::Local)?);
            if !self.eat(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(all)
    }

    /// `.entry name (params) directives { body }` and `.func (returns) name (params) directives ...`.
    pub(super) fn function(&mut self, start: Span, linkage: Linkage, kind: FunctionKind) -> Parsed<Function> {
        self.bump();
        let mut directives = Vec::new();
        while self.peek().tok == Tok::Dot && self.lexeme() == ".attribute" {
            directives.push(self.directive()?);
        }
        let mut returns = Vec::new();
        if kind == FunctionKind::Device && self.is(b'(') {
            returns = self.parameters()?;
        }
        let name = self.ident("a function name")?;
        let params = if self.is(b'(') {
            self.parameters()?
        } else {
            Vec::new()
        };
        while self.peek().tok == Tok::Dot {
            directives.push(self.directive()?);
        }
        let span = self.since(start);
        let body = if self.eat(b';') {
            None
        } else if self.is(b'{') {
            Some(self.body()?)
        } else {
            return self.expected("`{` or `;` behind the function's header");
        };
        Ok(Function {
            span,
            linkage,
            kind,
            name,
            returns,
            params,
            directives,
            body,
        })
    }

    /// `.maxntid 256, 1, 1`, `.pragma "TEXT";`, `.attribute(.unified(A, B))`.
    pub(super) fn directive(&mut self) -> Parsed<Directive> {
        let token = self.peek();
        let name = self.lexeme().to_string();
        if !FUNCTION_DIRECTIVES.contains(&name.as_str()) {
            return self.unknown_directive(FUNCTION_DIRECTIVES, None);
        }
        self.bump();
        let (mut values, mut strings) = (Vec::new(), Vec::new());
        if name == ".pragma" {
            strings = self.strings()?;
            self.expect(b';')?;
        } else if name == ".attribute" {
            self.expect(b'(')?;
            if !self.eat_dot(".unified") {
                return self.expected("`.unified(A, B)`");
            }
            let (a, b) = self.unified()?;
            values = vec![a, b];
            self.expect(b')')?;
        } else if matches!(self.peek().tok, Tok::Int { .. }) {
            values.push(self.int("a number")?);
            while self.eat(b',') {
                values.push(self.int("a number")?);
            }
        }
        Ok(Directive {
            span: self.since(token.span),
            name,
            values,
            strings,
        })
    }
}
