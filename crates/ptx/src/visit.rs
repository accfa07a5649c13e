//! The ways over a tree: every statement, operand, name or place, however deep. Whoever asks for all of them asks here; only
//! what depends on scopes goes through blocks by itself (`scope`).

use crate::ast::*;

/// Every statement of a body; those of a block come behind the block.
pub fn statements<'m>(body: &'m [Statement], f: &mut impl FnMut(&'m Statement)) {
    for statement in body {
        f(statement);
        if let Statement::Block { body, .. } = statement {
            statements(body, f);
        }
    }
}

/// Every statement of a body, to be changed.
pub fn statements_mut(body: &mut [Statement], f: &mut impl FnMut(&mut Statement)) {
    for statement in body {
        f(statement);
        if let Statement::Block { body, .. } = statement {
            statements_mut(body, f);
        }
    }
}

impl Function {
    /// Calls `f` with every instruction in the order of the text, those in nested blocks included.
    pub fn each_instruction<'m>(&'m self, f: &mut impl FnMut(&'m Instruction)) {
        statements(self.body.as_deref().unwrap_or_default(), &mut |s| {
            if let Statement::Instruction(i) = s {
                f(i);
            }
        });
    }
}

/// The walk into an operand, whether it is to be looked at or to be changed.
macro_rules! inside {
    ($operand:expr, $iter:ident, $each:ident, $f:expr) => {
        match $operand {
            Operand::Vector { elements, .. }
            | Operand::List { elements, .. }
            | Operand::AddressList { elements, .. } => elements.$iter().for_each(|e| e.$each($f)),
            Operand::Not { operand, .. } | Operand::Neg { operand, .. } => operand.$each($f),
            Operand::Pair { first, second } => {
                first.$each($f);
                second.$each($f);
            }
            Operand::Name(_)
            | Operand::Component { .. }
            | Operand::Special { .. }
            | Operand::Immediate { .. }
            | Operand::Offset { .. }
            | Operand::Address { .. }
            | Operand::Sink(_) => {}
        }
    };
}

impl Operand {
    /// Calls `f` with the operand, then with what is inside.
    pub fn each<'m>(&'m self, f: &mut impl FnMut(&'m Operand)) {
        f(self);
        inside!(self, iter, each, f);
    }

    /// Calls `f` with the operand, then with what is inside (what `f` left there), to be changed.
    pub fn each_mut(&mut self, f: &mut impl FnMut(&mut Operand)) {
        f(self);
        inside!(self, iter_mut, each_mut, f);
    }

    /// Every name in the operand.
    pub fn each_name<'m>(&'m self, f: &mut impl FnMut(&'m Ident)) {
        self.each(&mut |o| match o {
            Operand::Name(name)
            | Operand::Component { base: name, .. }
            | Operand::Offset { base: name, .. }
            | Operand::Address {
                base: AddressBase::Name(name),
                ..
            } => f(name),
            _ => {}
        });
    }
}

impl Initializer {
    /// Calls `f` with the initial value, then with those in a list.
    pub fn each<'m>(&'m self, f: &mut impl FnMut(&'m Initializer)) {
        f(self);
        if let Initializer::List(list) = self {
            list.iter().for_each(|i| i.each(f));
        }
    }

    /// Calls `f` with the initial value, then with those in a list, to be changed.
    pub fn each_mut(&mut self, f: &mut impl FnMut(&mut Initializer)) {
        f(self);
        if let Initializer::List(list) = self {
            list.iter_mut().for_each(|i| i.each_mut(f));
        }
    }

    /// Every name in the initial value.
    pub fn each_name<'m>(&'m self, f: &mut impl FnMut(&'m Ident)) {
        self.each(&mut |i| match i {
            Initializer::Address { name, .. } | Initializer::Mask { name, .. } => f(name),
            Initializer::List(_) | Initializer::Value(_) => {}
        });
    }
}

impl Module {
    /// Every place of the tree, to be moved: for a text that is put behind another.
    pub fn each_span(&mut self, f: &mut impl FnMut(&mut Span)) {
        for item in &mut self.items {
            match item {
                Item::Variable(v) => variable_spans(v, f),
                Item::Function(function) => {
                    f(&mut function.span);
                    f(&mut function.name.span);
                    let variables = function.returns.iter_mut().chain(&mut function.params);
                    variables.for_each(|v| variable_spans(v, f));
                    function.directives.iter_mut().for_each(|d| f(&mut d.span));
                    let body = function.body.as_deref_mut().unwrap_or_default();
                    statements_mut(body, &mut |s| statement_spans(s, f));
                }
                Item::Alias { span, alias, target } => {
                    f(span);
                    f(&mut alias.span);
                    f(&mut target.span);
                }
                Item::File { span, .. } | Item::Section { span, .. } | Item::Pragma { span, .. } => f(span),
            }
        }
    }
}

fn variable_spans(v: &mut Variable, f: &mut impl FnMut(&mut Span)) {
    f(&mut v.span);
    f(&mut v.name.span);
    if let Some(init) = &mut v.init {
        init.each_mut(&mut |i| match i {
            Initializer::Address { name, .. } | Initializer::Mask { name, .. } => f(&mut name.span),
            Initializer::List(_) | Initializer::Value(_) => {}
        });
    }
}

/// The places of one statement, without those of the statements in a block.
fn statement_spans(s: &mut Statement, f: &mut impl FnMut(&mut Span)) {
    match s {
        Statement::Label(label) => f(&mut label.span),
        Statement::Variable(v) => variable_spans(v, f),
        Statement::Instruction(i) => {
            f(&mut i.span);
            if let Some(guard) = &mut i.guard {
                f(&mut guard.register.span);
            }
            i.operands.iter_mut().for_each(|o| {
                o.each_mut(&mut |o| operand_spans(o, f));
            });
        }
        Statement::Loc(loc) => f(&mut loc.span),
        Statement::Block { span, .. } | Statement::Pragma { span, .. } => f(span),
        Statement::BranchTargets { label, targets } | Statement::CallTargets { label, targets } => {
            f(&mut label.span);
            targets.iter_mut().for_each(|t| f(&mut t.span));
        }
        Statement::CallPrototype {
            label,
            returns,
            params,
            directives,
        } => {
            f(&mut label.span);
            let variables = returns.iter_mut().chain(params);
            variables.for_each(|v| variable_spans(v, f));
            directives.iter_mut().for_each(|d| f(&mut d.span));
        }
    }
}

/// The places of one operand, without those of what is inside.
fn operand_spans(o: &mut Operand, f: &mut impl FnMut(&mut Span)) {
    match o {
        Operand::Name(name) | Operand::Component { base: name, .. } | Operand::Offset { base: name, .. } => {
            f(&mut name.span);
        }
        Operand::Address { span, base, .. } => {
            f(span);
            if let AddressBase::Name(name) = base {
                f(&mut name.span);
            }
        }
        Operand::Special { span, .. }
        | Operand::Immediate { span, .. }
        | Operand::Vector { span, .. }
        | Operand::List { span, .. }
        | Operand::Not { span, .. }
        | Operand::Neg { span, .. }
        | Operand::AddressList { span, .. }
        | Operand::Sink(span) => f(span),
        Operand::Pair { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ".version 8.0\n.target sm_80\n.address_size 64\n.file 1 \"a.cu\"\n.global .u64 g[2] = {h, 0xFF(h)};\n.global .u32 h;\n\
        .func (.reg .b32 r) f(.reg .b32 a) .noreturn\n{\n.loc 1 2 3\n@!p bra L;\nL:\nT: .branchtargets L, L;\n\
        P: .callprototype (.reg .b32 _) _ (.reg .b32 _);\n{ .reg .v2 .b32 v; mov.b64 x, {v.x, %tid.x}; st.u32 [h+4], -1; \
        setp.eq.and.u32 p|_, h+4, 1, !p; call (r), f, (a); }\n}\n.alias k, f;\n";

    #[test]
    fn a_text_behind_another_has_all_its_places_there() {
        let alone = crate::parse("a", TEXT).unwrap_or_else(|e| panic!("{e}"));
        let front = "// what stands before\n";
        let mut moved = alone.clone();
        moved.each_span(&mut |s| {
            s.start += front.len() as u32;
            s.end += front.len() as u32;
        });
        let there = crate::parse("a", &format!("{front}{TEXT}")).unwrap_or_else(|e| panic!("{e}"));
        let shown = |m: &Module| format!("{:?}", m.items);
        assert_ne!(shown(&alone), shown(&there));
        assert_eq!(shown(&moved), shown(&there));
    }

    #[test]
    fn names_are_found_in_every_kind_of_operand() {
        let module = crate::parse("a", TEXT).unwrap_or_else(|e| panic!("{e}"));
        let mut found = Vec::new();
        for f in module.functions() {
            f.each_instruction(&mut |i| {
                let operands = i.operands.iter();
                operands.for_each(|o| o.each_name(&mut |n| found.push(n.name.as_str())));
            });
        }
        assert_eq!(
            found,
            ["L", "x", "v", "h", "p", "h", "p", "r", "f", "a"],
            "in the order of the text"
        );
        let mut initial = Vec::new();
        for init in module.variables().filter_map(|v| v.init.as_ref()) {
            init.each_name(&mut |n| initial.push(n.name.as_str()));
        }
        assert_eq!(initial, ["h", "h"]);
    }
}
