//! Names in scope: blocks inside blocks, and ranges of registers (`%r<10>`).

use std::collections::HashMap;

use crate::ast::{ScalarType, Span};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Entity {
    Register {
        ty: ScalarType,
        vector: u8,
    },
    Variable,
    Function,
    Label,
    /// `.branchtargets`
    Branches,
    /// `.calltargets`
    Calls,
    Prototype {
        returns: usize,
        params: usize,
    },
}

impl Entity {
    pub fn what(self) -> &'static str {
        match self {
            Entity::Register { .. } => "register",
            Entity::Variable => "variable",
            Entity::Function => "function",
            Entity::Label => "label",
            Entity::Branches => "list of labels",
            Entity::Calls => "list of functions",
            Entity::Prototype { .. } => "prototype",
        }
    }
}

#[derive(Default)]
struct Scope<'m> {
    names: HashMap<&'m str, (Span, Entity)>,
    /// By prefix: how many, and what.
    ranges: HashMap<&'m str, (u32, Span, Entity)>,
}

impl Scope<'_> {
    fn find(&self, name: &str) -> Option<Entity> {
        if let Some((_, entity)) = self.names.get(name) {
            return Some(*entity);
        }
        if self.ranges.is_empty() {
            return None;
        }
        splits(name).find_map(|(prefix, number)| {
            let (n, _, entity) = self.ranges.get(prefix)?;
            (number < *n).then_some(*entity)
        })
    }
}

/// Every way to read a name as a prefix and a number: `%a10` is `%a1` and 0, or `%a` and 10.
fn splits(name: &str) -> impl Iterator<Item = (&str, u32)> {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    (1..=digits).rev().filter_map(move |n| {
        let (prefix, number) = name.split_at(name.len() - n);
        (n == 1 || !number.starts_with('0')).then(|| Some((prefix, number.parse().ok()?)))?
    })
}

pub(super) struct Scopes<'m> {
    stack: Vec<Scope<'m>>,
}

impl Default for Scopes<'_> {
    fn default() -> Self {
        Scopes {
            stack: vec![Scope::default()],
        }
    }
}

impl<'m> Scopes<'m> {
    pub fn enter(&mut self) {
        self.stack.push(Scope::default());
    }

    pub fn leave(&mut self) {
        self.stack.pop();
    }

    /// Declares; gives back where the same name was declared in the same scope before.
    pub fn declare(&mut self, name: &'m str, span: Span, range: Option<u32>, entity: Entity) -> Option<Span> {
        let scope = self.stack.last_mut()?;
        match range {
            Some(n) => scope
                .ranges
                .insert(name, (n, span, entity))
                .map(|(_, first, _)| first),
            None => scope.names.insert(name, (span, entity)).map(|(first, _)| first),
        }
    }

    pub fn find(&self, name: &str) -> Option<Entity> {
        self.stack.iter().rev().find_map(|scope| scope.find(name))
    }

    /// The range a name would belong to if it were longer.
    pub fn range_of(&self, name: &str) -> Option<(&'m str, u32)> {
        self.stack.iter().rev().find_map(|scope| {
            splits(name).find_map(|(prefix, _)| {
                scope
                    .ranges
                    .get_key_value(prefix)
                    .map(|(prefix, (n, _, _))| (*prefix, *n))
            })
        })
    }

    /// Every single name in scope.
    pub fn names(&self) -> impl Iterator<Item = &'m str> + '_ {
        self.stack.iter().flat_map(|scope| scope.names.keys().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_shadowing() {
        let register = |ty| Entity::Register { ty, vector: 1 };
        let mut scopes = Scopes::default();
        scopes.declare("%r", Span::default(), Some(12), register(ScalarType::B32));
        scopes.declare("%r1", Span::default(), Some(2), register(ScalarType::B64));
        assert_eq!(scopes.find("%r9"), Some(register(ScalarType::B32)));
        assert_eq!(scopes.find("%r12"), None);
        assert_eq!(scopes.find("%r01"), None);
        scopes.enter();
        assert_eq!(
            scopes.declare("%r9", Span::default(), None, register(ScalarType::F32)),
            None
        );
        assert_eq!(scopes.find("%r9"), Some(register(ScalarType::F32)));
        scopes.leave();
        assert_eq!(scopes.find("%r9"), Some(register(ScalarType::B32)));
        assert_eq!(scopes.range_of("%r99"), Some(("%r", 12)));
    }
}
