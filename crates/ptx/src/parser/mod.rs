//! Tokens to tree, by recursive descent. This file: the cursor, errors and recovery, and module scope.
//! Declarations, bodies and operands are beside it. The parser knows spelling and shape only; whether an
//! instruction's modifiers and operands make sense is for `check`.

mod body;
mod constant;
mod declaration;
mod operand;

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::*;
use crate::error::{Diagnostic, Error, Errors};
use crate::lexer::{Tok, Token, lex};
use crate::suggest::nearest;

/// Reads a PTX module. `name` is what messages call the text, a file name mostly.
///
/// # Errors
/// Every error found, each with line, column and snippet; after one the reader goes on behind the next `;`.
pub fn parse(name: &str, text: &str) -> Result<Module, Errors> {
    let source = Arc::new(Source {
        name: name.to_string(),
        text: text.to_string(),
    });
    let mut errors = Vec::new();
    if u32::try_from(text.len()).is_err() {
        let error = Error::NotPtx("it is larger than 4 GiB");
        return Err(Errors::new(
            source,
            vec![Diagnostic {
                span: Span::default(),
                error,
                help: None,
            }],
        ));
    }
    let tokens = lex(text, &mut errors);
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
        errors,
        in_step: false,
        elements: HashMap::new(),
    };
    let module = parser.module(&source);
    match module {
        Ok(module) if parser.errors.is_empty() => Ok(module),
        _ => Err(Errors::new(source, parser.errors)),
    }
}

/// An error was recorded.
#[derive(Debug)]
pub(crate) struct Failed;
type Parsed<T> = Result<T, Failed>;

/// Braces, brackets and parentheses inside each other.
const MOST_DEPTH: u32 = 64;
/// Reading ends after so many errors.
const MOST_ERRORS: usize = 100;

pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    errors: Vec<Diagnostic>,
    /// A `;` was missing at the end of a line: what follows can be read as it stands.
    in_step: bool,
    /// Bytes of an element of each array declared so far, for `a[1]`.
    elements: HashMap<String, u32>,
}

const MODULE_DIRECTIVES: &[&str] = &[
    ".version",
    ".target",
    ".address_size",
    ".file",
    ".section",
    ".alias",
    ".pragma",
    ".extern",
    ".visible",
    ".weak",
    ".common",
    ".entry",
    ".func",
    ".global",
    ".const",
    ".shared",
    ".tex",
    ".loc",
];

impl<'a> Parser<'a> {
    // ---- cursor ----

    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn ahead(&self, n: usize) -> Token {
        // The last token is `End`.
        self.tokens[(self.at + n).min(self.tokens.len() - 1)]
    }

    fn bump(&mut self) -> Token {
        let token = self.peek();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn lexeme(&self) -> &'a str {
        self.slice(self.peek().span)
    }

    fn is(&self, punct: u8) -> bool {
        self.peek().tok == Tok::Punct(punct)
    }

    fn eat(&mut self, punct: u8) -> bool {
        let yes = self.is(punct);
        if yes {
            self.bump();
        }
        yes
    }

    /// Eats the directive `word` (with its dot).
    fn eat_dot(&mut self, word: &str) -> bool {
        let yes = self.peek().tok == Tok::Dot && self.lexeme() == word;
        if yes {
            self.bump();
        }
        yes
    }

    /// From `start` to the end of the last token eaten.
    fn since(&self, start: Span) -> Span {
        let end = self.tokens[self.at.saturating_sub(1)].span.end;
        Span {
            start: start.start,
            end: end.max(start.end),
        }
    }

    // ---- errors ----

    fn fail<T>(&mut self, span: Span, error: Error, help: Option<String>) -> Parsed<T> {
        self.errors.push(Diagnostic { span, error, help });
        Err(Failed)
    }

    fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        self.expected_help(what, None)
    }

    fn expected_help<T>(&mut self, what: &str, help: Option<&str>) -> Parsed<T> {
        let token = self.peek();
        if token.tok == Tok::Bad {
            return Err(Failed); // the lexer told already
        }
        let found = match token.tok {
            Tok::End => "the end of the text".to_string(),
            _ => {
                let text: String = self.lexeme().chars().take(40).collect();
                format!("`{text}`")
            }
        };
        // A missing `;` or `)` is best shown behind what stands before it.
        let mut span = token.span;
        if what == "`;`" && self.at > 0 {
            let before = self.tokens[self.at - 1].span;
            if self.text[before.end as usize..span.start as usize].contains('\n') || token.tok == Tok::End {
                span = Span {
                    start: before.end,
                    end: before.end,
                };
                self.in_step = true;
            }
        }
        let expected = what.to_string();
        self.fail(
            span,
            Error::Expected { expected, found },
            help.map(str::to_string),
        )
    }

    fn expect(&mut self, punct: u8) -> Parsed<()> {
        if self.eat(punct) {
            return Ok(());
        }
        self.expected(&format!("`{}`", punct as char))
    }

    fn unknown_directive<T>(&mut self, known: &[&str], help: Option<String>) -> Parsed<T> {
        let word = self.lexeme();
        let help = nearest(word, known.iter().copied())
            .map(|w| format!("did you mean `{w}`?"))
            .or(help);
        self.fail(self.peek().span, Error::UnknownDirective(word.to_string()), help)
    }

    /// Goes behind the next `;`, or stands before the next brace, label-free directive or the end.
    fn recover(&mut self) {
        if std::mem::take(&mut self.in_step) {
            return;
        }
        loop {
            match self.peek().tok {
                Tok::End | Tok::Punct(b'{' | b'}') => return,
                Tok::Punct(b';') => {
                    self.bump();
                    return;
                }
                Tok::Dot
                    if matches!(
                        self.lexeme(),
                        ".entry" | ".func" | ".visible" | ".extern" | ".weak" | ".loc"
                    ) =>
                {
                    return;
                }
                _ => {
                    self.bump();
                }
            }
        }
    }

    fn enough(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MOST_DEPTH {
            let span = self.peek().span;
            let result = self.fail(span, Error::TooDeep, None);
            self.at = self.tokens.len() - 1;
            return result;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    // ---- small pieces ----

    fn ident(&mut self, what: &str) -> Parsed<Ident> {
        let token = self.peek();
        if token.tok != Tok::Ident {
            return self.expected(what);
        }
        self.bump();
        Ok(Ident {
            span: token.span,
            name: self.slice(token.span).to_string(),
        })
    }

    fn int(&mut self, what: &str) -> Parsed<u64> {
        match self.peek().tok {
            Tok::Int { bits, .. } => {
                self.bump();
                Ok(bits)
            }
            _ => self.expected(what),
        }
    }

    fn int_u32(&mut self, what: &'static str) -> Parsed<u32> {
        let span = self.peek().span;
        let value = self.int(what)?;
        match u32::try_from(value) {
            Ok(v) => Ok(v),
            Err(_) => self.fail(
                span,
                Error::OutOfRange {
                    what,
                    range: "below 2^32",
                    value,
                },
                None,
            ),
        }
    }

    fn string(&mut self) -> Parsed<String> {
        let token = self.peek();
        if token.tok != Tok::Str {
            return self.expected("a string");
        }
        self.bump();
        Ok(self.text[token.span.start as usize + 1..token.span.end as usize - 1].to_string())
    }

    /// `"A", "B"`
    fn strings(&mut self) -> Parsed<Vec<String>> {
        let mut all = vec![self.string()?];
        while self.eat(b',') {
            all.push(self.string()?);
        }
        Ok(all)
    }

    // ---- module scope ----

    fn module(&mut self, source: &Arc<Source>) -> Parsed<Module> {
        let help = Some("PTX begins with `.version MAJOR.MINOR`".to_string());
        if !self.eat_dot(".version") {
            let why = if self.peek().tok == Tok::End {
                "it is empty"
            } else {
                "it does not begin with `.version`"
            };
            let span = self.peek().span;
            return self.fail(span, Error::NotPtx(why), help);
        }
        let version = self.version()?;
        let mut module = Module {
            source: source.clone(),
            version,
            targets: Vec::new(),
            address_size: 32,
            items: Vec::new(),
        };
        while self.peek().tok != Tok::End && !self.enough() {
            let before = self.at;
            if self.module_item(&mut module).is_err() {
                self.recover();
                // A body whose header was wrong is not read as module scope.
                if self.is(b'{') {
                    self.skip_braces();
                }
                if self.at == before {
                    self.bump();
                }
            }
        }
        if module.targets.is_empty() && self.errors.is_empty() {
            let help = Some("write `.target sm_75` behind `.version`".to_string());
            return self.fail(Span::default(), Error::NotPtx("it has no `.target`"), help);
        }
        Ok(module)
    }

    fn skip_braces(&mut self) {
        let mut depth = 0u32;
        loop {
            match self.bump().tok {
                Tok::Punct(b'{') => depth += 1,
                Tok::Punct(b'}') => depth = depth.saturating_sub(1),
                Tok::End => return,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// `MAJOR.MINOR`, which the lexer reads as a decimal number.
    fn version(&mut self) -> Parsed<(u32, u32)> {
        let text = self.lexeme();
        let parsed = text
            .split_once('.')
            .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parsed {
            Some(version) if matches!(self.peek().tok, Tok::F64(_)) => {
                self.bump();
                Ok(version)
            }
            _ => self.expected_help("a version as MAJOR.MINOR", Some("`.version 7.5`, say")),
        }
    }

    fn module_item(&mut self, module: &mut Module) -> Parsed<()> {
        let start = self.peek().span;
        if self.peek().tok != Tok::Dot {
            // A stray semicolon behind a function body is harmless.
            if self.eat(b';') {
                return Ok(());
            }
            return self.expected_help(
                "a directive",
                Some("`.entry`, `.func`, `.global`, ... stand at module scope"),
            );
        }
        match self.lexeme() {
            ".version" => {
                self.bump();
                module.version = self.version()?;
            }
            ".target" => {
                self.bump();
                module.targets.push(self.ident("a target, `sm_75`")?.name);
                while self.eat(b',') {
                    module.targets.push(self.ident("a target option")?.name);
                }
            }
            ".address_size" => {
                self.bump();
                let span = self.peek().span;
                let value = self.int("32 or 64")?;
                if value != 32 && value != 64 {
                    let what = "`.address_size`";
                    return self.fail(
                        span,
                        Error::OutOfRange {
                            what,
                            range: "32 or 64",
                            value,
                        },
                        None,
                    );
                }
                module.address_size = value as u32;
            }
            ".file" => {
                self.bump();
                let index = self.int_u32("a file index")?;
                let name = self.string()?;
                let mut rest = Vec::new();
                while self.eat(b',') {
                    rest.push(self.int("a number")?);
                }
                module.items.push(Item::File {
                    span: self.since(start),
                    index,
                    name,
                    rest,
                });
            }
            ".section" => {
                self.bump();
                let item = self.section(start)?;
                module.items.push(item);
            }
            ".alias" => {
                self.bump();
                let alias = self.ident("a function name")?;
                self.expect(b',')?;
                let target = self.ident("a function name")?;
                self.expect(b';')?;
                module.items.push(Item::Alias {
                    span: self.since(start),
                    alias,
                    target,
                });
            }
            ".pragma" => {
                self.bump();
                let text = self.strings()?;
                self.expect(b';')?;
                module.items.push(Item::Pragma {
                    span: self.since(start),
                    text,
                });
            }
            // Some compilers leave a position behind the last function; it says nothing.
            ".loc" => {
                self.loc()?;
            }
            _ => self.linked_item(module, start)?,
        }
        Ok(())
    }

    /// `.section NAME { raw }`
    fn section(&mut self, start: Span) -> Parsed<Item> {
        let token = self.peek();
        if !matches!(token.tok, Tok::Dot | Tok::Ident) {
            return self.expected("a section name");
        }
        self.bump();
        let name = self.slice(token.span).to_string();
        let open = self.peek().span;
        if !self.is(b'{') {
            return self.expected("`{`");
        }
        self.skip_braces();
        let close = self.since(open);
        let inner = Span {
            start: open.end,
            end: close.end.saturating_sub(1).max(open.end),
        };
        if self.tokens[self.at.saturating_sub(1)].tok != Tok::Punct(b'}') {
            return self.fail(
                open,
                Error::Unclosed("this section"),
                Some("write `}` where it ends".into()),
            );
        }
        Ok(Item::Section {
            span: self.since(start),
            name,
            text: self.slice(inner).to_string(),
        })
    }

    /// What may have a linking directive: a variable or a function.
    fn linked_item(&mut self, module: &mut Module, start: Span) -> Parsed<()> {
        let linkage = match self.lexeme() {
            ".extern" => Linkage::Extern,
            ".visible" => Linkage::Visible,
            ".weak" => Linkage::Weak,
            ".common" => Linkage::Common,
            _ => Linkage::Local,
        };
        if linkage != Linkage::Local {
            self.bump();
            if self.peek().tok != Tok::Dot {
                return self.expected("`.entry`, `.func` or a variable");
            }
        }
        match self.lexeme() {
            ".entry" => {
                let function = self.function(start, linkage, FunctionKind::Kernel)?;
                module.items.push(Item::Function(function));
            }
            ".func" => {
                let function = self.function(start, linkage, FunctionKind::Device)?;
                module.items.push(Item::Function(function));
            }
            ".global" | ".const" | ".shared" | ".local" | ".tex" | ".param" | ".reg" | ".sreg" => {
                let variables = self.variables(start, linkage)?;
                self.expect(b';')?;
                module.items.extend(variables.into_iter().map(Item::Variable));
            }
            _ => return self.unknown_directive(MODULE_DIRECTIVES, None),
        }
        Ok(())
    }
}
