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
    Op1, ONE, Sqrt: (a: A = f32) |o| o.sqrt(a);
    Op1, ONE, Rsqrt: (a: A = f32) |o| o.rsqrt(a);
    Op1, ONE, Rcp: (a: A = f32) |o| o.rcp(a);
    Op1, ONE, Ex2: (a: A = f32) |o| o.ex2(a);
    Op1, ONE, Lg2: (a: A = f32) |o| o.lg2(a);
    Op1, ONE, Sin: (a: A = f32) |o| o.sin(a);
    Op1, ONE, Cos: (a: A = f32) |o| o.cos(a);
    Op1, ONE, Tanh: (a: A = f32) |o| o.tanh(a);
    Op1, ONE, Truncate: (a: A = f32) |o| o.truncate(a);
    Op1, ONE, QuantizeF32: (a: A = f32) |o| o.quantize(a);
    Op1, ONE, QuantizeF64: (a: A = f64) |o| o.round_f64(a);
    Op1, ONE, QuantizeS64: (a: A = i64) |o| o.round_i64(a);
    Op1, ONE, QuantizeU64: (a: A = u64) |o| o.round_u64(a);
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

struct Choose(VfFn);

impl LaneVisitor for Choose {
    type Output = (&'static Alu, Box<dyn Any + Send + Sync>, i64);
    fn visit<L: LaneOps + 'static>(self, ops: L) -> Self::Output {
        let alu = match self.0 {
            VfFn::Add => Add::<L>::ALU,
            VfFn::Sub => Sub::<L>::ALU,
            VfFn::Mul => Mul::<L>::ALU,
            VfFn::Div => Div::<L>::ALU,
            VfFn::Fma => Fma::<L>::ALU,
            VfFn::Fmam => Fmam::<L>::ALU,
            VfFn::Addm => Addm::<L>::ALU,
            VfFn::Max => Max::<L>::ALU,
            VfFn::Min => Min::<L>::ALU,
            VfFn::Neg => Neg::<L>::ALU,
            VfFn::Abs => Abs::<L>::ALU,
            VfFn::Sqrt => Sqrt::<L>::ALU,
            VfFn::Rsqrt => Rsqrt::<L>::ALU,
            VfFn::Rcp => Rcp::<L>::ALU,
            VfFn::Ex2 => Ex2::<L>::ALU,
            VfFn::Lg2 => Lg2::<L>::ALU,
            VfFn::Sin => Sin::<L>::ALU,
            VfFn::Cos => Cos::<L>::ALU,
            VfFn::Tanh => Tanh::<L>::ALU,
            VfFn::Truncate => Truncate::<L>::ALU,
            VfFn::QuantizeF32 => QuantizeF32::<L>::ALU,
            VfFn::QuantizeF64 => QuantizeF64::<L>::ALU,
            VfFn::QuantizeS64 => QuantizeS64::<L>::ALU,
            VfFn::QuantizeU64 => QuantizeU64::<L>::ALU,
            VfFn::Saturate => Saturate::<L>::ALU,
        };
        let kept = Box::new(Kept(ops));
        let address = std::ptr::from_ref(&kept.0) as i64;
        (alu, kept, address)
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
    let (alu, ops, address) = lanes.specialise(Choose(f));
    Chosen { alu, ops, address }
}
