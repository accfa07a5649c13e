//! Operands and constant expressions.

use super::*;

impl Parser<'_> {
    /// One operand. Parentheses are a list for `call`, a constant expression elsewhere.
    pub(super) fn operand(&mut self, in_call: bool) -> Parsed<Operand> {
        let token = self.peek();
        let start = token.span;
        match token.tok {
            Tok::Ident => self.named_operand(),
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
        if self.is(b'+') || self.is(b'-') {
            let offset = self.offset()?;
            return Ok(Operand::Offset { base: name, offset });
        }
        Ok(Operand::Name(name))
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

    /// `+8`, `-8`, `+-8`, or nothing: 0.
    pub(super) fn offset(&mut self) -> Parsed<i64> {
        if self.eat(b'+') || self.is(b'-') {
            Ok(self.constant("an offset in bytes")? as i64)
        } else {
            Ok(0)
        }
    }

    /// A number: a float with its sign, or an integer expression.
    pub(super) fn immediate(&mut self, what: &str) -> Parsed<Immediate> {
        let negative = self.is(b'-');
        match self.ahead(usize::from(negative)).tok {
            Tok::F32(bits) => {
                self.at += 1 + usize::from(negative);
                Ok(Immediate::F32(bits ^ (u32::from(negative) << 31)))
            }
            Tok::F64(bits) => {
                self.at += 1 + usize::from(negative);
                Ok(Immediate::F64(bits ^ (u64::from(negative) << 63)))
            }
            _ => {
                let (bits, unsigned) = self.expression(what, 0)?;
                Ok(Immediate::Int { bits, unsigned })
            }
        }
    }

    /// An integer expression's low 64 bits.
    pub(super) fn constant(&mut self, what: &str) -> Parsed<u64> {
        Ok(self.expression(what, 0)?.0)
    }

    /// Integer expressions with C's precedence; the value and whether it is unsigned.
    fn expression(&mut self, what: &str, level: u8) -> Parsed<(u64, bool)> {
        let (mut a, mut unsigned) = self.deeper(|p| p.unary(what))?;
        loop {
            let Some((op, width, strength)) = self.operator() else {
                return Ok((a, unsigned));
            };
            if strength <= level {
                return Ok((a, unsigned));
            }
            let span = self.peek().span;
            self.at += width;
            let (b, also) = self.deeper(|p| p.expression("a number", strength))?;
            unsigned |= also;
            a = match op {
                b'*' => a.wrapping_mul(b),
                b'/' | b'%' if b == 0 => {
                    let why = "division by zero";
                    return self.fail(
                        span,
                        Error::Number {
                            text: (op as char).to_string(),
                            why,
                        },
                        None,
                    );
                }
                b'/' if unsigned => a / b,
                b'/' => (a as i64).wrapping_div(b as i64) as u64,
                b'%' if unsigned => a % b,
                b'%' => (a as i64).wrapping_rem(b as i64) as u64,
                b'+' => a.wrapping_add(b),
                b'-' => a.wrapping_sub(b),
                b'<' => a.checked_shl(b as u32).unwrap_or(0),
                b'>' if unsigned => a.checked_shr(b as u32).unwrap_or(0),
                b'>' => ((a as i64) >> b.min(63)) as u64,
                b'&' => a & b,
                b'^' => a ^ b,
                _ => a | b,
            };
        }
    }

    /// The binary operator here: its first character, how many tokens it is, and how strongly it binds.
    fn operator(&self) -> Option<(u8, usize, u8)> {
        let Tok::Punct(p) = self.peek().tok else {
            return None;
        };
        let doubled = self.ahead(1).tok == Tok::Punct(p) && self.ahead(1).span.start == self.peek().span.end;
        match p {
            b'*' | b'/' | b'%' => Some((p, 1, 6)),
            b'+' | b'-' => Some((p, 1, 5)),
            b'<' | b'>' if doubled => Some((p, 2, 4)),
            b'&' if !doubled => Some((p, 1, 3)),
            b'^' => Some((p, 1, 2)),
            b'|' if !doubled => Some((p, 1, 1)),
            _ => None,
        }
    }

    fn unary(&mut self, what: &str) -> Parsed<(u64, bool)> {
        match self.peek().tok {
            Tok::Int { bits, unsigned } => {
                self.bump();
                Ok((bits, unsigned))
            }
            Tok::Punct(p @ (b'-' | b'+' | b'~' | b'!')) => {
                self.bump();
                let (value, unsigned) = self.deeper(|q| q.unary("a number"))?;
                Ok(match p {
                    b'-' if unsigned && value == 1 << 63 => (value, false), // i64::MIN
                    b'-' => (value.wrapping_neg(), unsigned),
                    b'~' => (!value, unsigned),
                    b'!' => (u64::from(value == 0), false),
                    _ => (value, unsigned),
                })
            }
            Tok::Punct(b'(') => {
                self.bump();
                let value = self.deeper(|q| q.expression("a number", 0))?;
                self.expect(b')')?;
                Ok(value)
            }
            _ => self.expected(what),
        }
    }
}
