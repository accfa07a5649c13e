//! The little language in which the table says what an instruction looks like, and how an instruction is
//! held against it.
//!
//! Modifiers: slots separated by blanks. A slot is alternatives with `|` between them, `$name` for a set of
//! [`SETS`]; `?` behind a slot makes it optional, `*` lets it come any number of times. Types must come in the
//! order of their slots, other modifiers in any order.
//!
//! Operands: patterns separated by blanks, ` / ` between whole alternatives. `=` before a pattern: the operand is
//! written. `?` behind it: it may be left out. Patterns:
//!
//! | pattern | operand |
//! |---|---|
//! | `T`, `T2` | the first, second type of the instruction |
//! | `W` | the first type, twice as wide |
//! | `~T`, `~T2` | the same, the register may be wider |
//! | `V` | `~T`, or a vector of them as `.v2`, `.v4`, `.v8` say |
//! | `P` | `T`, or braces around registers that make up its bits |
//! | `u32`, `pred`, ... | that type |
//! | `T\|pred`, `pred\|pred` | optionally a second, predicate destination |
//! | `ptr` | an integer as wide as an address |
//! | `[]` | an address in brackets |
//! | `imm` | an integer constant |
//! | `label`, `any` | a label or list of labels; anything |

use super::{Modifier, ScalarType};

/// Named sets of modifiers.
pub(crate) const SETS: &[(&str, &str)] = &[
    ("round", "rn|rz|rm|rp"),
    ("vround", "rn|rz|rm|rp|ra|ro|rs"),
    ("int", "u16|s16|u32|s32|u64|s64"),
    ("int8", "u8|s8|u16|s16|u32|s32|u64|s64"),
    ("carry", "u32|s32|u64|s64"),
    ("bits", "b16|b32|b64"),
    (
        "data",
        "b8|b16|b32|b64|b128|u8|u16|u32|u64|s8|s16|s32|s64|f16|f16x2|bf16|bf16x2|f32|f64|vf32",
    ),
    ("value", "b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64"),
    ("half", "f16|f16x2|bf16|bf16x2"),
    ("vp", "vf32|bf16"),
    (
        "compare",
        "eq|ne|lt|le|gt|ge|lo|ls|hi|hs|equ|neu|ltu|leu|gtu|geu|num|nan",
    ),
    ("combine", "and|or|xor"),
    (
        "space",
        "const|global|local|param|shared|shared::cta|shared::cluster|param::entry|param::func",
    ),
    ("scope", "cta|cluster|gpu|sys"),
    ("vector", "v2|v4|v8"),
    (
        "hint",
        "L1::evict_normal|L1::evict_unchanged|L1::evict_first|L1::evict_last|L1::no_allocate|L2::cache_hint|\
         L2::evict_normal|L2::evict_first|L2::evict_last|L2::64B|L2::128B|L2::256B",
    ),
    ("tiny", "e4m3x2|e5m2x2"),
];

/// One way to write an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Modifiers, in the language of this file.
    pub modifiers: &'static str,
    /// Operands, in the language of this file.
    pub operands: &'static str,
    /// Whether Vernier executes it.
    pub supported: bool,
}

/// A set of modifiers of which one may stand.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub choices: Vec<Modifier>,
    pub optional: bool,
    pub repeated: bool,
    pub is_type: bool,
}

/// What an operand must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Type number `index` of the instruction; `wider`: the register may be wider.
    Typed {
        index: usize,
        wider: bool,
    },
    Widened,
    Vector,
    Packed,
    Fixed(ScalarType),
    Pointer,
    Address,
    Constant,
    Label,
    Anything,
}

/// One operand of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub want: Want,
    pub written: bool,
    pub optional: bool,
    /// A second, predicate destination may stand behind `|`.
    pub pair: bool,
}

/// A form made ready.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub slots: Vec<Slot>,
    pub operands: Vec<Vec<Pattern>>,
    pub supported: bool,
}

/// How modifiers miss a shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Miss {
    /// Modifiers (by number) that have no place.
    pub extra: Vec<usize>,
    /// Slots (by number) that stay empty and must not.
    pub missing: Vec<usize>,
}

impl Shape {
    pub fn new(form: &Form) -> Self {
        let operands = form
            .operands
            .split(" / ")
            .map(|o| o.split_whitespace().map(pattern).collect())
            .collect();
        Shape {
            slots: form.modifiers.split_whitespace().map(slot).collect(),
            operands,
            supported: form.supported,
        }
    }

    /// Holds modifiers against the slots.
    pub fn compare(&self, modifiers: &[Modifier]) -> Miss {
        let mut filled = [false; 16];
        let mut next_type = 0;
        let mut miss = Miss::default();
        for (i, m) in modifiers.iter().enumerate() {
            let first = if matches!(m, Modifier::Type(_)) {
                next_type
            } else {
                0
            };
            let place = (first..self.slots.len())
                .find(|s| (!filled[*s] || self.slots[*s].repeated) && self.slots[*s].choices.contains(m));
            match place {
                Some(s) => {
                    filled[s] = true;
                    if self.slots[s].is_type {
                        next_type = s + 1;
                    }
                }
                None => miss.extra.push(i),
            }
        }
        miss.missing = (0..self.slots.len())
            .filter(|s| !self.slots[*s].optional && !filled[*s])
            .collect();
        miss
    }
}

fn slot(text: &str) -> Slot {
    let (text, optional, repeated) = match text.as_bytes().last() {
        Some(b'?') => (&text[..text.len() - 1], true, false),
        Some(b'*') => (&text[..text.len() - 1], true, true),
        _ => (text, false, false),
    };
    let mut choices = Vec::new();
    for word in text.split('|') {
        match word.strip_prefix('$') {
            Some(name) => {
                let set = SETS
                    .iter()
                    .find(|(n, _)| *n == name)
                    .unwrap_or_else(|| panic!("no set {name}"))
                    .1;
                choices.extend(set.split('|').map(modifier));
            }
            None => choices.push(modifier(word)),
        }
    }
    let is_type = choices.iter().all(|m| matches!(m, Modifier::Type(_)));
    Slot {
        choices,
        optional,
        repeated,
        is_type,
    }
}

fn modifier(word: &str) -> Modifier {
    Modifier::from_text(word).unwrap_or_else(|| panic!("the table names no modifier {word}"))
}

fn pattern(text: &str) -> Pattern {
    let (text, written) = text.strip_prefix('=').map_or((text, false), |t| (t, true));
    let (text, optional) = text.strip_suffix('?').map_or((text, false), |t| (t, true));
    let (text, pair) = text.strip_suffix("|pred").map_or((text, false), |t| (t, true));
    let want = match text {
        "T" => Want::Typed {
            index: 0,
            wider: false,
        },
        "T2" => Want::Typed {
            index: 1,
            wider: false,
        },
        "~T" => Want::Typed {
            index: 0,
            wider: true,
        },
        "~T2" => Want::Typed {
            index: 1,
            wider: true,
        },
        "W" => Want::Widened,
        "V" => Want::Vector,
        "P" => Want::Packed,
        "[]" => Want::Address,
        "ptr" => Want::Pointer,
        "imm" => Want::Constant,
        "label" => Want::Label,
        "any" => Want::Anything,
        _ => Want::Fixed(ScalarType::from_text(text).unwrap_or_else(|| panic!("no operand pattern {text}"))),
    };
    Pattern {
        want,
        written,
        optional,
        pair,
    }
}
