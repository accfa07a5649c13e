//! The arithmetic of `.vf32` as instructions: `vfloat`'s lane operations, compiled for the format class that a
//! launch asks for. The chosen operations (with their constants) are kept beside the program and found through
//! [`Inst::imm`].

use crate::lanes::{Alu, Coded, ISAS, Lane, Op1, Op2, Op3, Shape, Src, Table, V, per_isa, put, result};
use crate::machine::LANES;
use crate::warp::{Draws, Flow, Inst, OpFn, Warp};
use ir::{Class, VfFn};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use vfloat::stochastic::Stream;
use vfloat::{LaneOps, LaneVisitor, Lanes};

macro_rules! vf_ops {
    ($($trait:ident, $table:ident, $random:ident, $name:ident: ($($x:ident: $slot:ident = $t:ty),*) |$ops:ident| $e:expr;)*) => { $(
        #[doc = stringify!($name)]
        pub struct $name<L>(PhantomData<L>);
        impl<L: LaneOps + 'static> $trait for $name<L> {
            $(type $slot = $t;)*
            type R = f32;
            type Context = L;
            #[inline(always)]
            unsafe fn context(_: &Warp, i: &Inst) -> L {
                // SAFETY: the emitter put the address of an `L` there that the program keeps.
                unsafe { *(i.imm as *const L) }
            }
            #[inline(always)]
            fn f($ops: &L, $($x: $t),*) -> f32 { $e }
        }
        impl<L: LaneOps + 'static> Coded for $name<L> {
            const ALU: &'static Alu = &Alu {
                dst: Class::W32,
                src: &[$(<$t as Lane>::CLASS),*],
                code: Table::<$name<L>>::$table,
            };
        }
        impl<L: LaneOps + 'static> Drawing for $name<L> {
            const RANDOM: &'static Alu = &Alu {
                code: Table::<$name<L>>::$random,
                ..*$name::<L>::ALU
            };
        }
    )* };
}

vf_ops! {
    Op2, TWO, TWO_RANDOM, Add: (a: A = f32, b: B = f32) |o| o.add(a, b);
    Op2, TWO, TWO_RANDOM, Sub: (a: A = f32, b: B = f32) |o| o.sub(a, b);
    Op2, TWO, TWO_RANDOM, Mul: (a: A = f32, b: B = f32) |o| o.mul(a, b);
    Op2, TWO, TWO_RANDOM, Div: (a: A = f32, b: B = f32) |o| o.div(a, b);
    Op3, THREE, THREE_RANDOM, Fma: (a: A = f32, b: B = f32, c: C = f32) |o| o.fma(a, b, c);
    Op3, THREE, THREE_RANDOM, Fmam: (a: A = f32, b: B = f32, c: C = f32) |o| o.fmam(a, b, c);
    Op2, TWO, TWO_RANDOM, Addm: (a: A = f32, b: B = f32) |o| o.addm(a, b);
    Op2, TWO, TWO_RANDOM, Max: (a: A = f32, b: B = f32) |o| o.max(a, b);
    Op2, TWO, TWO_RANDOM, Min: (a: A = f32, b: B = f32) |o| o.min(a, b);
    Op1, ONE, ONE_RANDOM, Neg: (a: A = f32) |o| o.neg(a);
    Op1, ONE, ONE_RANDOM, Abs: (a: A = f32) |o| o.abs(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Sqrt: (a: A = f32) |o| o.sqrt(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Rsqrt: (a: A = f32) |o| o.rsqrt(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Rcp: (a: A = f32) |o| o.rcp(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Ex2: (a: A = f32) |o| o.ex2(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Lg2: (a: A = f32) |o| o.lg2(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Sin: (a: A = f32) |o| o.sin(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Cos: (a: A = f32) |o| o.cos(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, Tanh: (a: A = f32) |o| o.tanh(a);
    Op1, ONE, ONE_RANDOM, Truncate: (a: A = f32) |o| o.truncate(a);
    Op1, ONE, ONE_RANDOM, QuantizeF32: (a: A = f32) |o| o.quantize(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, QuantizeF64: (a: A = f64) |o| o.round_f64(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, QuantizeS64: (a: A = i64) |o| o.round_i64(a);
    Op1, ONE_SLOW, ONE_RANDOM_SLOW, QuantizeU64: (a: A = u64) |o| o.round_u64(a);
    Op1, ONE, ONE_RANDOM, Saturate: (a: A = f32) |o| o.saturate(a);
}

/// A function that takes a draw of random bits in each lane when its rounding is stochastic.
trait Drawing {
    /// The code. Operands are vectors: what is drawn differs from lane to lane.
    const RANDOM: &'static Alu;
}

/// [`Op1`] on lane operations.
pub trait Vf1: Op1<Context: LaneOps> {}
impl<O: Op1<Context: LaneOps>> Vf1 for O {}
/// [`Op2`] on lane operations.
pub trait Vf2: Op2<Context: LaneOps> {}
impl<O: Op2<Context: LaneOps>> Vf2 for O {}
/// [`Op3`] on lane operations.
pub trait Vf3: Op3<Context: LaneOps> {}
impl<O: Op3<Context: LaneOps>> Vf3 for O {}

impl<O: Vf1> Table<O> {
    const ONE_RANDOM: &'static [(Shape, [OpFn; ISAS])] = &[(0, per_isa!(<O: Vf1> random1::<O>))];
    const ONE_RANDOM_SLOW: &'static [(Shape, [OpFn; ISAS])] = &[(0, [random1_slow::<O>; ISAS])];
}
impl<O: Vf2> Table<O> {
    const TWO_RANDOM: &'static [(Shape, [OpFn; ISAS])] = &[(0, per_isa!(<O: Vf2> random2::<O>))];
}
impl<O: Vf3> Table<O> {
    const THREE_RANDOM: &'static [(Shape, [OpFn; ISAS])] = &[(0, per_isa!(<O: Vf3> random3::<O>))];
}

/// Random bits for every lane; the active ones move on in their streams.
#[inline(always)]
fn draw(w: &mut Warp) -> [u64; LANES] {
    let mut bits = [0; LANES];
    let Draws { streams, done } = &mut w.draws;
    for (l, bits) in bits.iter_mut().enumerate() {
        *bits = Stream::from_bits(streams[l]).draw(done[l]);
        done[l] = done[l].wrapping_add(w.mask >> l & 1);
    }
    bits
}

#[inline(always)]
unsafe fn random1<O: Vf1>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `lanes::run1`: the emitter chose this function for operands that are vectors.
    unsafe {
        let (ops, random) = (O::context(w, i), draw(w));
        let a = <V as Src<O::A>>::fetch(w, i.a);
        let mut r = result::<O::R>();
        for (l, r) in r.iter_mut().enumerate() {
            r.write(O::f(&ops.with_random(random[l]), a[l]));
        }
        put(w, i, &r);
    }
    Flow::Next
}

unsafe fn random1_slow<O: Vf1>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe { random1::<O>(w, i) }
}

#[inline(always)]
unsafe fn random2<O: Vf2>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `random1`.
    unsafe {
        let (ops, random) = (O::context(w, i), draw(w));
        let a = <V as Src<O::A>>::fetch(w, i.a);
        let b = <V as Src<O::B>>::fetch(w, i.b);
        let mut r = result::<O::R>();
        for (l, r) in r.iter_mut().enumerate() {
            r.write(O::f(&ops.with_random(random[l]), a[l], b[l]));
        }
        put(w, i, &r);
    }
    Flow::Next
}

#[inline(always)]
unsafe fn random3<O: Vf3>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `random1`.
    unsafe {
        let (ops, random) = (O::context(w, i), draw(w));
        let a = <V as Src<O::A>>::fetch(w, i.a);
        let b = <V as Src<O::B>>::fetch(w, i.b);
        let c = <V as Src<O::C>>::fetch(w, i.c);
        let mut r = result::<O::R>();
        for (l, r) in r.iter_mut().enumerate() {
            r.write(O::f(&ops.with_random(random[l]), a[l], b[l], c[l]));
        }
        put(w, i, &r);
    }
    Flow::Next
}

/// Operations chosen for a launch: the code for one function, and the object that the code reads.
pub struct Chosen {
    /// Code.
    pub alu: &'static Alu,
    /// The operations; their address goes into [`Inst::imm`], so they must live as long as the program.
    pub ops: Arc<dyn Any + Send + Sync>,
    /// The address.
    pub address: i64,
}

/// A table of functions: the code of each, with random bits or without.
macro_rules! code {
    ($f:expr, $random:expr, $l:ty, [$($name:ident),*], $other:pat => $otherwise:expr) => {
        match ($f, $random) {
            $((VfFn::$name, false) => Some($name::<$l>::ALU),
            (VfFn::$name, true) => Some($name::<$l>::RANDOM),)*
            ($other, _) => $otherwise,
        }
    };
}

/// The functions that inner loops are made of: compiled for each class of formats.
fn hot<L: LaneOps + 'static>(f: VfFn, random: bool) -> Option<&'static Alu> {
    code!(f, random, L, [Add, Sub, Mul, Fma, Fmam, Addm, Max, Min, Truncate, QuantizeF32], _ => None)
}

/// The others: compiled once, for any format and modes.
fn rare(f: VfFn, random: bool) -> Option<&'static Alu> {
    code!(f, random, Lanes, [Div, Neg, Abs, Sqrt, Rsqrt, Rcp, Ex2, Lg2, Sin, Cos, Tanh, QuantizeF64, QuantizeS64,
          QuantizeU64, Saturate], _ => hot::<Lanes>(f, random))
}

/// A function, and whether it takes random bits.
struct Choose(VfFn, bool);

impl LaneVisitor for Choose {
    type Output = Option<Chosen>;
    fn visit<L: LaneOps + 'static>(self, ops: L) -> Self::Output {
        Some(keep(hot::<L>(self.0, self.1)?, ops))
    }
}

fn keep<L: LaneOps + 'static>(alu: &'static Alu, ops: L) -> Chosen {
    let ops = Arc::new(ops);
    let address = Arc::as_ptr(&ops) as i64;
    Chosen { alu, ops, address }
}

/// Chooses the code of `f` for a format and its modes.
pub fn choose(f: VfFn, lanes: &Lanes) -> Chosen {
    let random = lanes.result().is_stochastic() && f.rounds();
    let chosen = lanes.specialise(Choose(f, random));
    // Every function is in one of the two tables.
    chosen.unwrap_or_else(|| keep(rare(f, random).unwrap_or(Saturate::<Lanes>::ALU), *lanes))
}
