//! Lets modules refer to each other. Two modules that share a variable: in one tree, the variable that another,
//! already loaded module holds is replaced by its device address. Two texts that call each other (separate
//! compilation, nvcc -rdc=true): one tree takes in the other, as nvlink would do with machine code. What comes of it is unchecked.

use ptx::ast::{
    AddressBase, Function, Ident, Immediate, Initializer, Instruction, Item, Linkage, Module, Operand,
    StateSpace, Statement, Variable,
};
use ptx::visit;
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

/// A text of which another may need something, read when it is first looked into, and once.
pub(crate) enum Part<'a> {
    /// Not looked into yet: name and text.
    Unread(String, &'a str),
    Read(Module),
    /// Of a PTX file, which keeps it.
    Kept(&'a Module),
    /// It cannot be read, or is no longer here.
    Gone(Option<ptx::Errors>),
}

impl Part<'_> {
    /// The text; empty if it is gone.
    pub(crate) fn text(&self) -> &str {
        match self {
            Part::Unread(_, text) => text,
            Part::Read(tree) => &tree.source.text,
            Part::Kept(tree) => &tree.source.text,
            Part::Gone(_) => "",
        }
    }

    fn read(&mut self) -> Option<&Module> {
        if let Part::Unread(name, text) = self {
            *self = match ptx::parse(name, text) {
                Ok(tree) => Part::Read(tree),
                Err(errors) => Part::Gone(Some(errors)),
            };
        }
        match self {
            Part::Read(tree) => Some(tree),
            Part::Kept(tree) => Some(tree),
            Part::Unread(..) | Part::Gone(_) => None,
        }
    }

    /// Whether it defines one of the names. What cannot be read defines nothing.
    pub(crate) fn defines_any(&mut self, names: &HashSet<&str>) -> bool {
        // A text that only mentions a name (declares it, too) is read for nothing, but harmless.
        let text = self.text();
        let mentioned: Vec<&str> = names.iter().copied().filter(|n| text.contains(n)).collect();
        !mentioned.is_empty()
            && self
                .read()
                .is_some_and(|t| mentioned.iter().any(|n| defines(t, n)))
    }

    /// A tree to put elsewhere; this one stays.
    pub(crate) fn copy(&mut self) -> Option<Module> {
        self.read().cloned()
    }

    /// The tree, for whoever needs it last.
    ///
    /// # Errors
    /// What the parser says.
    pub(crate) fn take(&mut self) -> Result<Option<Module>, ptx::Errors> {
        self.read();
        match std::mem::replace(self, Part::Gone(None)) {
            Part::Read(tree) => Ok(Some(tree)),
            Part::Kept(tree) => Ok(Some(tree.clone())),
            Part::Gone(Some(errors)) => Err(errors),
            Part::Unread(..) | Part::Gone(None) => Ok(None),
        }
    }
}

/// Takes those of the texts into `tree` that define what it declares as defined elsewhere.
pub(crate) fn resolve(tree: &mut Module, parts: &mut [&mut Part<'_>]) {
    let mut taken = vec![false; parts.len()];
    loop {
        let missing = unresolved(tree);
        let mut rest = (0..parts.len()).filter(|k| !missing.is_empty() && !taken[*k]);
        let Some(found) = rest.find(|k| parts[*k].defines_any(&missing)) else {
            return;
        };
        taken[found] = true;
        if let Some(more) = parts[found].copy() {
            take_in(tree, more);
        }
    }
}

/// Takes another text into `tree`. Definitions satisfy declarations of either side; a weak definition that is
/// there already is not taken twice; local names that clash get another name. Positions of `tree` stay right;
/// those of the other text follow after its last line.
pub(crate) fn take_in(tree: &mut Module, mut more: Module) {
    let source = Arc::make_mut(&mut tree.source);
    if !source.text.ends_with('\n') {
        source.text.push('\n');
    }
    // Beyond 4 GiB there are no places, which only messages need.
    let by = u32::try_from(source.text.len()).unwrap_or(u32::MAX);
    source.text.push_str(&more.source.text);
    more.each_span(&mut |span| {
        span.start = span.start.saturating_add(by);
        span.end = span.end.saturating_add(by);
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
            Item::Function(Function { body: Some(body), .. }) => {
                visit::statements_mut(body, &mut |s| {
                    if let Statement::Loc(loc) = s {
                        loc.file += first_file;
                    }
                });
            }
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
}

/// Whether other modules may see a variable under its name.
pub(crate) fn is_shared(v: &Variable) -> bool {
    matches!(
        v.linkage,
        Linkage::Visible | Linkage::Weak | Linkage::Common | Linkage::Extern
    )
}

fn initializer(init: &mut Initializer, names: &Names) {
    init.each_mut(&mut |init| match init {
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
        Initializer::List(_) | Initializer::Value(_) => {}
    });
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
                operands
                    .iter_mut()
                    .for_each(|o| o.each_mut(&mut |o| operand(o, names)));
            }
            Statement::CallTargets { targets, .. } => targets.iter_mut().for_each(|t| rename(t, names)),
            Statement::Block { body, .. } => statements(body, names),
            _ => {}
        }
    }
}

fn operand(o: &mut Operand, names: &Names) {
    let replacement = match o {
        Operand::Name(name) => match names.get(&name.name) {
            Some(Instead::Address(address)) => Some((name.span, number(*address, 0))),
            _ => {
                rename(name, names);
                None
            }
        },
        Operand::Offset { base, offset } => match names.get(&base.name) {
            Some(Instead::Address(address)) => Some((base.span, number(*address, *offset))),
            _ => {
                rename(base, names);
                None
            }
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
            None
        }
        _ => None,
    };
    if let Some((span, value)) = replacement {
        *o = Operand::Immediate { span, value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = ".version 7.0\n.target sm_75\n.address_size 64\n";

    #[test]
    fn a_text_is_read_when_it_is_looked_into_and_once() {
        let text = format!("{HEAD}.visible .func f()\n{{\nret;\n}}\n");
        let mut part = Part::Unread("b.ptx".into(), &text);
        assert!(!part.defines_any(&HashSet::from(["other"])));
        assert!(matches!(part, Part::Unread(..)), "nothing of it was asked for");
        assert!(part.defines_any(&HashSet::from(["f", "other"])));
        assert!(matches!(part, Part::Read(_)));
        assert!(part.copy().is_some());
        assert!(part.take().is_ok_and(|tree| tree.is_some()));
        assert!(part.text().is_empty() && part.take().is_ok_and(|tree| tree.is_none()));
        let mut broken = Part::Unread("c.ptx".into(), "no PTX, but it says f");
        assert!(!broken.defines_any(&HashSet::from(["f"])) && broken.take().is_err());
    }

    #[test]
    fn a_text_that_is_taken_in_keeps_its_places() {
        let caller = format!("{HEAD}.extern .func f();\n.visible .entry k()\n{{\ncall f;\nret;\n}}\n");
        let callee = format!("// f\n{HEAD}.visible .func f()\n{{\n.loc 1 7 1\nret;\n}}\n.file 1 \"f.cu\"\n");
        let mut tree = ptx::parse("a.ptx", &caller).unwrap();
        let mut other = Part::Unread("b.ptx".into(), &callee);
        resolve(&mut tree, &mut [&mut other]);
        assert!(unresolved(&tree).is_empty());
        let f = tree.function("f").unwrap();
        assert_eq!(tree.source.slice(f.name.span), "f");
        let mut texts = Vec::new();
        f.each_instruction(&mut |i| texts.push(tree.source.slice(i.span)));
        assert_eq!(texts, ["ret;"]);
        assert!(ptx::check(tree).is_ok());
    }
}
