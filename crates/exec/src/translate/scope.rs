//! Names in scope while a function body is translated.

use ir::VReg;
use rustc_hash::FxHashMap;

/// Where a variable lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Absolute address (global and constant variables).
    Global(u64),
    /// Offset in shared memory.
    Shared(u32),
    /// Offset in the thread's local memory.
    Local(u32),
    /// Offset in the frame of a function that is not inlined.
    Frame(u32),
    /// Offset in the kernel's parameter block.
    Param(u32),
}

impl Place {
    /// The address within its state space, counted from the frame for [`Place::Frame`].
    pub fn offset(self) -> u64 {
        match self {
            Place::Global(a) => a,
            Place::Shared(a) | Place::Local(a) | Place::Frame(a) | Place::Param(a) => u64::from(a),
        }
    }
}

/// What a name means.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A register.
    Reg(VReg),
    /// A variable.
    Place(Place),
    /// A label's number.
    Label(u32),
    /// A `.branchtargets` list.
    Targets(Vec<String>),
    /// A `.callprototype` or `.calltargets`: index in the translator's list.
    Prototype(usize),
}

/// Registers that are numbered from 0, `stride` of ours for each.
struct Range {
    prefix: String,
    first: VReg,
    count: u32,
    stride: u32,
}

#[derive(Default)]
struct Scope {
    names: FxHashMap<String, Binding>,
    /// `.reg .b32 %r<10>`: prefix, first register, count.
    ranges: Vec<Range>,
}

/// A stack of scopes, innermost last.
#[derive(Default)]
pub struct Scopes {
    stack: Vec<Scope>,
}

impl Scopes {
    /// Opens a scope.
    pub fn push(&mut self) {
        self.stack.push(Scope::default());
    }
    /// Closes the innermost scope.
    pub fn pop(&mut self) {
        self.stack.pop();
    }
    /// Hides every scope: a function sees nothing of its caller. Give the result to [`Self::leave_function`].
    pub fn enter_function(&mut self) -> Hidden {
        Hidden(std::mem::take(&mut self.stack))
    }
    /// Drops the function's scopes and brings the caller's back.
    pub fn leave_function(&mut self, hidden: Hidden) {
        self.stack = hidden.0;
    }
    /// Binds a name in the innermost scope.
    pub fn bind(&mut self, name: &str, binding: Binding) {
        if let Some(scope) = self.stack.last_mut() {
            scope.names.insert(name.to_string(), binding);
        }
    }
    /// Binds `name0` to `name(count-1)`.
    pub fn bind_range(&mut self, name: &str, first: VReg, count: u32, stride: u32) {
        if let Some(scope) = self.stack.last_mut() {
            scope.ranges.push(Range {
                prefix: name.to_string(),
                first,
                count,
                stride,
            });
        }
    }
    /// Looks a name up, innermost scope first.
    pub fn find(&self, name: &str) -> Option<&Binding> {
        self.stack.iter().rev().find_map(|s| s.names.get(name))
    }
    /// Looks a numbered register up.
    pub fn find_in_ranges(&self, name: &str) -> Option<VReg> {
        let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (prefix, number) = name.split_at(name.len() - digits);
        let number: u32 = number.parse().ok()?;
        self.stack.iter().rev().find_map(|s| {
            let range = s.ranges.iter().find(|r| r.prefix == prefix && number < r.count)?;
            Some(VReg(range.first.0 + number * range.stride))
        })
    }
}

/// A caller's scopes while a function is being translated.
pub struct Hidden(Vec<Scope>);
