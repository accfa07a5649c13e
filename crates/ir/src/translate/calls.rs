//! Calls. A device function is inlined where it is called, which is fast and lets the analyses see through it.
//! That is impossible for recursion (a function whose body is being inlined already) and for indirect calls:
//! their functions are translated once, behind the kernel's instructions, and called with arguments and
//! results in the thread's local memory (`crate::call` executes that). So are larger functions of kernels that would
//! become very long, and those nested very deeply.

use super::scope::{Binding, Place};
use super::{Inlined, LOCAL_BYTES, Result, Translator, align_of, mnemonic, size_of};
use crate::window;
use crate::{Access, CallSite, IrInst, Op, Origin, OutOfLine, Slot, Space, VReg, Val};
use ptx::ast::{
    Function, FunctionKind, Ident, Instruction, Item, Module, Opcode, Operand, ScalarType, StateSpace,
    Statement, Variable,
};
use rustc_hash::FxHashMap;

/// Kernels of up to so many instructions, all calls inlined, have all of them inlined.
const INLINE_ALL: u64 = 200_000;
/// In longer ones, functions of up to so many instructions do.
const INLINE_SMALL: u64 = 1_000;
/// Calls inlined in each other.
const INLINE_DEPTH: usize = 64;

/// Frames are multiples of this, in bytes.
const FRAME_ALIGN: u32 = 16;

/// A call as written.
struct Call<'a> {
    callee: &'a Ident,
    returns: &'a [Operand],
    arguments: &'a [Operand],
    /// The label of a prototype or list of targets.
    prototype: Option<&'a Ident>,
}

/// The device functions of a module that have a body, in the order of the text.
fn device_functions(module: &Module) -> impl Iterator<Item = &Function> {
    module.items.iter().filter_map(|i| match i {
        Item::Function(f) if f.kind != FunctionKind::Kernel && f.body.is_some() => Some(f),
        _ => None,
    })
}

/// The device functions of a module and their addresses.
pub fn function_addresses(module: &Module) -> impl Iterator<Item = (&str, u64)> {
    device_functions(module)
        .enumerate()
        .map(|(k, f)| (f.name.name.as_str(), window::FUNCTION + 16 * k as u64))
}

/// Where the results and parameters of a function lie in its frame, and how long they are together.
fn slots(returns: &[Variable], params: &[Variable]) -> (Vec<Slot>, Vec<Slot>, u32) {
    let mut end = 0u32;
    let mut place = |v: &Variable| {
        // Each is small (`ptx::limits`); all together may not be, which is refused later.
        let at = end.checked_next_multiple_of(align_of(v)).unwrap_or(u32::MAX);
        let bytes = size_of(v) as u32;
        end = at.saturating_add(bytes);
        Slot { at, bytes }
    };
    let returns = returns.iter().map(&mut place).collect();
    let params = params.iter().map(&mut place).collect();
    (returns, params, end)
}

/// The parts of a call.
fn parts(i: &Instruction) -> Option<Call<'_>> {
    let mut lists: Vec<&[Operand]> = Vec::new();
    let mut callee = None;
    let mut prototype = None;
    let mut before = 0;
    for o in &i.operands {
        match o {
            Operand::List { elements, .. } => lists.push(elements),
            Operand::Name(n) if callee.is_none() => {
                callee = Some(n);
                before = lists.len();
            }
            Operand::Name(n) => prototype = Some(n),
            _ => {}
        }
    }
    Some(Call {
        callee: callee?,
        returns: if before == 1 { lists[0] } else { &[] },
        arguments: lists.get(before).copied().unwrap_or_default(),
        prototype,
    })
}

impl<'a> Translator<'a> {
    /// Whether `i` calls what a register points to.
    pub(super) fn is_indirect(&self, i: &Instruction) -> bool {
        i.opcode == Opcode::Call && parts(i).is_some_and(|c| !self.declared.contains(c.callee.name.as_str()))
    }

    /// Decides whether every call that can be is inlined in `kernel`, or small functions only.
    pub(super) fn plan_inlining(&mut self, kernel: &'a Function) {
        let name = |f: &'a Function| f.name.name.as_str();
        let mut sizes: FxHashMap<&'a str, u64> = FxHashMap::default();
        // Depth first, without recursion: callees are known before their callers, but for loops of calls.
        let mut open = vec![(kernel, self.instructions_and_calls(kernel), 0)];
        sizes.insert(name(kernel), 0);
        while let Some((f, (own, callees), next)) = open.last_mut() {
            if let Some(callee) = callees.get(*next).copied() {
                *next += 1;
                if !sizes.contains_key(name(callee)) {
                    sizes.insert(name(callee), 0);
                    let parts = self.instructions_and_calls(callee);
                    open.push((callee, parts, 0));
                }
                continue;
            }
            let size = callees.iter().fold(*own, |n, c| n.saturating_add(sizes[name(c)]));
            sizes.insert(name(f), size);
            open.pop();
        }
        if sizes[name(kernel)] > INLINE_ALL {
            self.inline_sizes = sizes;
        }
    }

    /// How many instructions a function has, and the functions that it calls by name, once for each call.
    fn instructions_and_calls(&self, f: &'a Function) -> (u64, Vec<&'a Function>) {
        let (mut own, mut callees) = (0, Vec::new());
        f.each_instruction(&mut |i| {
            own += 1;
            let callee = (i.opcode == Opcode::Call).then(|| parts(i)).flatten();
            callees.extend(callee.and_then(|c| self.functions.get(c.callee.name.as_str()).copied()));
        });
        (own, callees)
    }

    /// Whether a call of `f` becomes a jump.
    fn stays_out(&self, f: &Function) -> bool {
        let name = f.name.name.as_str();
        self.inlining.len() > INLINE_DEPTH
            || self.inline_sizes.get(name).is_some_and(|n| *n > INLINE_SMALL)
            || self.inlining.iter().any(|x| x.name == name)
    }

    /// The functions that pointers may point to.
    pub(super) fn pointees(&self) -> impl Iterator<Item = &'a Function> + use<'a> {
        let mut names = Vec::new();
        for item in &self.module.items {
            match item {
                Item::Variable(Variable { init: Some(init), .. }) => {
                    init.each_name(&mut |n| names.push(n.name.as_str()));
                }
                // Names that are used in other ways than to call them.
                Item::Function(f) => f.each_instruction(&mut |i| {
                    let operands = i.operands.iter().filter(|_| i.opcode != Opcode::Call);
                    operands.for_each(|o| o.each_name(&mut |n| names.push(&n.name)));
                }),
                _ => {}
            }
        }
        names.sort_unstable();
        names.dedup();
        device_functions(self.module).filter(move |f| names.binary_search(&f.name.name.as_str()).is_ok())
    }

    /// Binds the label of a `.callprototype` or `.calltargets`.
    pub(super) fn prototype(&mut self, s: &'a Statement) {
        let (label, signature) = match s {
            Statement::CallPrototype {
                label,
                returns,
                params,
                ..
            } => (label, (returns.as_slice(), params.as_slice())),
            // All targets have the same parameters.
            Statement::CallTargets { label, targets } => {
                let first = targets.first().and_then(|t| self.functions.get(t.name.as_str()));
                let Some(f) = first else { return };
                (label, (f.returns.as_slice(), f.params.as_slice()))
            }
            _ => return,
        };
        let number = self.prototypes.len();
        self.prototypes.push(signature);
        self.bind(label, None, Binding::Prototype(number));
    }

    pub(super) fn call(&mut self, i: &'a Instruction, first: usize) -> Result<()> {
        let Some(call) = parts(i) else {
            return self.refuse(mnemonic(i), "the function to call is missing");
        };
        let callee = call.callee.name.as_str();
        if self.intrinsic(callee, call.returns, call.arguments)? {
            return self.guard(i, first);
        }
        let Some(&f) = self.functions.get(callee) else {
            return match self.lookup(callee) {
                Ok(Binding::Reg(address)) => self.indirect(i, &call, address),
                _ => self.refuse(
                    format!("call of `{callee}`"),
                    "functions without a body in this module are not supported",
                ),
            };
        };
        if f.kind == FunctionKind::Kernel {
            return self.refuse(
                format!("call of kernel `{callee}`"),
                "device-side launches are not supported",
            );
        }
        self.expect_signature(&call, &f.returns, &f.params)?;
        if self.stays_out(f) {
            let function = self.request(f);
            return self.not_inlined(i, &call, Some(function), vec![], (&f.returns, &f.params));
        }
        self.inline(i, &call, f)
    }

    fn expect_signature(&self, call: &Call, returns: &[Variable], params: &[Variable]) -> Result<()> {
        if call.returns.len() == returns.len() && call.arguments.len() == params.len() {
            return Ok(());
        }
        self.refuse(
            format!("call of `{}`", call.callee.name),
            format!(
                "it takes {} arguments and returns {}",
                params.len(),
                returns.len()
            ),
        )
    }

    /// A guarded call branches around everything to `after`.
    fn unless_guarded(&mut self, i: &Instruction, after: u32) -> Result<()> {
        let Some(g) = &i.guard else { return Ok(()) };
        let Binding::Reg(p) = self.lookup(&g.register.name)? else {
            return self.refuse(
                format!("@{}", g.register.name),
                "a guard must be a predicate register",
            );
        };
        self.emit(Op::Branch(after), vec![], vec![], false);
        if let Some(b) = self.ir.insts.last_mut() {
            b.guard = Some((p, !g.negated));
        }
        Ok(())
    }

    fn inline(&mut self, i: &Instruction, call: &Call, f: &'a Function) -> Result<()> {
        let after = self.new_label();
        self.unless_guarded(i, after)?;
        self.emit(Op::Nop, vec![], vec![], true);
        let mut bound = Vec::new();
        let mut copies_in = Vec::new();
        let mut copies_out = Vec::new();
        let mut stores_out = Vec::new();
        let returns = f.returns.iter().zip(call.returns).map(|p| (p, true));
        let params = f.params.iter().zip(call.arguments).map(|p| (p, false));
        // Values move where one side is a register and the other memory, and between registers.
        for ((formal, actual), is_return) in returns.chain(params) {
            let place = self.argument(actual);
            let binding = match (formal.space.base() == StateSpace::Reg, place) {
                (true, None) => {
                    let r = self.new_reg(formal.ty.bits());
                    if is_return {
                        copies_out.push((self.destination(actual, formal.ty)?, r));
                    } else {
                        copies_in.push((r, self.source(actual, formal.ty)?));
                    }
                    Binding::Reg(r)
                }
                (true, Some(place)) => {
                    let r = self.new_reg(formal.ty.bits());
                    let (access, base) = self.scalar_access(i, place, formal)?;
                    if is_return {
                        stores_out.push((Op::Store(access), vec![], vec![base, Val::Reg(r)]));
                    } else {
                        self.emit(Op::Load(access), vec![r], vec![base], false);
                    }
                    Binding::Reg(r)
                }
                (false, Some(place)) => Binding::Place(place),
                (false, None) => {
                    let place = self.frame(size_of(formal), align_of(formal))?;
                    let (access, base) = self.scalar_access(i, place, formal)?;
                    if is_return {
                        let d = self.destination(actual, formal.ty)?;
                        stores_out.push((Op::Load(access), vec![d], vec![base]));
                    } else {
                        let value = self.source(actual, formal.ty)?;
                        self.emit(Op::Store(access), vec![], vec![base, value], false);
                    }
                    Binding::Place(place)
                }
            };
            bound.push((&formal.name, binding));
        }
        for (d, s) in copies_in {
            self.copy(d, s);
        }
        let end = self.new_label();
        // A function sees nothing of its caller.
        let outer = std::mem::take(&mut self.scopes);
        self.scopes.enter();
        for (name, binding) in bound {
            self.bind(name, None, binding);
        }
        self.inlining.push(Inlined {
            name: &f.name.name,
            end,
            kernel: false,
        });
        self.body(f.body.as_deref().unwrap_or_default())?;
        self.inlining.pop();
        self.scopes = outer;
        self.place_label(end);
        for (d, s) in copies_out {
            self.copy(d, Val::Reg(s));
        }
        for (op, dst, src) in stores_out {
            self.emit(op, dst, src, false);
        }
        self.place_label(after);
        Ok(())
    }

    /// A call of what the register `address` points to.
    fn indirect(&mut self, i: &Instruction, call: &Call, address: VReg) -> Result<()> {
        let signature = match call.prototype.map(|p| self.named(&p.name)) {
            Some(Some(Binding::Prototype(k))) => self.prototypes[k],
            _ => {
                return self.refuse(
                    mnemonic(i),
                    "an indirect call needs the label of a .callprototype or .calltargets",
                );
            }
        };
        self.expect_signature(call, signature.0, signature.1)?;
        let bytes = |v: &[Variable]| v.iter().map(size_of).collect::<Vec<_>>();
        let wanted = (bytes(signature.0), bytes(signature.1));
        for f in self.pointees() {
            if (bytes(&f.returns), bytes(&f.params)) == wanted {
                self.request(f);
            }
        }
        let address = if self.bits_of(address) == 64 {
            address
        } else {
            return self.refuse(mnemonic(i), "function pointers of 32 bits are not supported");
        };
        self.not_inlined(i, call, None, vec![Val::Reg(address)], signature)
    }

    /// The number of a function that will be translated on its own.
    fn request(&mut self, f: &'a Function) -> u32 {
        if let Some(k) = self.outlined.iter().position(|g| std::ptr::eq(*g, f)) {
            return k as u32;
        }
        let name = f.name.name.as_str();
        let address = function_addresses(self.module)
            .find(|(n, _)| *n == name)
            .map_or(0, |(_, a)| a);
        let (returns, params, _) = slots(&f.returns, &f.params);
        let entry = self.new_label();
        let base = self.new_reg(64);
        self.ir.functions.push(OutOfLine {
            address,
            entry,
            first: 0,
            base,
            local_bytes: 0,
            returns,
            params,
        });
        self.outlined.push(f);
        self.outlined.len() as u32 - 1
    }

    /// A call that jumps: arguments are in local memory, or put there.
    fn not_inlined(
        &mut self,
        i: &Instruction,
        call: &Call,
        function: Option<u32>,
        src: Vec<Val>,
        (returns, params): (&[Variable], &[Variable]),
    ) -> Result<()> {
        let after = self.new_label();
        self.unless_guarded(i, after)?;
        let mut site = CallSite {
            function,
            returns: vec![],
            params: vec![],
        };
        for (formal, actual) in params.iter().zip(call.arguments) {
            let place = match self.argument(actual) {
                Some(place) => place,
                None => {
                    let v = self.source(actual, formal.ty)?;
                    let place = self.frame(size_of(formal), align_of(formal))?;
                    let (access, base) = self.scalar_access(i, place, formal)?;
                    self.emit(Op::Store(access), vec![], vec![base, v], false);
                    place
                }
            };
            site.params.push(self.slot(i, place, formal)?);
        }
        let mut results = Vec::new();
        for (formal, actual) in returns.iter().zip(call.returns) {
            let place = match self.argument(actual) {
                Some(place) => place,
                None => {
                    let d = self.destination(actual, formal.ty)?;
                    let place = self.frame(size_of(formal), align_of(formal))?;
                    let (access, base) = self.scalar_access(i, place, formal)?;
                    results.push((access, d, base));
                    place
                }
            };
            site.returns.push(self.slot(i, place, formal)?);
        }
        self.ir.calls.push(site);
        self.emit(Op::Call(self.ir.calls.len() as u32 - 1), vec![], src, true);
        for (access, d, base) in results {
            self.emit(Op::Load(access), vec![d], vec![base], false);
        }
        self.place_label(after);
        Ok(())
    }

    /// The `.param` variable that an argument is; none for registers and numbers.
    fn argument(&self, actual: &Operand) -> Option<Place> {
        let Operand::Name(n) = actual else { return None };
        match self.named(&n.name) {
            Some(Binding::Place(p)) => Some(p),
            _ => None,
        }
    }

    fn slot(&self, i: &Instruction, place: Place, formal: &Variable) -> Result<Slot> {
        match place {
            Place::Local(at) | Place::Frame(at) => Ok(Slot {
                at,
                bytes: size_of(formal) as u32,
            }),
            _ => self.refuse(
                mnemonic(i),
                "arguments must be .param variables of the function, or registers",
            ),
        }
    }

    /// How to move the one value of `formal`, which lies at `place`, and the address to start from.
    fn scalar_access(&self, i: &Instruction, place: Place, formal: &Variable) -> Result<(Access, Val)> {
        let bits = formal.ty.bits();
        if !(8..=64).contains(&bits) || size_of(formal) != u64::from(formal.ty.bytes()) {
            return self.refuse(mnemonic(i), "only numbers can be passed in registers");
        }
        let (space, base) = match place {
            Place::Local(_) => (Space::Local, Val::Const(0)),
            Place::Frame(_) => (Space::Local, self.frame_base.map_or(Val::Const(0), Val::Reg)),
            Place::Param(_) => (Space::Param, Val::Const(0)),
            Place::Global(_) | Place::Shared(_) => {
                return self.refuse(mnemonic(i), "arguments must be .param variables or registers");
            }
        };
        let access = Access {
            space,
            bytes: formal.ty.bytes() as u8,
            signed: matches!(formal.ty, ScalarType::S8 | ScalarType::S16),
            count: 1,
            offset: place.offset() as i64,
            volatile: false,
        };
        Ok((access, base))
    }

    /// Translates the functions that are called but not inlined.
    pub(super) fn out_of_line(&mut self) -> Result<()> {
        let kernel = self.ir.insts.len();
        let mut k = 0;
        while let Some(&f) = self.outlined.get(k) {
            self.function(k, f)?;
            k += 1;
        }
        let waits = |i: &IrInst| match i.op {
            Op::Call(_) => false,
            Op::Atom { .. } => true,
            Op::Load(a) => a.volatile,
            op => op.may_wait(),
        };
        self.ir.callees_wait = self.ir.insts[kernel..].iter().any(waits);
        Ok(())
    }

    fn function(&mut self, k: usize, f: &'a Function) -> Result<()> {
        self.span = f.span;
        self.loc = 0;
        self.carry = None;
        self.ir.origins.push(Origin::of_span(f.span, 0));
        let (returns, params, bytes) = slots(&f.returns, &f.params);
        self.limit("parameters of a function", u64::from(bytes), LOCAL_BYTES)?;
        self.frame_bytes = bytes;
        self.frame_base = Some(self.ir.functions[k].base);
        self.ir.functions[k].first = self.ir.insts.len();
        self.place_label(self.ir.functions[k].entry);
        self.scopes.enter();
        let end = self.new_label();
        let mut results = Vec::new();
        for (formal, slot) in f.returns.iter().zip(returns) {
            if let Some((access, r, base)) = self.formal(formal, slot)? {
                results.push((access, r, base));
            }
        }
        for (formal, slot) in f.params.iter().zip(params) {
            if let Some((access, r, base)) = self.formal(formal, slot)? {
                self.emit(Op::Load(access), vec![r], vec![base], false);
            }
        }
        self.inlining.push(Inlined {
            name: &f.name.name,
            end,
            kernel: false,
        });
        self.body(f.body.as_deref().unwrap_or_default())?;
        self.inlining.pop();
        self.scopes.leave();
        self.place_label(end);
        for (access, r, base) in results {
            self.emit(Op::Store(access), vec![], vec![base, Val::Reg(r)], false);
        }
        self.emit(Op::Return, vec![], vec![], false);
        self.ir.functions[k].local_bytes = self.frame_bytes.max(1).next_multiple_of(FRAME_ALIGN);
        Ok(())
    }

    /// Binds a parameter or result; for one in a register, how it gets from or to its slot.
    fn formal(&mut self, formal: &'a Variable, slot: Slot) -> Result<Option<(Access, VReg, Val)>> {
        let place = Place::Frame(slot.at);
        let name = &formal.name.name;
        if formal.space.base() != StateSpace::Reg {
            self.bind(&formal.name, None, Binding::Place(place));
            return Ok(None);
        }
        let bits = formal.ty.bits();
        if !(8..=64).contains(&bits) {
            return self.refuse(
                format!("parameter `{name}`"),
                "predicates cannot be passed to a recursive or indirectly called function",
            );
        }
        let r = self.new_reg(bits);
        self.bind(&formal.name, None, Binding::Reg(r));
        let access = Access {
            space: Space::Local,
            bytes: formal.ty.bytes() as u8,
            signed: matches!(formal.ty, ScalarType::S8 | ScalarType::S16),
            count: 1,
            offset: i64::from(slot.at),
            volatile: false,
        };
        Ok(Some((access, r, self.frame_base.map_or(Val::Const(0), Val::Reg))))
    }

    /// Functions that the device runtime provides.
    fn intrinsic(&mut self, name: &str, returns: &[Operand], arguments: &[Operand]) -> Result<bool> {
        if matches!(name, "malloc" | "free") {
            return self.refuse(
                format!("call of `{name}`"),
                "allocation inside kernels is not supported",
            );
        }
        if !matches!(name, "vprintf" | "__assertfail") {
            return Ok(false);
        }
        let mut src = Vec::new();
        for o in arguments.iter().chain(returns) {
            match self.argument(o) {
                Some(p @ (Place::Local(_) | Place::Frame(_))) => {
                    src.push(self.address_of(p, 0, ScalarType::U64));
                }
                _ => {
                    return self.refuse(format!("call of `{name}`"), "arguments must be .param variables");
                }
            }
        }
        let op = match (name, src.len()) {
            ("vprintf", 2..=3) => Op::Printf,
            ("__assertfail", 4..) => {
                src.truncate(4);
                Op::AssertFail
            }
            _ => return Ok(false),
        };
        self.emit(op, vec![], src, true);
        Ok(true)
    }
}
