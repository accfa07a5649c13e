//! Tree to PTX text, laid out as nvcc does so that it is pleasant to edit. Reading the text back gives the
//! same tree (see [`crate::same`]); comments of the original are not in the tree and do not come back.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::*;

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, ".version {}.{}", self.version.0, self.version.1)?;
        writeln!(f, ".target {}", self.targets.join(", "))?;
        writeln!(f, ".address_size {}\n", self.address_size)?;
        for item in &self.items {
            match item {
                Item::Variable(v) => writeln!(f, "{v};")?,
                Item::Function(function) => write!(f, "{function}")?,
                Item::File {
                    index, name, rest, ..
                } => {
                    write!(f, "\t.file\t{index} \"{name}\"")?;
                    rest.iter().try_for_each(|n| write!(f, ", {n}"))?;
                    f.write_char('\n')?;
                }
                Item::Section { name, text, .. } => writeln!(f, "\t.section\t{name}\n\t{{{text}}}")?,
                Item::Alias { alias, target, .. } => writeln!(f, ".alias {alias}, {target};")?,
                Item::Pragma { text, .. } => writeln!(f, ".pragma {};", Quoted(text))?,
            }
        }
        Ok(())
    }
}

impl Display for Ident {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Display for Linkage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Linkage::Local => "",
            Linkage::Extern => ".extern ",
            Linkage::Visible => ".visible ",
            Linkage::Weak => ".weak ",
            Linkage::Common => ".common ",
        })
    }
}

/// `"A", "B"`
struct Quoted<'a>(&'a [String]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, text) in self.0.iter().enumerate() {
            write!(f, "{}\"{text}\"", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

/// `a, b, c`
fn list<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
    }
    Ok(())
}

/// Parameters as nvcc lays them out: one on each line.
fn parameters(f: &mut Formatter<'_>, params: &[Variable]) -> fmt::Result {
    for (i, p) in params.iter().enumerate() {
        write!(f, "{}\n\t{p}", if i > 0 { "," } else { "" })?;
    }
    Ok(())
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let keyword = match self.kind {
            FunctionKind::Kernel => ".entry",
            FunctionKind::Device => ".func",
        };
        write!(f, "\n{}{keyword} ", self.linkage)?;
        let (before, after): (Vec<&Directive>, Vec<&Directive>) =
            self.directives.iter().partition(|d| d.name == ".attribute");
        for d in before {
            write!(f, "{d} ")?;
        }
        if !self.returns.is_empty() {
            f.write_char('(')?;
            list(f, &self.returns)?;
            f.write_str(") ")?;
        }
        write!(f, "{}(", self.name)?;
        parameters(f, &self.params)?;
        f.write_str(if self.params.is_empty() { ")\n" } else { "\n)\n" })?;
        for d in after {
            writeln!(f, "{d}")?;
        }
        match &self.body {
            None => f.write_str(";\n"),
            Some(body) => {
                f.write_str("{\n")?;
                statements(f, body)?;
                f.write_str("\n}\n")
            }
        }
    }
}

impl Display for Directive {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.name == ".attribute" {
            f.write_str("(.unified(")?;
            list(f, &self.values)?;
            return f.write_str("))");
        }
        if !self.strings.is_empty() {
            return write!(f, " {};", Quoted(&self.strings));
        }
        if !self.values.is_empty() {
            f.write_char(' ')?;
            list(f, &self.values)?;
        }
        Ok(())
    }
}

impl Display for Variable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.linkage, self.space)?;
        match (self.managed, self.unified) {
            (true, Some((a, b))) => write!(f, " .attribute(.managed, .unified({a}, {b}))")?,
            (true, None) => f.write_str(" .attribute(.managed)")?,
            (false, Some((a, b))) => write!(f, " .attribute(.unified({a}, {b}))")?,
            (false, None) => {}
        }
        if let Some(n) = self.align {
            write!(f, " .align {n}")?;
        }
        if self.vector > 1 {
            write!(f, " .v{}", self.vector)?;
        }
        write!(f, " .{}", self.ty)?;
        if let Some(ptr) = &self.ptr {
            f.write_str(" .ptr")?;
            if let Some(space) = ptr.space {
                write!(f, " .{space}")?;
            }
            if let Some(n) = ptr.align {
                write!(f, " .align {n}")?;
            }
        }
        write!(f, " {}", self.name)?;
        if let Some(n) = self.range {
            write!(f, "<{n}>")?;
        }
        for dim in &self.dims {
            match dim {
                Some(n) => write!(f, "[{n}]")?,
                None => f.write_str("[]")?,
            }
        }
        match &self.init {
            Some(init) => write!(f, " = {init}"),
            None => Ok(()),
        }
    }
}

impl Display for Initializer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Initializer::List(items) => {
                f.write_char('{')?;
                list(f, items)?;
                f.write_char('}')
            }
            Initializer::Value(value) => value.fmt(f),
            Initializer::Address {
                name,
                generic,
                offset,
            } => {
                symbol(f, name, *generic)?;
                signed_offset(f, *offset)
            }
            Initializer::Mask { mask, name, generic } => {
                write!(f, "0x{mask:X}(")?;
                symbol(f, name, *generic)?;
                f.write_char(')')
            }
        }
    }
}

fn symbol(f: &mut Formatter<'_>, name: &Ident, generic: bool) -> fmt::Result {
    if generic {
        write!(f, "generic({name})")
    } else {
        write!(f, "{name}")
    }
}

/// `+8`, `+-8`, nothing for 0.
fn signed_offset(f: &mut Formatter<'_>, offset: i64) -> fmt::Result {
    if offset == 0 {
        Ok(())
    } else {
        write!(f, "+{offset}")
    }
}

impl Display for Immediate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Immediate::Int {
                bits,
                unsigned: false,
            } => write!(f, "{}", bits as i64),
            // The reader takes what does not fit in an i64 for unsigned by itself.
            Immediate::Int { bits, unsigned: true } if bits > i64::MAX as u64 => write!(f, "{bits}"),
            Immediate::Int { bits, unsigned: true } => write!(f, "{bits}U"),
            Immediate::F32(bits) => write!(f, "0f{bits:08X}"),
            Immediate::F64(bits) => write!(f, "0d{bits:016X}"),
        }
    }
}

fn statements(f: &mut Formatter<'_>, body: &[Statement]) -> fmt::Result {
    let mut declaring = false;
    for statement in body {
        // A blank line between the declarations and the code, as nvcc leaves one.
        let declares = matches!(statement, Statement::Variable(_));
        if declaring && !declares && !matches!(statement, Statement::Label(_)) {
            f.write_char('\n')?;
        }
        declaring = declares;
        write!(f, "{statement}")?;
    }
    Ok(())
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Label(label) => writeln!(f, "\n{label}:"),
            Statement::Variable(v) => writeln!(f, "\t{v};"),
            Statement::Instruction(i) => writeln!(f, "\t{i}"),
            Statement::Block { body, .. } => {
                f.write_str("\t{\n")?;
                body.iter().try_for_each(|s| write!(f, "{s}"))?;
                f.write_str("\t}\n")
            }
            Statement::Loc(loc) => writeln!(f, "\t{loc}"),
            Statement::Pragma { text, .. } => writeln!(f, "\t.pragma {};", Quoted(text)),
            Statement::BranchTargets { label, targets } => {
                write!(f, "{label}: .branchtargets\n\t\t")?;
                list(f, targets)?;
                f.write_str(";\n")
            }
            Statement::CallTargets { label, targets } => {
                write!(f, "{label}: .calltargets ")?;
                list(f, targets)?;
                f.write_str(";\n")
            }
            Statement::CallPrototype {
                label,
                returns,
                params,
                directives,
            } => {
                write!(f, "{label}: .callprototype (")?;
                list(f, returns)?;
                f.write_str(") _ (")?;
                list(f, params)?;
                f.write_char(')')?;
                directives.iter().try_for_each(|d| write!(f, " {d}"))?;
                f.write_str(";\n")
            }
        }
    }
}

impl Display for Loc {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, ".loc\t{} {} {}", self.file, self.line, self.column)?;
        if self.rest.is_empty() {
            Ok(())
        } else {
            write!(f, ", {}", self.rest)
        }
    }
}

impl Display for Instruction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(guard) = &self.guard {
            write!(f, "@{}{} ", if guard.negated { "!" } else { "" }, guard.register)?;
        }
        f.write_str(&self.mnemonic())?;
        if !self.operands.is_empty() {
            f.write_str(" \t")?;
            list(f, &self.operands)?;
        }
        f.write_char(';')
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Name(name) => name.fmt(f),
            Operand::Component { base, index } => {
                const PARTS: [&str; 10] = ["x", "y", "z", "w", "b0", "b1", "b2", "b3", "h0", "h1"];
                write!(f, "{base}.{}", PARTS.get(usize::from(*index)).unwrap_or(&"x"))
            }
            Operand::Special { register, .. } => register.fmt(f),
            Operand::Immediate { value, .. } => value.fmt(f),
            // The offset is kept even when it is 0: `sym+0` reads back as what it was.
            Operand::Offset { base, offset } => write!(f, "{base}+{offset}"),
            Operand::Address {
                base: AddressBase::Absolute,
                offset,
                ..
            } => write!(f, "[{offset}]"),
            Operand::Address {
                base: AddressBase::Name(name),
                offset,
                ..
            } => {
                write!(f, "[{name}")?;
                signed_offset(f, *offset)?;
                f.write_char(']')
            }
            Operand::AddressList { elements, .. } => {
                f.write_char('[')?;
                list(f, elements)?;
                f.write_char(']')
            }
            Operand::Vector { elements, .. } => {
                // `%tid` is its parts.
                if let [Operand::Special { register, .. }, .., Operand::Immediate { .. }] = &elements[..] {
                    return f.write_str(register.text().trim_end_matches(".x"));
                }
                f.write_char('{')?;
                list(f, elements)?;
                f.write_char('}')
            }
            Operand::List { elements, .. } => {
                f.write_char('(')?;
                list(f, elements)?;
                f.write_char(')')
            }
            Operand::Not { operand, .. } => write!(f, "!{operand}"),
            Operand::Neg { operand, .. } => write!(f, "-{operand}"),
            Operand::Pair { first, second } => write!(f, "{first}|{second}"),
            Operand::Sink(_) => f.write_char('_'),
        }
    }
}
