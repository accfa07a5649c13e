//! The arithmetic of `.vf32` as instructions: `vfloat`'s lane operations, compiled for the format class that a
//! launch asks for. The chosen operations (with their constants) are kept beside the program and found through
//! [`Inst::imm`].

use crate::ir::VfFn;
use crate::lanes::{Alu, Class, Coded, Lane, Op1, Op2, Op3, Table};
use crate::warp::{Inst, Warp};
use std::any::Any;
use std::marker::PhantomData;
use vfloat::{LaneOps, LaneVisitor, Lanes};

macro_rules! vf_ops {
    ($($trait:ident, $table:ident, $name:ident: ($($x:ident: $slot:ident = $t:ty),*) |$ops:ident| $e:expr;)*) => { $(
        #[doc = stringify!($name)]
        pub struct $name<L>(PhantomData<L>);
        impl<L: LaneOps + 'static> $trait for $name<L> {
            $(type $slot = $t;)*
            type R = f32;
            type Context = L;
            #[inline(always)]
            fn context(_: &Warp, i: &Inst) -> L {
                // SAFETY: the emitter put the address of the program's own `L` there.
                unsafe { *(i.imm as *const L) }
            }
            #[inline(always)]
            fn f($ops: &L, $($x: $t),*) -> f32 { $e }
        }
        impl<L: LaneOps + 'static> Coded for $name<L> {
            const ALU: &'static Alu = &Alu {
                name: concat!("Vf", stringify!($name)),
                dst: Class::W32,
                src: &[$(<$t as Lane>::CLASS),*],
                code: Table::<$name<L>>::$table,
            };
        }
    )* };
}

vf_ops! {
    Op2, TWO, Add: (a: A = f32, b: B = f32) |o| o.add(a, b);
    Op2, TWO, Sub: (a: A = f32, b: B = f32) |o| o.sub(a, b);
    Op2, TWO, Mul: (a: A = f32, b: B = f32) |o| o.mul(a, b);
    Op2, TWO, Div: (a: A = f32, b: B = f32) |o| o.div(a, b);
    Op3, THREE, Fma: (a: A = f32, b: B = f32, c: C = f32) |o| o.fma(a, b, c);
    Op3, THREE, Fmam: (a: A = f32, b: B = f32, c: C = f32) |o| o.fmam(a, b, c);
    Op2, TWO, Addm: (a: A = f32, b: B = f32) |o| o.addm(a, b);
    Op2, TWO, Max: (a: A = f32, b: B = f32) |o| o.max(a, b);
    Op2, TWO, Min: (a: A = f32, b: B = f32) |o| o.min(a, b);
    Op1, ONE, Neg: (a: A = f32) |o| o.neg(a);
    Op1, ONE, Abs: (a: A = f32) |o| o.abs(a);
    Op1, ONE_SLOW, Sqrt: (a: A = f32) |o| o.sqrt(a);
    Op1, ONE_SLOW, Rsqrt: (a: A = f32) |o| o.rsqrt(a);
    Op1, ONE_SLOW, Rcp: (a: A = f32) |o| o.rcp(a);
    Op1, ONE_SLOW, Ex2: (a: A = f32) |o| o.ex2(a);
    Op1, ONE_SLOW, Lg2: (a: A = f32) |o| o.lg2(a);
    Op1, ONE_SLOW, Sin: (a: A = f32) |o| o.sin(a);
    Op1, ONE_SLOW, Cos: (a: A = f32) |o| o.cos(a);
    Op1, ONE_SLOW, Tanh: (a: A = f32) |o| o.tanh(a);
    Op1, ONE, Truncate: (a: A = f32) |o| o.truncate(a);
    Op1, ONE, QuantizeF32: (a: A = f32) |o| o.quantize(a);
    Op1, ONE_SLOW, QuantizeF64: (a: A = f64) |o| o.round_f64(a);
    Op1, ONE_SLOW, QuantizeS64: (a: A = i64) |o| o.round_i64(a);
    Op1, ONE_SLOW, QuantizeU64: (a: A = u64) |o| o.round_u64(a);
    Op1, ONE, Saturate: (a: A = f32) |o| o.saturate(a);
}

/// Operations chosen for a launch: the code for one function, and the object that the code reads.
pub struct Chosen {
    /// Code.
    pub alu: &'static Alu,
    /// The operations; their address goes into [`Inst::imm`], so they must live as long as the program.
    pub ops: Box<dyn Any + Send + Sync>,
    /// The address.
    pub address: i64,
}

/// The functions that inner loops are made of: compiled for each class of formats.
fn hot<L: LaneOps + 'static>(f: VfFn) -> Option<&'static Alu> {
    Some(match f {
        VfFn::Add => Add::<L>::ALU,
        VfFn::Sub => Sub::<L>::ALU,
        VfFn::Mul => Mul::<L>::ALU,
        VfFn::Fma => Fma::<L>::ALU,
        VfFn::Fmam => Fmam::<L>::ALU,
        VfFn::Addm => Addm::<L>::ALU,
        VfFn::Max => Max::<L>::ALU,
        VfFn::Min => Min::<L>::ALU,
        VfFn::Truncate => Truncate::<L>::ALU,
        VfFn::QuantizeF32 => QuantizeF32::<L>::ALU,
        _ => return None,
    })
}

/// The others: compiled once, for any format and modes.
fn rare(f: VfFn) -> &'static Alu {
    match f {
        VfFn::Div => Div::<Lanes>::ALU,
        VfFn::Neg => Neg::<Lanes>::ALU,
        VfFn::Abs => Abs::<Lanes>::ALU,
        VfFn::Sqrt => Sqrt::<Lanes>::ALU,
        VfFn::Rsqrt => Rsqrt::<Lanes>::ALU,
        VfFn::Rcp => Rcp::<Lanes>::ALU,
        VfFn::Ex2 => Ex2::<Lanes>::ALU,
        VfFn::Lg2 => Lg2::<Lanes>::ALU,
        VfFn::Sin => Sin::<Lanes>::ALU,
        VfFn::Cos => Cos::<Lanes>::ALU,
        VfFn::Tanh => Tanh::<Lanes>::ALU,
        VfFn::QuantizeF64 => QuantizeF64::<Lanes>::ALU,
        VfFn::QuantizeS64 => QuantizeS64::<Lanes>::ALU,
        VfFn::QuantizeU64 => QuantizeU64::<Lanes>::ALU,
        VfFn::Saturate => Saturate::<Lanes>::ALU,
        // In `hot`.
        VfFn::Add
        | VfFn::Sub
        | VfFn::Mul
        | VfFn::Fma
        | VfFn::Fmam
        | VfFn::Addm
        | VfFn::Max
        | VfFn::Min
        | VfFn::Truncate
        | VfFn::QuantizeF32 => Add::<Lanes>::ALU,
    }
}

struct Choose(VfFn);

impl LaneVisitor for Choose {
    type Output = Option<Chosen>;
    fn visit<L: LaneOps + 'static>(self, ops: L) -> Self::Output {
        Some(keep(hot::<L>(self.0)?, ops))
    }
}

fn keep<L: LaneOps + 'static>(alu: &'static Alu, ops: L) -> Chosen {
    let kept = Box::new(Kept(ops));
    let address = std::ptr::from_ref(&kept.0) as i64;
    Chosen {
        alu,
        ops: kept,
        address,
    }
}

/// Lane operations are plain constants: any thread may read them.
struct Kept<L>(L);
// SAFETY: a `LaneOps` is a `Copy` bundle of numbers with no interior mutability; it is only ever read.
unsafe impl<L> Send for Kept<L> {}
// SAFETY: as above.
unsafe impl<L> Sync for Kept<L> {}

/// Chooses the code of `f` for a format and its modes.
pub fn choose(f: VfFn, lanes: &Lanes) -> Chosen {
    lanes
        .specialise(Choose(f))
        .unwrap_or_else(|| keep(rare(f), *lanes))
}
