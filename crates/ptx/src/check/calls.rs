//! Calls held against what the called function takes and returns.

use super::operands::Typing;
use super::*;
use crate::isa::{Pattern, Want};

impl<'m> Checker<'m> {
    /// `call [(returns),] target [, (arguments)] [, prototype or list]`
    pub(super) fn call(&mut self, i: &'m Instruction) {
        let mut rest = i.operands.as_slice();
        let mut returns = [].as_slice();
        if let [Operand::List { elements, .. }, tail @ ..] = rest {
            returns = elements.as_slice();
            rest = tail;
        }
        let [target, tail @ ..] = rest else {
            let span = self.mnemonic_span(i);
            let (mnemonic, expected) = (i.mnemonic(), "1 to 4".to_string());
            return self.error(
                span,
                Error::OperandCount {
                    mnemonic,
                    expected,
                    found: 0,
                },
                None,
            );
        };
        let mut arguments = [].as_slice();
        let mut tail = tail;
        if let [Operand::List { elements, .. }, more @ ..] = tail {
            arguments = elements.as_slice();
            tail = more;
        }
        let Operand::Name(name) = target else {
            return self.kind_error(i, 0, target, "a function or a register that holds its address");
        };
        let signature = match self.lookup("function", name) {
            Some(Entity::Function) => self.functions.get(name.name.as_str()).copied(),
            Some(Entity::Register { ty, vector }) => {
                let Some(Operand::Name(prototype)) = tail.first() else {
                    let help =
                        Some("name a `.callprototype` or `.calltargets` behind the arguments".to_string());
                    let (expected, found) = ("a prototype".to_string(), "none".to_string());
                    return self.error(i.span, Error::Expected { expected, found }, help);
                };
                if !Self::is_address(ty, vector) {
                    let n = usize::from(!returns.is_empty());
                    let expected = "an integer of 32 or 64 bits".to_string();
                    self.type_error(i, n, target, name, (ty, vector), expected);
                }
                match self.lookup("prototype", prototype) {
                    Some(Entity::Prototype(signature)) => Some(signature),
                    // All of them take and return the same.
                    Some(Entity::Calls(targets)) => {
                        let first = targets.first().map(|t| t.name.as_str());
                        first.and_then(|t| self.functions.get(t)).copied()
                    }
                    None => None,
                    Some(other) => {
                        self.wrong_kind(prototype, "a prototype", other);
                        None
                    }
                }
            }
            Some(other) => {
                self.wrong_kind(name, "a function", other);
                None
            }
            None => None,
        };
        let Some(expected) = signature else {
            return returns.iter().chain(arguments).for_each(|o| self.anything(o));
        };
        if (expected.returns.len(), expected.params.len()) != (returns.len(), arguments.len()) {
            let found = format!("{} and {}", returns.len(), arguments.len());
            let expected = format!(
                "{} return values and {} arguments",
                expected.returns.len(),
                expected.params.len()
            );
            self.error(name.span, Error::Expected { expected, found }, None);
            return returns.iter().chain(arguments).for_each(|o| self.anything(o));
        }
        for (n, (formal, actual)) in expected.returns.iter().zip(returns).enumerate() {
            self.passed(i, n, formal, actual, true);
        }
        for (n, (formal, actual)) in expected.params.iter().zip(arguments).enumerate() {
            self.passed(i, n, formal, actual, false);
        }
    }

    /// One argument or result (`written`): a register or number of the formal one's type, or a `.param` variable of
    /// its size, whether the formal one is a register or a `.param` variable.
    fn passed(
        &mut self,
        i: &'m Instruction,
        n: usize,
        formal: &'m Variable,
        actual: &'m Operand,
        written: bool,
    ) {
        if let Operand::Name(name) = actual
            && let Some(Entity::Variable(v)) = self.scopes.find(&name.name).map(|f| f.what)
        {
            let (has, wants) = (v.bytes(), formal.bytes());
            if v.space.base() != StateSpace::Param {
                self.wrong_kind(name, "a `.param` variable", Entity::Variable(v));
            } else if let (Some(has), Some(wants)) = (has, wants)
                && has != wants
            {
                let (mnemonic, number, name) = (i.mnemonic(), n + 1, name.name.clone());
                let (declared, expected) = (format!("param of {has} bytes"), format!("{wants} bytes"));
                let error = Error::OperandType {
                    mnemonic,
                    number,
                    name,
                    declared,
                    expected,
                };
                self.error(actual.span(), error, None);
            }
            return;
        }
        if !formal.dims.is_empty() || formal.vector != 1 {
            let bytes = formal.bytes().unwrap_or(0);
            return self.kind_error(i, n, actual, format!("a `.param` variable of {bytes} bytes"));
        }
        let pattern = Pattern {
            want: Want::Fixed(formal.ty),
            written,
            optional: false,
            pair: false,
        };
        self.value(i, n, &pattern, actual, Typing::exact(formal.ty));
    }
}
