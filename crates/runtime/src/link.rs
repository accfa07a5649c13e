//! Lets modules refer to each other. Two modules that share a variable: in one tree, the variable that another,
//! already loaded module holds is replaced by its device address. Two texts that call each other (separate
//! compilation, nvcc -rdc=true): one tree takes in the other, as nvlink would do with machine code.

use ptx::ast::{
    AddressBase, Function, Ident, Immediate, Initializer, Instruction, Item, Linkage, Loc, Module, Operand,
    Source, StateSpace, Statement, Variable,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What stands in a name's place.
#[derive(Clone)]
enum Instead {
    /// A device address.
    Address(u64),
    /// Another name.
    Name(String),
}

type Names = HashMap<String, Instead>;

fn number(address: u64, offset: i64) -> Immediate {
    Immediate::Int {
        bits: address.wrapping_add_signed(offset),
        unsigned: true,
    }
}

/// Replaces each variable of `tree` whose name `elsewhere` knows by the address given there, and removes its
/// declaration. Names that a function declares for itself are left alone.
pub(crate) fn use_variables_of(tree: &mut Module, elsewhere: &dyn Fn(&Variable) -> Option<u64>) {
    let known = tree
        .variables()
        .filter_map(|v| Some((v.name.name.clone(), Instead::Address(elsewhere(v)?))));
    let names: Names = known.collect();
    if names.is_empty() {
        return;
    }
    tree.items
        .retain(|item| !matches!(item, Item::Variable(v) if names.contains_key(&v.name.name)));
    tree.items.iter_mut().for_each(|item| replace_in(item, &names));
}

/// Replaces names everywhere in an item; the item's own name changes too.
fn replace_in(item: &mut Item, names: &Names) {
    match item {
        Item::Variable(v) => {
            rename(&mut v.name, names);
            if let Some(init) = &mut v.init {
                initializer(init, names);
            }
        }
        Item::Function(f) => {
            rename(&mut f.name, names);
            // PTX names parameters after their function, so none can hide a name of the module.
            if let Some(body) = &mut f.body {
                statements(body, names);
            }
        }
        Item::Alias { alias, target, .. } => {
            rename(alias, names);
            rename(target, names);
        }
        _ => {}
    }
}

fn rename(ident: &mut Ident, names: &Names) {
    if let Some(Instead::Name(new)) = names.get(&ident.name) {
        ident.name.clone_from(new);
    }
}

/// Names that a tree declares as defined elsewhere and nowhere defines itself.
pub(crate) fn unresolved(tree: &Module) -> HashSet<&str> {
    let functions = tree.functions().filter(|f| f.body.is_none()).map(|f| &f.name);
    // `extern __shared__` arrays are the launch's dynamic shared memory, not another module's.
    let foreign = |v: &&Variable| v.linkage == Linkage::Extern && v.space != StateSpace::Shared;
    let variables = tree.variables().filter(foreign).map(|v| &v.name);
    let missing = functions.chain(variables).map(|n| n.name.as_str());
    missing.filter(|name| !defines(tree, name)).collect()
}

fn is_definition(v: &Variable) -> bool {
    v.linkage != Linkage::Extern
}

/// Whether a tree defines a function or variable of this name.
pub(crate) fn defines(tree: &Module, name: &str) -> bool {
    tree.functions().any(|f| f.body.is_some() && f.name.name == name)
        || tree.variables().any(|v| is_definition(v) && v.name.name == name)
}

/// Takes another text into `tree`. Definitions satisfy declarations of either side; a weak definition that is
/// there already is not taken twice; local names that clash get another name. Positions of `tree` stay right;
/// those of the other text follow after its last line.
///
/// # Errors
/// What the parser says of the other text.
pub(crate) fn take_in(tree: &mut Module, other: &Source) -> Result<(), ptx::Errors> {
    let mut text = tree.source.text.clone();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    // Parsed behind as much blank text, the other tree's positions are those in the text of both.
    let blank: String = text
        .chars()
        .map(|c| {
            if c == '\n' {
                "\n".into()
            } else {
                " ".repeat(c.len_utf8())
            }
        })
        .collect();
    let mut more = ptx::parse(&other.name, &(blank + &other.text))?;
    text.push_str(&other.text);
    tree.source = Arc::new(Source {
        name: tree.source.name.clone(),
        text,
    });

    let local = |linkage: Linkage| linkage == Linkage::Local;
    let clash = |name: &str, theirs: Linkage, ours: &Module| {
        let known = ours.functions().find(|f| f.name.name == name).map(|f| f.linkage);
        let known = known.or(ours.variables().find(|v| v.name.name == name).map(|v| v.linkage));
        known.is_some_and(|k| local(k) || local(theirs))
    };
    let files = tree.items.iter().filter_map(|i| {
        if let Item::File { index, .. } = i {
            Some(*index)
        } else {
            None
        }
    });
    let first_file = files.max().unwrap_or(0);
    let mut names = Names::new();
    for item in &more.items {
        let (name, linkage) = match item {
            Item::Function(f) => (&f.name.name, f.linkage),
            Item::Variable(v) => (&v.name.name, v.linkage),
            _ => continue,
        };
        if clash(name, linkage, tree) {
            names.insert(
                name.clone(),
                Instead::Name(format!("{name}$at{}", tree.source.text.len())),
            );
        }
    }
    for item in &mut more.items {
        replace_in(item, &names);
        match item {
            Item::File { index, .. } => *index += first_file,
            Item::Function(Function { body: Some(body), .. }) => shift_files(body, first_file),
            _ => {}
        }
    }
    for item in more.items {
        let name = match &item {
            Item::Function(f) => f.name.name.clone(),
            Item::Variable(v) => v.name.name.clone(),
            _ => {
                tree.items.push(item);
                continue;
            }
        };
        let is_declaration = |i: &Item| match i {
            Item::Function(f) => f.name.name == name && f.body.is_none(),
            Item::Variable(v) => v.name.name == name && !is_definition(v),
            _ => false,
        };
        if defines(tree, &name) {
            continue;
        }
        if is_declaration(&item) {
            if !tree.items.iter().any(&is_declaration) {
                tree.items.push(item);
            }
            continue;
        }
        // The definition goes where the declaration stood: PTX wants names declared before they are used.
        let place = tree.items.iter().position(is_declaration);
        match place {
            Some(at) if matches!(item, Item::Variable(_)) => tree.items[at] = item,
            Some(at) => {
                tree.items.remove(at);
                tree.items.push(item);
            }
            None => tree.items.push(item),
        }
    }
    Ok(())
}

fn shift_files(body: &mut [Statement], by: u32) {
    for statement in body {
        match statement {
            Statement::Loc(Loc { file, .. }) => *file += by,
            Statement::Block { body, .. } => shift_files(body, by),
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

fn initializer(init: &mut Initializer, names: &Names) {
    match init {
        Initializer::List(list) => list.iter_mut().for_each(|i| initializer(i, names)),
        Initializer::Address { name, offset, .. } => match names.get(&name.name) {
            Some(Instead::Address(address)) => *init = Initializer::Value(number(*address, *offset)),
            _ => rename(name, names),
        },
        Initializer::Mask { mask, name, .. } => match names.get(&name.name) {
            Some(Instead::Address(address)) => {
                let byte = (*address & *mask) >> mask.trailing_zeros();
                *init = Initializer::Value(Immediate::Int {
                    bits: byte,
                    unsigned: true,
                });
            }
            _ => rename(name, names),
        },
        Initializer::Value(_) => {}
    }
}

fn statements(body: &mut [Statement], names: &Names) {
    let own: HashSet<&str> = body
        .iter()
        .filter_map(|s| match s {
            Statement::Variable(v) => Some(v.name.name.as_str()),
            _ => None,
        })
        .filter(|name| names.contains_key(*name))
        .collect();
    if own.is_empty() {
        return in_scope(body, names);
    }
    let visible: Names = names
        .iter()
        .filter(|(k, _)| !own.contains(k.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    in_scope(body, &visible);
}

fn in_scope(body: &mut [Statement], names: &Names) {
    for statement in body {
        match statement {
            Statement::Instruction(Instruction { operands, .. }) => {
                operands.iter_mut().for_each(|o| operand(o, names));
            }
            Statement::CallTargets { targets, .. } => targets.iter_mut().for_each(|t| rename(t, names)),
            Statement::Block { body, .. } => statements(body, names),
            _ => {}
        }
    }
}

fn operand(o: &mut Operand, names: &Names) {
    match o {
        Operand::Name(name) => match names.get(&name.name) {
            Some(Instead::Address(address)) => {
                *o = Operand::Immediate {
                    span: name.span,
                    value: number(*address, 0),
                };
            }
            _ => rename(name, names),
        },
        Operand::Offset { base, offset } => match names.get(&base.name) {
            Some(Instead::Address(address)) => {
                *o = Operand::Immediate {
                    span: base.span,
                    value: number(*address, *offset),
                };
            }
            _ => rename(base, names),
        },
        Operand::Address { base, offset, .. } => {
            if let AddressBase::Name(name) = base {
                match names.get(&name.name) {
                    Some(Instead::Address(address)) => {
                        *offset = offset.wrapping_add_unsigned(*address);
                        *base = AddressBase::Absolute;
                    }
                    _ => rename(name, names),
                }
            }
        }
        Operand::Vector { elements, .. }
        | Operand::List { elements, .. }
        | Operand::AddressList { elements, .. } => {
            elements.iter_mut().for_each(|e| operand(e, names));
        }
        Operand::Not { operand: inner, .. } | Operand::Neg { operand: inner, .. } => operand(inner, names),
        Operand::Pair { first, second } => {
            operand(first, names);
            operand(second, names);
        }
        Operand::Component { .. }
        | Operand::Special { .. }
        | Operand::Immediate { .. }
        | Operand::Sink(_) => {}
    }
}
