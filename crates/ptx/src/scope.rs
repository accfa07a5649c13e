//! What a name means where: scopes inside scopes, single names and ranges of registers (`%r<10>`). One set of rules for
//! all who ask (the check, lowering): the innermost scope that knows a name decides; in it a single name goes before a range, and
//! the range with the shortest prefix before others (`%a10` is 10 of `%a<20>` sooner than 0 of `%a1<1>`).

use std::hash::BuildHasherDefault;

use rustc_hash::FxHasher;

use crate::ast::Span;

type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<FxHasher>>;

/// What was declared, and where.
struct Declared<T> {
    what: T,
    at: Span,
}

struct Scope<'m, T> {
    names: HashMap<&'m str, Declared<T>>,
    /// By prefix, with how many.
    ranges: HashMap<&'m str, (u32, Declared<T>)>,
}

impl<T> Default for Scope<'_, T> {
    fn default() -> Self {
        Scope {
            names: HashMap::default(),
            ranges: HashMap::default(),
        }
    }
}

/// A stack of scopes, innermost last; what a name means is a `T`.
pub struct Scopes<'m, T> {
    stack: Vec<Scope<'m, T>>,
}

impl<T> Default for Scopes<'_, T> {
    /// One scope, that of the module.
    fn default() -> Self {
        Scopes {
            stack: vec![Scope::default()],
        }
    }
}

/// The meaning of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// What was declared.
    pub what: T,
    /// Which of a range; 0 for a single name.
    pub number: u32,
}

impl<'m, T: Clone> Scopes<'m, T> {
    /// Opens a scope.
    pub fn enter(&mut self) {
        self.stack.push(Scope::default());
    }

    /// Closes the innermost scope.
    pub fn leave(&mut self) {
        self.stack.pop();
    }

    /// Declares in the innermost scope, a range if it has a length; gives back where the same name was declared there
    /// before. The later declaration holds.
    pub fn declare(&mut self, name: &'m str, at: Span, range: Option<u32>, what: T) -> Option<Span> {
        let scope = self.stack.last_mut()?;
        let declared = Declared { what, at };
        let before = match range {
            Some(n) => scope.ranges.insert(name, (n, declared)).map(|(_, before)| before),
            None => scope.names.insert(name, declared),
        };
        before.map(|before| before.at)
    }

    /// What a name means, innermost scope first.
    pub fn find(&self, name: &str) -> Option<Found<T>> {
        self.stack.iter().rev().find_map(|scope| scope.find(name))
    }

    /// The range a name would belong to if it were longer.
    pub fn range_of(&self, name: &str) -> Option<(&'m str, u32)> {
        self.stack.iter().rev().find_map(|scope| {
            splits(name).find_map(|(prefix, _)| {
                let (prefix, (n, _)) = scope.ranges.get_key_value(prefix)?;
                Some((*prefix, *n))
            })
        })
    }

    /// Every single name in scope.
    pub fn names(&self) -> impl Iterator<Item = &'m str> + '_ {
        self.stack.iter().flat_map(|scope| scope.names.keys().copied())
    }
}

impl<T: Clone> Scope<'_, T> {
    fn find(&self, name: &str) -> Option<Found<T>> {
        if let Some(declared) = self.names.get(name) {
            let what = declared.what.clone();
            return Some(Found { what, number: 0 });
        }
        if self.ranges.is_empty() {
            return None;
        }
        splits(name).find_map(|(prefix, number)| {
            let (n, declared) = self.ranges.get(prefix)?;
            let what = declared.what.clone();
            (number < *n).then_some(Found { what, number })
        })
    }
}

/// Every way to read a name as a prefix and a number: `%a10` is `%a` and 10, or `%a1` and 0.
fn splits(name: &str) -> impl Iterator<Item = (&str, u32)> {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    (1..=digits).rev().filter_map(move |n| {
        let (prefix, number) = name.split_at(name.len() - n);
        (n == 1 || !number.starts_with('0')).then(|| Some((prefix, number.parse().ok()?)))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(scopes: &Scopes<u8>, name: &str) -> Option<(u8, u32)> {
        scopes.find(name).map(|f| (f.what, f.number))
    }

    #[test]
    fn ranges_and_shadowing() {
        let at = Span::default();
        let mut scopes = Scopes::default();
        scopes.declare("%r", at, Some(12), 32);
        scopes.declare("%r1", at, Some(2), 64);
        assert_eq!(what(&scopes, "%r9"), Some((32, 9)));
        // Both ranges have it: the shorter prefix decides.
        assert_eq!(what(&scopes, "%r10"), Some((32, 10)));
        assert_eq!(what(&scopes, "%r12"), None);
        assert_eq!(what(&scopes, "%r01"), None);
        scopes.enter();
        assert_eq!(scopes.declare("%r9", at, None, 16), None);
        assert_eq!(what(&scopes, "%r9"), Some((16, 0)));
        // An inner range goes before an outer name.
        scopes.enter();
        scopes.declare("%r", at, Some(10), 8);
        assert_eq!(what(&scopes, "%r9"), Some((8, 9)));
        assert_eq!(what(&scopes, "%r11"), Some((32, 11)));
        scopes.leave();
        scopes.leave();
        assert_eq!(what(&scopes, "%r9"), Some((32, 9)));
        assert_eq!(scopes.range_of("%r99"), Some(("%r", 12)));
    }
}
