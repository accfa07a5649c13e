//! Constant expressions, with C's operators: integers of 64 bits, signed unless one is written unsigned or does not fit, and
//! binary64. Comparisons, `&&`, `||` and `!` give 0 or 1.

use super::*;

/// A value while it is computed.
#[derive(Clone, Copy)]
enum Number {
    Int(u64, bool),
    Float(f64),
    /// `0f3F800000`, which goes as it is.
    Single(u32),
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Number::Int(bits, true) => bits as f64,
            Number::Int(bits, false) => bits as i64 as f64,
            Number::Float(value) => value,
            Number::Single(bits) => f32::from_bits(bits).into(),
        }
    }

    fn is_true(self) -> bool {
        match self {
            Number::Int(bits, _) => bits != 0,
            other => other.float() != 0.0,
        }
    }

    fn truth(yes: bool) -> Number {
        Number::Int(yes.into(), false)
    }
}

/// Binary operators, and how strongly they bind.
#[rustfmt::skip]
const OPERATORS: &[(&str, u8)] = &[
    ("||", 1), ("&&", 2), ("|", 3), ("^", 4), ("&", 5), ("==", 6), ("!=", 6), ("<<", 8), (">>", 8), ("<=", 7), (">=", 7),
    ("<", 7), (">", 7), ("+", 9), ("-", 9), ("*", 10), ("/", 10), ("%", 10),
];

impl Parser<'_> {
    /// A number, or an expression of numbers.
    pub(super) fn immediate(&mut self, what: &str) -> Parsed<Immediate> {
        Ok(match self.conditional(what)? {
            Number::Int(bits, unsigned) => Immediate::Int { bits, unsigned },
            Number::Float(value) => Immediate::F64(value.to_bits()),
            Number::Single(bits) => Immediate::F32(bits),
        })
    }

    /// An integer expression's low 64 bits.
    pub(super) fn constant(&mut self, what: &str) -> Parsed<u64> {
        let span = self.peek().span;
        match self.conditional(what)? {
            Number::Int(bits, _) => Ok(bits),
            _ => {
                let span = self.since(span);
                let text = self.slice(span).to_string();
                let why = "an integer must stand here";
                self.fail(span, Error::Number { text, why }, None)
            }
        }
    }

    /// Whether an operator follows the token here.
    pub(super) fn goes_on(&self) -> bool {
        self.operator(1).is_some()
    }

    /// `a ? b : c`, or what binds stronger.
    fn conditional(&mut self, what: &str) -> Parsed<Number> {
        let condition = self.expression(what, 0)?;
        if !self.eat(b'?') {
            return Ok(condition);
        }
        let yes = self.deeper(|p| p.conditional("a number"))?;
        self.expect(b':')?;
        let no = self.deeper(|p| p.conditional("a number"))?;
        Ok(if condition.is_true() { yes } else { no })
    }

    /// Operators that bind more strongly than `level`.
    fn expression(&mut self, what: &str, level: u8) -> Parsed<Number> {
        let mut a = self.deeper(|p| p.unary(what))?;
        while let Some((operator, strength)) = self.operator(0).filter(|(_, strength)| *strength > level) {
            let span = self.peek().span;
            self.at += operator.len();
            let b = self.deeper(|p| p.expression("a number", strength))?;
            a = match combine(operator, a, b) {
                Ok(value) => value,
                Err(why) => {
                    let text = operator.to_string();
                    return self.fail(span, Error::Number { text, why }, None);
                }
            };
        }
        Ok(a)
    }

    /// The binary operator `ahead` tokens on. Its characters are tokens that touch.
    fn operator(&self, ahead: usize) -> Option<(&'static str, u8)> {
        let touching = |n: usize| {
            let token = self.ahead(ahead + n);
            match token.tok {
                Tok::Punct(p) if n == 0 || token.span.start == self.ahead(ahead + n - 1).span.end => Some(p),
                _ => None,
            }
        };
        let spelled = |text: &str| text.bytes().enumerate().all(|(n, b)| touching(n) == Some(b));
        let longest = OPERATORS.iter().filter(|(text, _)| spelled(text));
        longest.max_by_key(|(text, _)| text.len()).copied()
    }

    fn unary(&mut self, what: &str) -> Parsed<Number> {
        match self.peek().tok {
            Tok::Int { bits, unsigned } => {
                self.bump();
                Ok(Number::Int(bits, unsigned))
            }
            Tok::F32(bits) => {
                self.bump();
                Ok(Number::Single(bits))
            }
            Tok::F64(bits) => {
                self.bump();
                Ok(Number::Float(f64::from_bits(bits)))
            }
            Tok::Ident if self.lexeme() == "WARP_SZ" => {
                self.bump();
                Ok(Number::Int(32, false))
            }
            Tok::Punct(p @ (b'-' | b'+' | b'~' | b'!')) => {
                let span = self.peek().span;
                self.bump();
                let value = self.deeper(|q| q.unary("a number"))?;
                Ok(match (p, value) {
                    (b'!', value) => Number::truth(!value.is_true()),
                    (b'+', value) => value,
                    (b'-', Number::Int(bits, unsigned)) => {
                        let least = unsigned && bits == 1 << 63; // i64::MIN
                        Number::Int(bits.wrapping_neg(), unsigned && !least)
                    }
                    (b'-', Number::Float(value)) => Number::Float(-value),
                    (b'-', Number::Single(bits)) => Number::Single(bits ^ 1 << 31),
                    (_, Number::Int(bits, unsigned)) => Number::Int(!bits, unsigned),
                    _ => {
                        let (text, why) = ("~".to_string(), "it is for integers");
                        return self.fail(span, Error::Number { text, why }, None);
                    }
                })
            }
            Tok::Punct(b'(') => {
                self.bump();
                if let Some(unsigned) = self.cast() {
                    self.expect(b')')?;
                    return Ok(match self.deeper(|q| q.unary("a number"))? {
                        Number::Int(bits, _) => Number::Int(bits, unsigned),
                        other if unsigned => Number::Int(other.float() as u64, true),
                        other => Number::Int(other.float() as i64 as u64, false),
                    });
                }
                let value = self.deeper(|q| q.conditional("a number"))?;
                self.expect(b')')?;
                Ok(value)
            }
            _ => self.expected(what),
        }
    }

    /// `.s64` or `.u64` behind a parenthesis: whether it is the latter.
    fn cast(&mut self) -> Option<bool> {
        if self.eat_dot(".u64") {
            Some(true)
        } else {
            self.eat_dot(".s64").then_some(false)
        }
    }
}

fn combine(operator: &str, a: Number, b: Number) -> Result<Number, &'static str> {
    let truth = Number::truth;
    match operator {
        "&&" => return Ok(truth(a.is_true() && b.is_true())),
        "||" => return Ok(truth(a.is_true() || b.is_true())),
        _ => {}
    }
    let (Number::Int(x, first), Number::Int(y, second)) = (a, b) else {
        let (x, y) = (a.float(), b.float());
        return Ok(match operator {
            "+" => Number::Float(x + y),
            "-" => Number::Float(x - y),
            "*" => Number::Float(x * y),
            "/" => Number::Float(x / y),
            "==" => truth(x == y),
            "!=" => truth(x != y),
            "<" => truth(x < y),
            "<=" => truth(x <= y),
            ">" => truth(x > y),
            ">=" => truth(x >= y),
            _ => return Err("it is for integers"),
        });
    };
    let unsigned = first || second;
    let order = match unsigned {
        true => x.cmp(&y),
        false => (x as i64).cmp(&(y as i64)),
    };
    let (sx, sy) = (x as i64, y as i64);
    let bits = match operator {
        "==" => return Ok(truth(x == y)),
        "!=" => return Ok(truth(x != y)),
        "<" => return Ok(truth(order.is_lt())),
        "<=" => return Ok(truth(order.is_le())),
        ">" => return Ok(truth(order.is_gt())),
        ">=" => return Ok(truth(order.is_ge())),
        "/" | "%" if y == 0 => return Err("division by zero"),
        "*" => x.wrapping_mul(y),
        "/" if unsigned => x / y,
        "/" => sx.wrapping_div(sy) as u64,
        "%" if unsigned => x % y,
        "%" => sx.wrapping_rem(sy) as u64,
        "+" => x.wrapping_add(y),
        "-" => x.wrapping_sub(y),
        // A shift has the type of what is shifted.
        "<<" => {
            return Ok(Number::Int(
                u32::try_from(y).ok().and_then(|n| x.checked_shl(n)).unwrap_or(0),
                first,
            ));
        }
        ">>" if first => {
            return Ok(Number::Int(
                u32::try_from(y).ok().and_then(|n| x.checked_shr(n)).unwrap_or(0),
                true,
            ));
        }
        ">>" => return Ok(Number::Int((sx >> y.min(63)) as u64, false)),
        "&" => x & y,
        "^" => x ^ y,
        _ => x | y,
    };
    Ok(Number::Int(bits, unsigned))
}
