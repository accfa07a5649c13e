//! The operations over slices, compiled for the baseline, AVX2 and AVX-512 and picked at run time.
//!
//! Results are the same bits whichever is picked.

use crate::isa::{self, Loop};
use crate::lanes::{LaneOps, LaneVisitor, Lanes};

/// One public function over slices for one lane operation.
macro_rules! slice_operation {
    ($(#[$doc:meta])* $name:ident($($arg:ident),+)) => {
        $(#[$doc])*
        ///
        /// # Panics
        /// If the slices differ in length.
        pub fn $name(lanes: &Lanes, dst: &mut [f32], $($arg: &[f32]),+) {
            struct Run<'a> {
                dst: &'a mut [f32],
                $($arg: &'a [f32]),+
            }

            struct With<'a, L>(L, Run<'a>);

            impl<L: LaneOps> Loop for With<'_, L> {
                #[inline(always)]
                fn run(self) {
                    let With(ops, run) = self;
                    let n = run.dst.len();
                    $(let $arg = &run.$arg[..n];)+
                    for i in 0..n {
                        run.dst[i] = ops.$name($($arg[i]),+);
                    }
                }
            }

            impl LaneVisitor for Run<'_> {
                type Output = ();
                fn visit<L: LaneOps + 'static>(self, ops: L) {
                    isa::run(With(ops, self));
                }
            }

            $(assert_eq!(dst.len(), $arg.len(), "slices of different lengths");)+
            lanes.specialise(Run { dst, $($arg),+ });
        }
    };
}

slice_operation!(
    /// T(a) of each element.
    truncate(a)
);
slice_operation!(
    /// R(a) of each element.
    quantize(a)
);
slice_operation!(
    /// R(T(a) + T(b)).
    add(a, b)
);
slice_operation!(
    /// R(T(a) - T(b)).
    sub(a, b)
);
slice_operation!(
    /// R(T(a) * T(b)).
    mul(a, b)
);
slice_operation!(
    /// R(T(a) / T(b)).
    div(a, b)
);
slice_operation!(
    /// R(R(T(a) * T(b)) + T(c)).
    fma(a, b, c)
);
slice_operation!(
    /// R32(R(T(a) * T(b)) + c).
    fmam(a, b, c)
);
slice_operation!(
    /// R32(a + T(b)).
    addm(a, b)
);
slice_operation!(
    /// The larger of T(a) and T(b).
    max(a, b)
);
slice_operation!(
    /// The smaller of T(a) and T(b).
    min(a, b)
);
slice_operation!(
    /// -T(a).
    neg(a)
);
slice_operation!(
    /// |T(a)|.
    abs(a)
);
slice_operation!(
    /// R(sqrt(T(a))).
    sqrt(a)
);
slice_operation!(
    /// R(1 / T(a)).
    rcp(a)
);
slice_operation!(
    /// R(1 / sqrt(T(a))).
    rsqrt(a)
);
slice_operation!(
    /// R(2^T(a)).
    ex2(a)
);
slice_operation!(
    /// R(log2(T(a))).
    lg2(a)
);
slice_operation!(
    /// R(sin(T(a))).
    sin(a)
);
slice_operation!(
    /// R(cos(T(a))).
    cos(a)
);
slice_operation!(
    /// R(tanh(T(a))).
    tanh(a)
);
