// Functions that nvcc expands in place, and some that are one instruction.
#define KERNEL(name, value) \
    extern "C" __global__ void name(float* o, const float* a, const float* b) { \
        float x = a[threadIdx.x], y = b[threadIdx.x]; \
        o[threadIdx.x] = value + 0 * y; \
    }
KERNEL(exponential, expf(x))
KERNEL(decimal_exponential, exp10f(x))
KERNEL(logarithm, logf(x))
KERNEL(logarithm_1p, log1pf(x))
KERNEL(power, powf(x, y))
KERNEL(sine, sinf(x))
KERNEL(hyperbolic, tanhf(x))
KERNEL(sigmoid, 1 / (1 + expf(-x)))
KERNEL(softplus, logf(1 + expf(x)))
KERNEL(quotient, x / y)
KERNEL(root, sqrtf(x))
KERNEL(intrinsics, __expf(x) + __logf(x))
KERNEL(polynomial, ((0.1f * x + 0.2f) * x + 0.3f) * x + 1.1920929e-7f)
