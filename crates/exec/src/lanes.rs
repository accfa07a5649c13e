//! How one scalar function becomes instructions on a warp: a loop over 32 lanes for each way its operands can
//! be stored, compiled for each instruction set extension. A loop body must stay free of calls and bounds
//! checks, else the compiler does not make SIMD code of it.

use crate::machine::{FULL, LANES};
use crate::warp::{DIRECT, Flow, Inst, OpFn, Warp};
use ir::Class;
use std::mem::MaybeUninit;

pub use vfloat::isa::Isa;

/// A type that fills a register's lane.
pub trait Lane: Copy + 'static {
    /// The register it needs.
    const CLASS: Class;
    /// From raw register bits.
    fn from_bits(bits: u64) -> Self;
    /// To raw register bits.
    fn bits(self) -> u64;
}

macro_rules! lane {
    ($($t:ty, $class:ident, |$b:ident| $from:expr, |$s:ident| $to:expr;)*) => { $(
        impl Lane for $t {
            const CLASS: Class = Class::$class;
            #[inline(always)]
            fn from_bits($b: u64) -> Self { $from }
            #[inline(always)]
            fn bits(self) -> u64 { let $s = self; $to }
        }
    )* };
}
lane! {
    u32, W32, |b| b as u32, |s| u64::from(s);
    i32, W32, |b| b as i32, |s| u64::from(s as u32);
    f32, W32, |b| f32::from_bits(b as u32), |s| u64::from(s.to_bits());
    u64, W64, |b| b, |s| s;
    i64, W64, |b| b as i64, |s| s as u64;
    f64, W64, |b| f64::from_bits(b), |s| s.to_bits();
}

/// Number of [`Isa`] levels.
pub const ISAS: usize = 3;

/// Compiles a generic `unsafe fn(&mut Warp, &Inst) -> Flow` for each [`Isa`]; use as `per_isa!(f::<A, B>)`. Its promise is that
/// of every [`OpFn`].
macro_rules! per_isa {
    (<$($g:ident: $bound:path),*> $f:expr) => {{
        unsafe fn base<$($g: $bound),*>(w: &mut $crate::warp::Warp, i: &$crate::warp::Inst) -> $crate::warp::Flow {
            // SAFETY: passed on to the caller.
            unsafe { $f(w, i) }
        }
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt"))]
        unsafe fn v3<$($g: $bound),*>(w: &mut $crate::warp::Warp, i: &$crate::warp::Inst) -> $crate::warp::Flow {
            // SAFETY: passed on to the caller.
            unsafe { $f(w, i) }
        }
        #[cfg_attr(
            target_arch = "x86_64",
            target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")
        )]
        unsafe fn v4<$($g: $bound),*>(w: &mut $crate::warp::Warp, i: &$crate::warp::Inst) -> $crate::warp::Flow {
            // SAFETY: passed on to the caller.
            unsafe { $f(w, i) }
        }
        [base::<$($g),*> as $crate::warp::OpFn, v3::<$($g),*> as $crate::warp::OpFn, v4::<$($g),*> as $crate::warp::OpFn]
    }};
}
pub(crate) use per_isa;

/// Where a source operand of a lane loop comes from.
pub trait Src<T: Lane>: 'static {
    /// What is held during the loop.
    type Held<'a>: Copy;
    /// Fetches it. `offset` is in the register file that the kind of operand lives in.
    ///
    /// # Safety
    /// `offset` must be a register of this kind in `w`'s program.
    unsafe fn fetch<'a>(w: &Warp, offset: u32) -> Self::Held<'a>;
    /// The value in one lane.
    fn lane(held: Self::Held<'_>, lane: usize) -> T;
}

/// A vector register.
pub struct V;
/// A uniform register or constant.
pub struct S;

impl<T: Lane> Src<T> for V {
    type Held<'a> = &'a [T; LANES];
    #[inline(always)]
    unsafe fn fetch<'a>(w: &Warp, offset: u32) -> Self::Held<'a> {
        // SAFETY: a vector register of this width lies at `offset`, aligned to 64 bytes.
        unsafe { &*(w.vectors.add(offset as usize) as *const [T; LANES]) }
    }
    #[inline(always)]
    fn lane(held: Self::Held<'_>, lane: usize) -> T {
        held[lane]
    }
}

impl<T: Lane> Src<T> for S {
    type Held<'a> = T;
    #[inline(always)]
    unsafe fn fetch<'a>(w: &Warp, offset: u32) -> Self::Held<'a> {
        // SAFETY: a uniform register lies at `offset`.
        T::from_bits(unsafe { *w.uniforms.add(offset as usize) })
    }
    #[inline(always)]
    fn lane(held: Self::Held<'_>, _: usize) -> T {
        held
    }
}

/// Where the lanes of a result are to be put: the register itself when that is allowed, else scratch. Fill it,
/// then call [`finish`]. (No closure: a closure too big to inline would lose the caller's target features.)
///
/// # Safety
/// `i.d` must be a vector register of `R`'s width; when it is returned itself, no source may lie there.
#[inline(always)]
pub unsafe fn begin<'a, R: Lane>(w: &mut Warp, i: &Inst) -> &'a mut [R; LANES] {
    // SAFETY: as the caller promises; scratch is as large and aligned as any register.
    unsafe {
        let place = if w.direct(i) {
            w.vectors.add(i.d as usize)
        } else {
            w.scratch.0.as_mut_ptr()
        };
        &mut *(place as *mut [R; LANES])
    }
}

/// Brings a result from scratch to its register, in the active lanes.
///
/// # Safety
/// As for [`begin`].
#[inline(always)]
pub unsafe fn finish<R: Lane>(w: &mut Warp, i: &Inst) {
    if !w.direct(i) {
        // SAFETY: as the caller promises.
        unsafe {
            let d = &mut *(w.vectors.add(i.d as usize) as *mut [R; LANES]);
            let t = &*(w.scratch.0.as_ptr() as *const [R; LANES]);
            blend::<R>(d, t, w.mask);
        }
    }
}

/// A result that is not yet in its register. Lane loops fill one of these, so that the compiler sees that what
/// they write is not what they read: else it would unroll short integer loops into scalar code.
pub type Result<R> = [MaybeUninit<R>; LANES];

/// A result to be filled.
#[inline(always)]
pub fn result<R: Lane>() -> Result<R> {
    [const { MaybeUninit::uninit() }; LANES]
}

/// Brings a result to its register, in the active lanes. Sources may lie there.
///
/// # Safety
/// `i.d` must be a vector register of `R`'s width; each lane of `r` must be filled.
#[inline(always)]
pub unsafe fn put<R: Lane>(w: &mut Warp, i: &Inst, r: &Result<R>) {
    // SAFETY: as the caller promises.
    unsafe {
        let d = &mut *(w.vectors.add(i.d as usize) as *mut [R; LANES]);
        let r = &*(std::ptr::from_ref(r) as *const [R; LANES]);
        if (w.mask == FULL) | (i.flags & DIRECT != 0) {
            *d = *r;
        } else {
            blend::<R>(d, r, w.mask);
        }
    }
}

/// Copies the lanes of `mask` from `t` to `d`. With masks of bits: of a choice between two elements the compiler
/// makes a choice between two addresses, one lane at a time.
#[inline(always)]
pub fn blend<R: Lane>(d: &mut [R; LANES], t: &[R; LANES], mask: u32) {
    for l in 0..LANES {
        let m = 0u64.wrapping_sub(u64::from(mask >> l & 1));
        d[l] = R::from_bits(t[l].bits() & m | d[l].bits() & !m);
    }
}

/// A function of one operand. `Context` is what it needs besides operands, fetched once per instruction.
pub trait Op1: 'static {
    /// First operand.
    type A: Lane;
    /// Result.
    type R: Lane;
    /// What it needs besides operands.
    type Context: Copy;
    /// Fetches the context.
    ///
    /// # Safety
    /// As for every [`OpFn`]; `i` carries out this function.
    unsafe fn context(w: &Warp, i: &Inst) -> Self::Context;
    /// The value in one lane.
    fn f(c: &Self::Context, a: Self::A) -> Self::R;
}

/// A function of two operands.
pub trait Op2: 'static {
    /// First operand.
    type A: Lane;
    /// Second operand.
    type B: Lane;
    /// Result.
    type R: Lane;
    /// What it needs besides operands.
    type Context: Copy;
    /// Fetches the context.
    ///
    /// # Safety
    /// As for every [`OpFn`]; `i` carries out this function.
    unsafe fn context(w: &Warp, i: &Inst) -> Self::Context;
    /// The value in one lane.
    fn f(c: &Self::Context, a: Self::A, b: Self::B) -> Self::R;
}

/// A function of three operands.
pub trait Op3: 'static {
    /// First operand.
    type A: Lane;
    /// Second operand.
    type B: Lane;
    /// Third operand.
    type C: Lane;
    /// Result.
    type R: Lane;
    /// What it needs besides operands.
    type Context: Copy;
    /// Fetches the context.
    ///
    /// # Safety
    /// As for every [`OpFn`]; `i` carries out this function.
    unsafe fn context(w: &Warp, i: &Inst) -> Self::Context;
    /// The value in one lane.
    fn f(c: &Self::Context, a: Self::A, b: Self::B, d: Self::C) -> Self::R;
}

/// A comparison: one bit per lane.
pub trait Test: 'static {
    /// First operand.
    type A: Lane;
    /// What it needs besides operands.
    type Context: Copy;
    /// Fetches the context.
    ///
    /// # Safety
    /// As for every [`OpFn`]; `i` carries out this function.
    unsafe fn context(w: &Warp, i: &Inst) -> Self::Context;
    /// The bit of one lane.
    fn f(c: &Self::Context, a: Self::A, b: Self::A) -> bool;
}

#[inline(always)]
unsafe fn run1<O: Op1, A: Src<O::A>>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter chose this function for the way its operands are stored.
    unsafe {
        let c = O::context(w, i);
        let a = A::fetch(w, i.a);
        let mut r = result::<O::R>();
        for (l, r) in r.iter_mut().enumerate() {
            r.write(O::f(&c, A::lane(a, l)));
        }
        put(w, i, &r);
    }
    Flow::Next
}

#[inline(always)]
unsafe fn run2<O: Op2, A: Src<O::A>, B: Src<O::B>>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `run1`.
    unsafe {
        let c = O::context(w, i);
        let a = A::fetch(w, i.a);
        let b = B::fetch(w, i.b);
        let mut r = result::<O::R>();
        for (l, r) in r.iter_mut().enumerate() {
            r.write(O::f(&c, A::lane(a, l), B::lane(b, l)));
        }
        put(w, i, &r);
    }
    Flow::Next
}

#[inline(always)]
unsafe fn run3<O: Op3, A: Src<O::A>, B: Src<O::B>, C: Src<O::C>>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `run1`.
    unsafe {
        let x = O::context(w, i);
        let a = A::fetch(w, i.a);
        let b = B::fetch(w, i.b);
        let c = C::fetch(w, i.c);
        let mut r = result::<O::R>();
        for (l, r) in r.iter_mut().enumerate() {
            r.write(O::f(&x, A::lane(a, l), B::lane(b, l), C::lane(c, l)));
        }
        put(w, i, &r);
    }
    Flow::Next
}

#[inline(always)]
unsafe fn run_test<O: Test, A: Src<O::A>, B: Src<O::A>>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `run1`; `i.d` is a predicate.
    unsafe {
        let c = O::context(w, i);
        let a = A::fetch(w, i.a);
        let b = B::fetch(w, i.b);
        let mut bits = [0u32; LANES];
        for (l, d) in bits.iter_mut().enumerate() {
            *d = (O::f(&c, A::lane(a, l), B::lane(b, l)) as u32) << l;
        }
        let m = bits.iter().fold(0, |m, b| m | b);
        let d = &mut *w.predicates.add(i.d as usize);
        *d = *d & !w.mask | m & w.mask;
    }
    Flow::Next
}

unsafe fn run1_slow<O: Op1>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: passed on.
    unsafe { run1::<O, V>(w, i) }
}

/// The scalar form: operands and destination are uniform.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub unsafe fn uniform1<O: Op1>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: the emitter chose this function for uniform operands and destination.
    unsafe {
        let u = w.uniforms;
        let a = O::A::from_bits(*u.add(i.a as usize));
        *u.add(i.d as usize) = O::f(&O::context(w, i), a).bits();
    }
    Flow::Next
}

/// The scalar form: operands and destination are uniform.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub unsafe fn uniform2<O: Op2>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `uniform1`.
    unsafe {
        let u = w.uniforms;
        let (a, b) = (
            O::A::from_bits(*u.add(i.a as usize)),
            O::B::from_bits(*u.add(i.b as usize)),
        );
        *u.add(i.d as usize) = O::f(&O::context(w, i), a, b).bits();
    }
    Flow::Next
}

/// The scalar form: operands and destination are uniform.
///
/// # Safety
/// As for every [`OpFn`].
#[inline(always)]
pub unsafe fn uniform3<O: Op3>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `uniform1`.
    unsafe {
        let u = w.uniforms;
        let (a, b) = (
            O::A::from_bits(*u.add(i.a as usize)),
            O::B::from_bits(*u.add(i.b as usize)),
        );
        let c = O::C::from_bits(*u.add(i.c as usize));
        *u.add(i.d as usize) = O::f(&O::context(w, i), a, b, c).bits();
    }
    Flow::Next
}

unsafe fn uniform_test<O: Test>(w: &mut Warp, i: &Inst) -> Flow {
    // SAFETY: as in `uniform1`; `i.d` is a predicate.
    unsafe {
        let u = w.uniforms;
        let (a, b) = (
            O::A::from_bits(*u.add(i.a as usize)),
            O::A::from_bits(*u.add(i.b as usize)),
        );
        // Uniform operands do not make the predicate uniform: other lanes may wait with another value.
        let m = if O::f(&O::context(w, i), a, b) { w.mask } else { 0 };
        let d = &mut *w.predicates.add(i.d as usize);
        *d = *d & !w.mask | m;
    }
    Flow::Next
}

/// A lane function with its code for every way its operands can be stored.
pub struct Alu {
    /// Class of the destination.
    pub dst: Class,
    /// Classes of the sources.
    pub src: &'static [Class],
    /// By [`shape`], then by [`Isa`].
    pub code: &'static [(Shape, [OpFn; ISAS])],
}

/// Which operands are uniform: bit n for source n; [`UNIFORM`] when the destination is uniform too.
pub type Shape = u8;
/// Destination and sources are uniform.
pub const UNIFORM: Shape = 0x80;

impl Alu {
    /// The code for a shape, if there is one.
    pub fn code(&self, shape: Shape, isa: Isa) -> Option<OpFn> {
        self.code
            .iter()
            .find(|(s, _)| *s == shape)
            .map(|(_, f)| f[isa as usize])
    }
}

/// Gives an operation its table.
pub trait Coded {
    /// The table.
    const ALU: &'static Alu;
}

/// Tables of [`Op1`], [`Op2`], [`Op3`] and [`Test`] implementations.
pub struct Table<O>(std::marker::PhantomData<O>);

impl<O: Op1> Table<O> {
    /// Code of a one-operand function too long to gain from SIMD, compiled once.
    pub const ONE_SLOW: &'static [(Shape, [OpFn; ISAS])] =
        &[(UNIFORM, [uniform1::<O>; ISAS]), (0, [run1_slow::<O>; ISAS])];
    /// Code of a one-operand function.
    pub const ONE: &'static [(Shape, [OpFn; ISAS])] = &[
        (UNIFORM, [uniform1::<O>; ISAS]),
        (0, per_isa!(<O: Op1> run1::<O, V>)),
        (1, per_isa!(<O: Op1> run1::<O, S>)),
    ];
}
impl<O: Op2> Table<O> {
    /// Code of a two-operand function.
    pub const TWO: &'static [(Shape, [OpFn; ISAS])] = &[
        (UNIFORM, [uniform2::<O>; ISAS]),
        (0, per_isa!(<O: Op2> run2::<O, V, V>)),
        (1, per_isa!(<O: Op2> run2::<O, S, V>)),
        (2, per_isa!(<O: Op2> run2::<O, V, S>)),
    ];
}
impl<O: Op3> Table<O> {
    /// Code of a three-operand function.
    pub const THREE: &'static [(Shape, [OpFn; ISAS])] = &[
        (UNIFORM, [uniform3::<O>; ISAS]),
        (0, per_isa!(<O: Op3> run3::<O, V, V, V>)),
        (1, per_isa!(<O: Op3> run3::<O, S, V, V>)),
        (2, per_isa!(<O: Op3> run3::<O, V, S, V>)),
        (4, per_isa!(<O: Op3> run3::<O, V, V, S>)),
        (6, per_isa!(<O: Op3> run3::<O, V, S, S>)),
    ];
}
impl<O: Test> Table<O> {
    /// Code of a comparison.
    pub const TEST: &'static [(Shape, [OpFn; ISAS])] = &[
        (UNIFORM, [uniform_test::<O>; ISAS]),
        (0, per_isa!(<O: Test> run_test::<O, V, V>)),
        (1, per_isa!(<O: Test> run_test::<O, S, V>)),
        (2, per_isa!(<O: Test> run_test::<O, V, S>)),
    ];
}
