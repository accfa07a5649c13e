//! PTX text to tokens. Comments and blanks go; every token knows its bytes. Never fails: what is no token
//! becomes [`Tok::Bad`] and an error.

use crate::ast::Span;
use crate::error::{Diagnostic, Error};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tok {
    /// `%r1`, `add`, `$L__BB0_1`, `_`.
    Ident,
    /// `.f32`, `.L1::evict_last`, `.2d`: a dot and the word on it.
    Dot,
    /// An integer; see [`crate::ast::Immediate::Int`].
    Int { bits: u64, unsigned: bool },
    /// `0fXXXXXXXX`.
    F32(u32),
    /// `0dXXXXXXXXXXXXXXXX`, `1.5`.
    F64(u64),
    /// `"..."`, quotes in the span.
    Str,
    /// One character of punctuation.
    Punct(u8),
    /// Something reported already.
    Bad,
    /// The end of the text.
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token {
    pub tok: Tok,
    pub span: Span,
}

/// More errors than this and the text is not PTX; the rest is not looked at.
const MOST_ERRORS: usize = 100;

/// All tokens of `text`, the last one [`Tok::End`].
pub(crate) fn lex(text: &str, errors: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        errors,
    };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        let token = lexer.next();
        tokens.push(token);
        if token.tok == Tok::End {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    errors: &'a mut Vec<Diagnostic>,
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn span(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.at as u32,
        }
    }

    fn error(&mut self, start: usize, error: Error, help: Option<&str>) {
        let span = self.span(start);
        self.errors.push(Diagnostic {
            span,
            error,
            help: help.map(str::to_string),
        });
        if self.errors.len() > MOST_ERRORS {
            self.at = self.bytes.len();
        }
    }

    fn word(&mut self) {
        while self.at < self.bytes.len() && is_word(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        while self.at < self.bytes.len() {
            match (self.bytes[self.at], self.peek(1)) {
                (b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x0b | 0x0c, _) => self.at += 1,
                (b'/', b'/') => self.line(),
                // `# 12 "foo.ptx"` and `#line 12`: where the text came from before a preprocessor.
                (b'#', _) if self.is_line_marker() => self.line(),
                // DWARF of the very first toolkits, deprecated since PTX 2.0.
                (b'@', b'@') => self.line(),
                (b'/', b'*') => {
                    let start = self.at;
                    match self.text.as_bytes()[start + 2..]
                        .windows(2)
                        .position(|w| w == b"*/")
                    {
                        Some(n) => self.at = start + 2 + n + 2,
                        None => {
                            self.at = start + 2;
                            self.error(
                                start,
                                Error::Unclosed("this comment"),
                                Some("write `*/` where it ends"),
                            );
                            self.at = self.bytes.len();
                        }
                    }
                }
                _ => return,
            }
        }
    }

    /// Whether a line marker begins here: at the beginning of a line, a number or `line` behind it.
    fn is_line_marker(&self) -> bool {
        let before = self.text[..self.at].bytes().rev();
        let begins = before
            .take_while(|b| *b != b'\n')
            .all(|b| matches!(b, b' ' | b'\t' | b'\r'));
        let rest = self.text[self.at + 1..].trim_start_matches([' ', '\t']);
        begins && (rest.starts_with("line") || rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn next(&mut self) -> Token {
        self.blanks();
        let start = self.at;
        let tok = if start >= self.bytes.len() {
            Tok::End
        } else {
            match self.bytes[start] {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | b'%' => self.ident(start),
                b'0'..=b'9' => self.number(start),
                // `.5`: what no word stands before is no modifier.
                b'.' if self.peek(1).is_ascii_digit() && (start == 0 || !is_word(self.bytes[start - 1])) => {
                    self.decimal(start)
                }
                b'.' if is_word(self.peek(1)) => self.dotted(),
                b'"' => self.string(start),
                b @ (b'{' | b'}' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b',' | b';' | b':' | b'='
                | b'@' | b'!' | b'|' | b'&' | b'^' | b'~' | b'+' | b'-' | b'*' | b'/' | b'?' | b'.') => {
                    self.at += 1;
                    Tok::Punct(b)
                }
                _ => self.bad(start),
            }
        };
        Token {
            tok,
            span: self.span(start),
        }
    }

    fn bad(&mut self, start: usize) -> Tok {
        let c = self.text[start..].chars().next().unwrap_or(' ');
        self.at += c.len_utf8();
        self.error(
            start,
            Error::Character(if c.is_control() {
                format!("{c:?}")
            } else {
                format!("`{c}`")
            }),
            None,
        );
        Tok::Bad
    }

    fn ident(&mut self, start: usize) -> Tok {
        self.at += 1;
        self.word();
        if self.at == start + 1 && self.bytes[start] == b'%' {
            return Tok::Punct(b'%'); // the remainder of a constant expression
        }
        Tok::Ident
    }

    fn dotted(&mut self) -> Tok {
        self.at += 1;
        self.word();
        while self.peek(0) == b':' && self.peek(1) == b':' && is_word(self.peek(2)) {
            self.at += 2;
            self.word();
        }
        Tok::Dot
    }

    fn string(&mut self, start: usize) -> Tok {
        let rest = &self.bytes[start + 1..];
        match rest.iter().position(|b| matches!(b, b'"' | b'\n')) {
            Some(n) if rest[n] == b'"' => {
                self.at = start + n + 2;
                Tok::Str
            }
            _ => {
                self.at += 1;
                self.error(
                    start,
                    Error::Unclosed("this string"),
                    Some("write the second `\"` on the same line"),
                );
                self.line();
                Tok::Bad
            }
        }
    }

    fn bad_number(&mut self, start: usize, why: &'static str) -> Tok {
        let text = self.text[start..self.at].to_string();
        self.error(start, Error::Number { text, why }, None);
        Tok::Bad
    }

    fn number(&mut self, start: usize) -> Tok {
        self.word();
        let text = &self.text[start..self.at];
        let (digits, radix, why) = match text.as_bytes() {
            [b'0', b'f' | b'F', hex @ ..] => {
                return match u32::from_str_radix(&text[2..], 16) {
                    Ok(bits) if hex.len() == 8 => Tok::F32(bits),
                    _ => self.bad_number(start, "`0f` takes the 8 hexadecimal digits of a binary32"),
                };
            }
            [b'0', b'd' | b'D', hex @ ..] => {
                return match u64::from_str_radix(&text[2..], 16) {
                    Ok(bits) if hex.len() == 16 => Tok::F64(bits),
                    _ => self.bad_number(start, "`0d` takes the 16 hexadecimal digits of a binary64"),
                };
            }
            [b'0', b'x' | b'X', ..] => (&text[2..], 16, "not hexadecimal"),
            [b'0', b'b' | b'B', ..] => (&text[2..], 2, "not binary"),
            _ if self.peek(0) == b'.' || text.contains(['e', 'E']) => return self.decimal(start),
            [b'0', _, ..] if text != "0U" => (&text[1..], 8, "not octal (a leading 0 means base 8)"),
            _ => (text, 10, "not a decimal integer"),
        };
        let unsigned = digits.ends_with('U');
        let digits = digits.strip_suffix('U').unwrap_or(digits);
        match u64::from_str_radix(digits, radix) {
            Ok(bits) => Tok::Int {
                bits,
                unsigned: unsigned || bits > i64::MAX as u64,
            },
            Err(e) if *e.kind() == std::num::IntErrorKind::PosOverflow => {
                self.bad_number(start, "it does not fit in 64 bits")
            }
            Err(_) => self.bad_number(start, why),
        }
    }

    /// `1.5`, `1e10`, `1.5e-3`: read up to `start + word` already.
    fn decimal(&mut self, start: usize) -> Tok {
        if self.peek(0) == b'.' {
            self.at += 1;
            self.word();
        }
        if matches!(self.bytes[self.at - 1], b'e' | b'E') && matches!(self.peek(0), b'+' | b'-') {
            self.at += 1;
            self.word();
        }
        match self.text[start..self.at].parse::<f64>() {
            Ok(value) if !value.is_nan() => Tok::F64(value.to_bits()),
            _ => self.bad_number(start, "not a decimal number"),
        }
    }
}
