//! Lets two modules share variables: in one tree, a variable that another, already loaded module holds is
//! replaced by its device address. Needed when a PTX file replaces some kernels of an embedded module, and the
//! program's own copies to symbols must reach the kernels of both.

use ptx::ast::{
    AddressBase, Immediate, Initializer, Instruction, Item, Linkage, Module, Operand, Statement, Variable,
};
use std::collections::HashMap;

fn number(address: u64, offset: i64) -> Immediate {
    Immediate::Int {
        bits: address.wrapping_add_signed(offset),
        unsigned: true,
    }
}

/// Replaces each variable of `tree` whose name `elsewhere` knows by the address given there, and removes its
/// declaration. Names that a function declares for itself are left alone.
pub(crate) fn use_variables_of(tree: &mut Module, elsewhere: &dyn Fn(&Variable) -> Option<u64>) {
    let mut addresses: HashMap<String, u64> = HashMap::new();
    for item in &tree.items {
        if let Item::Variable(v) = item
            && let Some(address) = elsewhere(v)
        {
            addresses.insert(v.name.name.clone(), address);
        }
    }
    if addresses.is_empty() {
        return;
    }
    tree.items
        .retain(|item| !matches!(item, Item::Variable(v) if addresses.contains_key(&v.name.name)));
    for item in &mut tree.items {
        match item {
            Item::Variable(v) => {
                if let Some(init) = &mut v.init {
                    initializer(init, &addresses);
                }
            }
            Item::Function(f) => {
                // PTX names parameters after their function, so none can hide a variable of the module.
                if let Some(body) = &mut f.body {
                    statements(body, &addresses);
                }
            }
            _ => {}
        }
    }
}

/// Whether other modules may see a variable under its name.
pub(crate) fn is_shared(v: &Variable) -> bool {
    matches!(
        v.linkage,
        Linkage::Visible | Linkage::Weak | Linkage::Common | Linkage::Extern
    )
}

/// Bytes of a variable; `None` when an array's size is left open.
pub(crate) fn size_of(v: &Variable) -> Option<u64> {
    let element = u64::from(v.ty.bytes()) * u64::from(v.vector.max(1));
    v.dims.iter().try_fold(element, |size, dim| Some(size * (*dim)?))
}

fn initializer(init: &mut Initializer, addresses: &HashMap<String, u64>) {
    match init {
        Initializer::List(list) => list.iter_mut().for_each(|i| initializer(i, addresses)),
        Initializer::Address { name, offset, .. } => {
            if let Some(&address) = addresses.get(&name.name) {
                *init = Initializer::Value(number(address, *offset));
            }
        }
        Initializer::Mask { mask, name, .. } => {
            if let Some(&address) = addresses.get(&name.name) {
                let byte = (address & *mask) >> mask.trailing_zeros();
                *init = Initializer::Value(Immediate::Int {
                    bits: byte,
                    unsigned: true,
                });
            }
        }
        Initializer::Value(_) => {}
    }
}

fn statements(body: &mut [Statement], addresses: &HashMap<String, u64>) {
    let own: Vec<&str> = body
        .iter()
        .filter_map(|s| match s {
            Statement::Variable(v) => Some(v.name.name.as_str()),
            _ => None,
        })
        .collect();
    if own.iter().any(|name| addresses.contains_key(*name)) {
        let visible = addresses.iter().filter(|(k, _)| !own.contains(&k.as_str()));
        let visible: HashMap<String, u64> = visible.map(|(k, v)| (k.clone(), *v)).collect();
        return in_scope(body, &visible);
    }
    in_scope(body, addresses);
}

fn in_scope(body: &mut [Statement], addresses: &HashMap<String, u64>) {
    for statement in body {
        match statement {
            Statement::Instruction(Instruction { operands, .. }) => {
                operands.iter_mut().for_each(|o| operand(o, addresses));
            }
            Statement::Block { body, .. } => statements(body, addresses),
            _ => {}
        }
    }
}

fn operand(o: &mut Operand, addresses: &HashMap<String, u64>) {
    match o {
        Operand::Name(name) => {
            if let Some(&address) = addresses.get(&name.name) {
                *o = Operand::Immediate {
                    span: name.span,
                    value: number(address, 0),
                };
            }
        }
        Operand::Offset { base, offset } => {
            if let Some(&address) = addresses.get(&base.name) {
                *o = Operand::Immediate {
                    span: base.span,
                    value: number(address, *offset),
                };
            }
        }
        Operand::Address { base, offset, .. } => {
            if let AddressBase::Name(name) = base
                && let Some(&address) = addresses.get(&name.name)
            {
                *offset = offset.wrapping_add_unsigned(address);
                *base = AddressBase::Absolute;
            }
        }
        Operand::Vector { elements, .. }
        | Operand::List { elements, .. }
        | Operand::AddressList { elements, .. } => {
            elements.iter_mut().for_each(|e| operand(e, addresses));
        }
        Operand::Not { operand: inner, .. } | Operand::Neg { operand: inner, .. } => {
            operand(inner, addresses)
        }
        Operand::Pair { first, second } => {
            operand(first, addresses);
            operand(second, addresses);
        }
        Operand::Component { .. }
        | Operand::Special { .. }
        | Operand::Immediate { .. }
        | Operand::Sink(_) => {}
    }
}
