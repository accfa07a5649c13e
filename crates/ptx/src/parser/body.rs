//! Function bodies: statements and instructions.

use super::*;
use crate::isa;

const BODY_DIRECTIVES: &[&str] = &[
    ".reg", ".param", ".shared", ".local", ".global", ".const", ".loc", ".pragma",
];

impl Parser<'_> {
    /// `{ statements }`. Errors inside are recorded and passed by.
    pub(super) fn body(&mut self) -> Parsed<Vec<Statement>> {
        let open = self.peek().span;
        self.expect(b'{')?;
        self.deeper(|p| {
            let mut statements = Vec::new();
            loop {
                match p.peek().tok {
                    Tok::Punct(b'}') => {
                        p.bump();
                        return Ok(statements);
                    }
                    // The brace may well stand in the comment that is never closed.
                    Tok::End
                        if p.errors
                            .iter()
                            .any(|d| d.error == Error::Unclosed("this comment")) =>
                    {
                        return Err(Failed);
                    }
                    Tok::End => {
                        let help = Some("write `}` where it ends".into());
                        return p.fail(open, Error::Unclosed("this brace"), help);
                    }
                    _ if p.enough() => return Err(Failed),
                    _ => {}
                }
                let before = p.at;
                if p.statement(&mut statements).is_err() {
                    p.recover();
                    // A new function inside a body: a brace is missing, and reading on would only confuse.
                    if p.peek().tok == Tok::Dot
                        && matches!(p.lexeme(), ".entry" | ".func" | ".visible" | ".extern" | ".weak")
                    {
                        return Err(Failed);
                    }
                    if p.at == before {
                        p.bump();
                    }
                }
            }
        })
    }

    fn statement(&mut self, out: &mut Vec<Statement>) -> Parsed<()> {
        let token = self.peek();
        match token.tok {
            Tok::Punct(b'{') => {
                let body = self.body()?;
                out.push(Statement::Block {
                    span: self.since(token.span),
                    body,
                });
            }
            Tok::Punct(b';') => {
                self.bump();
            }
            Tok::Punct(b'@') => {
                let instruction = self.instruction()?;
                out.push(Statement::Instruction(instruction));
            }
            Tok::Ident if self.ahead(1).tok == Tok::Punct(b':') => {
                let label = self.ident("a label")?;
                self.bump();
                out.push(self.labelled(label)?);
            }
            Tok::Ident => {
                let instruction = self.instruction()?;
                out.push(Statement::Instruction(instruction));
            }
            Tok::Dot => match self.lexeme() {
                ".loc" => {
                    let loc = self.loc()?;
                    out.push(Statement::Loc(loc));
                }
                ".pragma" => {
                    self.bump();
                    let text = self.strings()?;
                    self.expect(b';')?;
                    out.push(Statement::Pragma {
                        span: self.since(token.span),
                        text,
                    });
                }
                ".entry" | ".func" | ".visible" | ".extern" | ".weak" => {
                    let help = Some("is the `}` of the function before it missing?".to_string());
                    let error = Error::UnknownDirective(self.lexeme().to_string());
                    return self.fail(token.span, error, help);
                }
                word if StateSpace::from_text(&word[1..]).is_some() => {
                    let variables = self.variables(token.span, Linkage::Local)?;
                    self.expect(b';')?;
                    out.extend(variables.into_iter().map(Statement::Variable));
                }
                _ => return self.unknown_directive(BODY_DIRECTIVES, None),
            },
            _ => return self.expected("an instruction"),
        }
        Ok(())
    }

    /// Behind `LABEL:`.
    fn labelled(&mut self, label: Ident) -> Parsed<Statement> {
        if self.peek().tok == Tok::Dot {
            match self.lexeme() {
                ".branchtargets" => {
                    self.bump();
                    let targets = self.names("a label")?;
                    return Ok(Statement::BranchTargets { label, targets });
                }
                ".calltargets" => {
                    self.bump();
                    let targets = self.names("a function")?;
                    return Ok(Statement::CallTargets { label, targets });
                }
                ".callprototype" => {
                    self.bump();
                    return self.prototype(label);
                }
                _ => {}
            }
        }
        Ok(Statement::Label(label))
    }

    /// `A, B, C;`
    fn names(&mut self, what: &str) -> Parsed<Vec<Ident>> {
        let mut all = vec![self.ident(what)?];
        while self.eat(b',') {
            all.push(self.ident(what)?);
        }
        self.expect(b';')?;
        Ok(all)
    }

    /// Behind `.callprototype`: `[(returns)] _ [(params)] directives;`
    fn prototype(&mut self, label: Ident) -> Parsed<Statement> {
        let returns = if self.is(b'(') {
            self.parameters()?
        } else {
            Vec::new()
        };
        self.ident("`_`")?;
        let params = if self.is(b'(') {
            self.parameters()?
        } else {
            Vec::new()
        };
        let mut directives = Vec::new();
        while self.peek().tok == Tok::Dot {
            directives.push(self.directive()?);
        }
        self.expect(b';')?;
        Ok(Statement::CallPrototype {
            label,
            returns,
            params,
            directives,
        })
    }

    /// `.loc FILE LINE COLUMN [, raw]` up to the end of the line.
    pub(super) fn loc(&mut self) -> Parsed<Loc> {
        let start = self.bump().span;
        let file = self.int_u32("a file index")?;
        let line = self.int_u32("a line")?;
        let column = match self.peek().tok {
            Tok::Int { .. } => self.int_u32("a column")?,
            _ => 0,
        };
        let mut rest = String::new();
        let mut span = self.since(start);
        if self.eat(b',') {
            let from = self.since(start).end as usize;
            let line_end = self.text[from..].find('\n').map_or(self.text.len(), |n| from + n);
            let raw = &self.text[from..line_end];
            let raw = raw
                .split("//")
                .next()
                .unwrap_or(raw)
                .trim_matches(|c: char| c.is_whitespace() || c == '\0');
            rest = raw.to_string();
            span.end = (from + raw.len()) as u32;
            while self.peek().tok != Tok::End && (self.peek().span.start as usize) < line_end {
                self.bump();
            }
        }
        Ok(Loc {
            span,
            file,
            line,
            column,
            rest,
        })
    }

    fn instruction(&mut self) -> Parsed<Instruction> {
        let start = self.peek().span;
        let mut guard = None;
        if self.eat(b'@') {
            let negated = self.eat(b'!');
            let register = self.ident("a predicate register")?;
            guard = Some(Guard { register, negated });
            if self.peek().tok != Tok::Ident {
                return self.expected("an instruction");
            }
        }
        let (opcode, modifiers, numerics) = self.mnemonic()?;
        let mut operands = Vec::new();
        if !self.is(b';') && !self.is(b'}') {
            loop {
                operands.push(self.operand(opcode == Opcode::Call)?);
                if !self.eat(b',') {
                    break;
                }
            }
        }
        // `ld.u32 %r, a[1]` needs no brackets around.
        let address = match opcode {
            Opcode::Ld | Opcode::Ldu | Opcode::Atom => operands.get_mut(1),
            Opcode::St | Opcode::Red => operands.get_mut(0),
            _ => None,
        };
        if let Some(operand) = address
            && matches!(operand, Operand::Offset { .. })
            && self.text[operand.span().end as usize..]
                .trim_start()
                .starts_with('[')
        {
            *operand = self.bracketed(operand.span(), operand.clone());
        }
        self.expect(b';')?;
        Ok(Instruction {
            span: self.since(start),
            guard,
            opcode,
            modifiers,
            numerics,
            operands,
        })
    }

    /// `add.rn.f32`
    fn mnemonic(&mut self) -> Parsed<(Opcode, Vec<Modifier>, Numerics)> {
        let head = self.bump();
        let first = self.at;
        while self.peek().tok == Tok::Dot {
            self.bump();
        }
        let whole = self.since(head.span);
        let word = self.slice(head.span);
        let Some(opcode) = Opcode::from_text(word) else {
            return self.unknown_instruction(whole, word);
        };
        let supported = isa::entry(opcode).supported;
        let mut modifiers = Vec::with_capacity(self.at - first);
        let mut numerics = Numerics::default();
        for i in first..self.at {
            let span = self.tokens[i].span;
            let word = &self.slice(span)[1..];
            if let Some((head @ ("vf32" | "into" | "rs"), rest)) = word.split_once("::") {
                match qualified(head, rest, &mut numerics) {
                    Ok(modifier) => modifiers.push(modifier),
                    Err((why, help)) => {
                        let error = Error::Numerics {
                            text: self.slice(span).to_string(),
                            why: why.to_string(),
                        };
                        return self.fail(span, error, Some(help.to_string()));
                    }
                }
                continue;
            }
            let modifier = Modifier::from_text(word).or_else(|| (!supported).then(|| isa::intern(word)));
            match modifier {
                Some(modifier) => modifiers.push(modifier),
                None => {
                    let (modifier, mnemonic) = (word.to_string(), self.slice(whole).to_string());
                    let help = nearest(word, isa::modifier_words(opcode))
                        .or_else(|| nearest(word, isa::all_modifier_words()))
                        .map(|w| format!("did you mean `.{w}`?"));
                    return self.fail(span, Error::UnknownModifier { modifier, mnemonic }, help);
                }
            }
        }
        Ok((opcode, modifiers, numerics))
    }

    fn unknown_instruction<T>(&mut self, whole: Span, word: &str) -> Parsed<T> {
        let mnemonic = self.slice(whole).to_string();
        let known = Opcode::ALL.iter().map(|o| o.text());
        let help = nearest(word, known).map(|w| format!("did you mean `{w}{}`?", &mnemonic[word.len()..]));
        self.fail(whole, Error::UnknownInstruction { mnemonic }, help)
    }
}

/// `vf32::FORMAT`, `vf32::FORMAT::ACCUMULATOR`, `into::FORMAT`, `into::FORMAT::ROUNDING` or `rs::BITS`; else why not, and what to write.
fn qualified(
    head: &str,
    rest: &str,
    numerics: &mut Numerics,
) -> Result<Modifier, (&'static str, &'static str)> {
    const FORMATS: &str = "write `.vf32::FORMAT`, and `.vf32::FORMAT::ACCUMULATOR` on fmam and addm, each a name of lower-case \
                           letters, digits and `_` (e5m2, e8m13, p8_n132_128)";
    if head == "rs" {
        let bits = rest.parse().ok().filter(|n| *n > 0);
        numerics.random_bits = Some(bits.ok_or((
            "that is no number of random bits",
            "write `.rs` or `.rs::N`, N from 1 to 28",
        ))?);
        return Ok(Modifier::Rs);
    }
    let mut words = rest.split("::").map(Word::new);
    let (first, second) = (words.next().flatten(), words.next());
    let (Some(first), Some(accumulator), None) =
        (first, second.map_or(Some(None), |w| w.map(Some)), words.next())
    else {
        return Err(("that is no format", FORMATS));
    };
    let format = (first.text() != Numerics::LAUNCH).then_some(first);
    if head == "into" {
        (numerics.format, numerics.into) = (format, accumulator);
        return Ok(Modifier::Into);
    }
    let said = (numerics.format, numerics.accumulator);
    if said != (None, None) && said != (format, accumulator) {
        return Err((
            "the instruction has named another format already",
            "one format holds for every `.vf32` of an instruction",
        ));
    }
    (numerics.format, numerics.accumulator) = (format, accumulator);
    Ok(Modifier::Type(ScalarType::Vf32))
}
