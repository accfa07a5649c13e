//! Whether two trees say the same, wherever it stands in the text. Spans and sources are left out;
//! everything else counts.

use crate::ast::*;

/// Whether two modules are equal but for source and spans.
pub fn same(a: &Module, b: &Module) -> bool {
    a.version == b.version
        && a.targets == b.targets
        && a.address_size == b.address_size
        && all(&a.items, &b.items, same_item)
}

fn all<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn names(a: &[Ident], b: &[Ident]) -> bool {
    all(a, b, |a, b| a.name == b.name)
}

fn same_item(a: &Item, b: &Item) -> bool {
    match (a, b) {
        (Item::Variable(a), Item::Variable(b)) => same_variable(a, b),
        (Item::Function(a), Item::Function(b)) => same_function(a, b),
        (
            Item::File {
                index, name, rest, ..
            },
            Item::File {
                index: i,
                name: n,
                rest: r,
                ..
            },
        ) => (index, name, rest) == (i, n, r),
        (Item::Section { name, text, .. }, Item::Section { name: n, text: t, .. }) => (name, text) == (n, t),
        (
            Item::Alias { alias, target, .. },
            Item::Alias {
                alias: a, target: t, ..
            },
        ) => (&alias.name, &target.name) == (&a.name, &t.name),
        (Item::Pragma { text, .. }, Item::Pragma { text: t, .. }) => text == t,
        _ => false,
    }
}

fn same_function(a: &Function, b: &Function) -> bool {
    (a.linkage, a.kind, &a.name.name) == (b.linkage, b.kind, &b.name.name)
        && all(&a.returns, &b.returns, same_variable)
        && all(&a.params, &b.params, same_variable)
        && all(&a.directives, &b.directives, same_directive)
        && match (&a.body, &b.body) {
            (Some(a), Some(b)) => all(a, b, same_statement),
            (None, None) => true,
            _ => false,
        }
}

fn same_directive(a: &Directive, b: &Directive) -> bool {
    (&a.name, &a.values, &a.strings) == (&b.name, &b.values, &b.strings)
}

fn same_variable(a: &Variable, b: &Variable) -> bool {
    (a.linkage, a.space, a.align, a.vector, a.ty) == (b.linkage, b.space, b.align, b.vector, b.ty)
        && (&a.ptr, a.managed, a.unified, &a.name.name, a.range, &a.dims)
            == (&b.ptr, b.managed, b.unified, &b.name.name, b.range, &b.dims)
        && match (&a.init, &b.init) {
            (Some(a), Some(b)) => same_initializer(a, b),
            (None, None) => true,
            _ => false,
        }
}

fn same_initializer(a: &Initializer, b: &Initializer) -> bool {
    match (a, b) {
        (Initializer::List(a), Initializer::List(b)) => all(a, b, same_initializer),
        (Initializer::Value(a), Initializer::Value(b)) => a == b,
        (
            Initializer::Address {
                name,
                generic,
                offset,
            },
            Initializer::Address {
                name: n,
                generic: g,
                offset: o,
            },
        ) => (&name.name, generic, offset) == (&n.name, g, o),
        (
            Initializer::Mask { mask, name, generic },
            Initializer::Mask {
                mask: m,
                name: n,
                generic: g,
            },
        ) => (mask, &name.name, generic) == (m, &n.name, g),
        _ => false,
    }
}

fn same_statement(a: &Statement, b: &Statement) -> bool {
    match (a, b) {
        (Statement::Label(a), Statement::Label(b)) => a.name == b.name,
        (Statement::Variable(a), Statement::Variable(b)) => same_variable(a, b),
        (Statement::Instruction(a), Statement::Instruction(b)) => same_instruction(a, b),
        (Statement::Block { body: a, .. }, Statement::Block { body: b, .. }) => all(a, b, same_statement),
        (Statement::Loc(a), Statement::Loc(b)) => {
            (a.file, a.line, a.column, &a.rest) == (b.file, b.line, b.column, &b.rest)
        }
        (Statement::Pragma { text: a, .. }, Statement::Pragma { text: b, .. }) => a == b,
        (Statement::BranchTargets { label, targets }, Statement::BranchTargets { label: l, targets: t })
        | (Statement::CallTargets { label, targets }, Statement::CallTargets { label: l, targets: t }) => {
            label.name == l.name && names(targets, t)
        }
        (
            Statement::CallPrototype {
                label,
                returns,
                params,
                directives,
            },
            Statement::CallPrototype {
                label: l,
                returns: r,
                params: p,
                directives: d,
            },
        ) => {
            label.name == l.name
                && all(returns, r, same_variable)
                && all(params, p, same_variable)
                && all(directives, d, same_directive)
        }
        _ => false,
    }
}

fn same_instruction(a: &Instruction, b: &Instruction) -> bool {
    let guards = match (&a.guard, &b.guard) {
        (Some(a), Some(b)) => (a.negated, &a.register.name) == (b.negated, &b.register.name),
        (None, None) => true,
        _ => false,
    };
    guards
        && a.opcode == b.opcode
        && a.modifiers == b.modifiers
        && a.numerics == b.numerics
        && all(&a.operands, &b.operands, same_operand)
}

fn same_operand(a: &Operand, b: &Operand) -> bool {
    match (a, b) {
        (Operand::Name(a), Operand::Name(b)) => a.name == b.name,
        (Operand::Component { base, index }, Operand::Component { base: b, index: i }) => {
            (&base.name, index) == (&b.name, i)
        }
        (Operand::Special { register: a, .. }, Operand::Special { register: b, .. }) => a == b,
        (Operand::Immediate { value: a, .. }, Operand::Immediate { value: b, .. }) => a == b,
        (Operand::Offset { base, offset }, Operand::Offset { base: b, offset: o }) => {
            (&base.name, offset) == (&b.name, o)
        }
        (
            Operand::Address {
                base: a, offset: i, ..
            },
            Operand::Address {
                base: b, offset: j, ..
            },
        ) => {
            i == j
                && match (a, b) {
                    (AddressBase::Name(a), AddressBase::Name(b)) => a.name == b.name,
                    (AddressBase::Absolute, AddressBase::Absolute) => true,
                    _ => false,
                }
        }
        (Operand::Vector { elements: a, .. }, Operand::Vector { elements: b, .. })
        | (Operand::List { elements: a, .. }, Operand::List { elements: b, .. })
        | (Operand::AddressList { elements: a, .. }, Operand::AddressList { elements: b, .. }) => {
            all(a, b, same_operand)
        }
        (Operand::Not { operand: a, .. }, Operand::Not { operand: b, .. })
        | (Operand::Neg { operand: a, .. }, Operand::Neg { operand: b, .. }) => same_operand(a, b),
        (Operand::Pair { first, second }, Operand::Pair { first: f, second: s }) => {
            same_operand(first, f) && same_operand(second, s)
        }
        (Operand::Sink(_), Operand::Sink(_)) => true,
        _ => false,
    }
}
