//! Operands.

use super::*;

impl Parser<'_> {
    /// One operand. Parentheses are a list for `call`, a constant expression elsewhere.
    pub(super) fn operand(&mut self, in_call: bool) -> Parsed<Operand> {
        let token = self.peek();
        let start = token.span;
        match token.tok {
            Tok::Punct(b'[') => {
                self.bump();
                self.deeper(|p| p.address(start))
            }
            Tok::Punct(b'{') => {
                self.bump();
                let elements = self.deeper(|p| p.elements(b'}'))?;
                Ok(Operand::Vector {
                    span: self.since(start),
                    elements,
                })
            }
            Tok::Punct(b'(') if in_call => {
                self.bump();
                let elements = self.deeper(|p| p.elements(b')'))?;
                Ok(Operand::List {
                    span: self.since(start),
                    elements,
                })
            }
            Tok::Punct(b'!') if self.ahead(1).tok == Tok::Ident => {
                self.bump();
                let operand = Box::new(self.named_operand()?);
                Ok(Operand::Not {
                    span: self.since(start),
                    operand,
                })
            }
            Tok::Punct(b'-') if self.ahead(1).tok == Tok::Ident => {
                self.bump();
                let operand = Box::new(self.named_operand()?);
                Ok(Operand::Neg {
                    span: self.since(start),
                    operand,
                })
            }
            Tok::Ident if self.lexeme() == "WARP_SZ" && self.goes_on() => {
                let value = self.immediate("an operand")?;
                Ok(Operand::Immediate {
                    span: self.since(start),
                    value,
                })
            }
            Tok::Ident => self.named_operand(),
            _ => {
                let value = self.immediate("an operand")?;
                Ok(Operand::Immediate {
                    span: self.since(start),
                    value,
                })
            }
        }
    }

    /// `a, b)`: operands up to `close`.
    fn elements(&mut self, close: u8) -> Parsed<Vec<Operand>> {
        let mut all = Vec::new();
        while !self.eat(close) {
            all.push(self.operand(false)?);
            if !self.eat(b',') {
                self.expect(close)?;
                break;
            }
        }
        Ok(all)
    }

    /// What begins with a name: a register, `%tid.x`, `%v.y`, `sym+8`, `p|q`, `_`.
    fn named_operand(&mut self) -> Parsed<Operand> {
        let name = self.ident("a name")?;
        let first = self.named(name)?;
        if !self.eat(b'|') {
            return Ok(first);
        }
        let name = self.ident("a second destination")?;
        let second = self.named(name)?;
        Ok(Operand::Pair {
            first: Box::new(first),
            second: Box::new(second),
        })
    }

    fn named(&mut self, name: Ident) -> Parsed<Operand> {
        if name.name == "_" {
            return Ok(Operand::Sink(name.span));
        }
        let dot = self.peek();
        if dot.tok == Tok::Dot && dot.span.start == name.span.end {
            let span = Span {
                start: name.span.start,
                end: dot.span.end,
            };
            if let Some(register) = SpecialRegister::from_text(self.slice(span)) {
                self.bump();
                return Ok(Operand::Special { span, register });
            }
            let index = match self.lexeme() {
                ".x" | ".r" => 0,
                ".y" | ".g" => 1,
                ".z" | ".b" => 2,
                ".w" | ".a" => 3,
                // Bytes and halves, of video instructions.
                ".b0" => 4,
                ".b1" => 5,
                ".b2" => 6,
                ".b3" => 7,
                ".h0" => 8,
                ".h1" => 9,
                _ => {
                    return self
                        .expected_help("`.x`, `.y`, `.z` or `.w`", Some("that is how elements are named"));
                }
            };
            self.bump();
            return Ok(Operand::Component { base: name, index });
        }
        if let Some(register) = SpecialRegister::from_text(&name.name) {
            return Ok(Operand::Special {
                span: name.span,
                register,
            });
        }
        // All of `%tid` and the like: their three parts, and 0. No register that a compiler names looks like one.
        let parts = ["x", "y", "z"];
        let whole = name.name.starts_with('%') && !name.name.ends_with(|c: char| c.is_ascii_digit());
        if whole
            && let [Some(x), Some(y), Some(z)] =
                parts.map(|part| SpecialRegister::from_text(&format!("{}.{part}", name.name)))
        {
            let span = name.span;
            let part = |register| Operand::Special { span, register };
            let value = Immediate::Int {
                bits: 0,
                unsigned: false,
            };
            let elements = vec![part(x), part(y), part(z), Operand::Immediate { span, value }];
            return Ok(Operand::Vector { span, elements });
        }
        if self.is(b'[') {
            return self.element(name);
        }
        if self.is(b'+') || self.is(b'-') {
            let offset = self.offset()?;
            return Ok(Operand::Offset { base: name, offset });
        }
        Ok(Operand::Name(name))
    }

    /// `a[3]`, the address of an element of an array that was declared before.
    fn element(&mut self, base: Ident) -> Parsed<Operand> {
        let Some(bytes) = self.elements.get(&base.name).copied() else {
            return self.expected_help(
                "`,` or `;`",
                Some("only arrays that are declared before have elements"),
            );
        };
        self.expect(b'[')?;
        let span = self.peek().span;
        let index = self.constant("a constant index")?;
        self.expect(b']')?;
        match i64::try_from(index)
            .ok()
            .and_then(|n| n.checked_mul(bytes.into()))
        {
            Some(offset) => Ok(Operand::Offset { base, offset }),
            None => self.fail(
                span,
                Error::OutOfRange {
                    what: "an index",
                    range: "in the array",
                    value: index,
                },
                None,
            ),
        }
    }

    /// Behind `[`.
    fn address(&mut self, start: Span) -> Parsed<Operand> {
        if self.peek().tok != Tok::Ident {
            let offset = self.constant("an address")? as i64;
            self.expect(b']')?;
            return Ok(Operand::Address {
                span: self.since(start),
                base: AddressBase::Absolute,
                offset,
            });
        }
        let name = self.ident("an address")?;
        if self.is(b'[') {
            let place = self.element(name)?;
            self.expect(b']')?;
            return Ok(self.bracketed(start, place));
        }
        if !self.is(b',') {
            let offset = self.offset()?;
            self.expect(b']')?;
            return Ok(Operand::Address {
                span: self.since(start),
                base: AddressBase::Name(name),
                offset,
            });
        }
        let mut elements = vec![Operand::Name(name)];
        while self.eat(b',') {
            elements.push(self.operand(false)?);
        }
        self.expect(b']')?;
        Ok(Operand::AddressList {
            span: self.since(start),
            elements,
        })
    }

    /// The address that an element of an array is.
    pub(super) fn bracketed(&self, start: Span, place: Operand) -> Operand {
        match place {
            Operand::Offset { base, offset } => Operand::Address {
                span: self.since(start),
                base: AddressBase::Name(base),
                offset,
            },
            other => other,
        }
    }

    /// `+8`, `-8`, `+-8`, or nothing: 0.
    pub(super) fn offset(&mut self) -> Parsed<i64> {
        if self.eat(b'+') || self.is(b'-') {
            Ok(self.constant("an offset in bytes")? as i64)
        } else {
            Ok(0)
        }
    }
}
