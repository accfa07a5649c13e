// Single-precision functions, precise and fast; division, square root and conversions in all rounding modes exactly.
#include "check.h"

enum { NEAR = 12, FAST = 6, EXACT = 12 };

__global__ void near_functions(const float *in, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = in[i], p = fabsf(x) + 0.01f;
    float results[NEAR] = {expf(x), logf(p),   sinf(x),   cosf(x),  tanhf(x), powf(p, 1.7f),
                           rsqrtf(p), exp2f(x), log2f(p), atanf(x), erff(x),  cbrtf(x)};
    for (int k = 0; k < NEAR; k++) out[k * n + i] = results[k];
}

__global__ void fast_functions(const float *in, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = in[i] * 0.5f, p = fabsf(in[i]) + 0.5f;
    float results[FAST] = {__expf(x), __logf(p + 1.0f), __sinf(x), __cosf(x), __fdividef(x, p), __powf(p, 1.5f)};
    for (int k = 0; k < FAST; k++) out[k * n + i] = results[k];
}

__global__ void exact_functions(const float *in, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = in[i], p = fabsf(x) + 0.01f;
    float results[EXACT] = {x / p,         1.0f / p,     sqrtf(p),       fmaf(x, p, 1.0f), fminf(x, 0.3f), fmaxf(x, -0.3f),
                            floorf(x * 9), ceilf(x * 9), truncf(x * 9),  rintf(x * 9),     fabsf(x),       copysignf(p, x)};
    for (int k = 0; k < EXACT; k++) out[k * n + i] = results[k];
}

__global__ void special_values(float *out) {
    volatile float zero = 0.0f;
    float infinity = 1.0f / zero, nan = zero / zero;
    float results[12] = {infinity, -infinity, nan, sqrtf(-1.0f + zero), fminf(nan, 2.0f), fmaxf(1.0f, nan),
                         infinity - infinity, __int_as_float(1) * (0.5f + zero), 3e38f * (10.0f + zero), float(int(nan)),
                         float(int(1e20f + zero)), float((unsigned)(-5.0f + zero))};
    for (int k = 0; k < 12; k++) out[k] = results[k];
}

int main() {
    const int n = 600;
    std::vector<float> in(n), near(NEAR * n), fast(FAST * n), exact(EXACT * n);
    for (int i = 0; i < n; i++) {
        in[i] = noise() * 6.0f;
        double x = in[i], p = std::fabs(in[i]) + 0.01f;
        double results[NEAR] = {std::exp(x), std::log(p),  std::sin(x),  std::cos(x),  std::tanh(x), std::pow(p, double(1.7f)),
                                1 / std::sqrt(p), std::exp2(x), std::log2(p), std::atan(x), std::erf(x),  std::cbrt(x)};
        for (int k = 0; k < NEAR; k++) near[k * n + i] = float(results[k]);
        double h = in[i] * 0.5f, q = std::fabs(in[i]) + 0.5f;
        double quick[FAST] = {std::exp(h), std::log(q + 1.0), std::sin(h), std::cos(h), h / q, std::pow(q, 1.5)};
        for (int k = 0; k < FAST; k++) fast[k * n + i] = float(quick[k]);
        float y = in[i], r = std::fabs(y) + 0.01f, nine = y * 9;
        float precise[EXACT] = {y / r, 1.0f / r, std::sqrt(r), std::fma(y, r, 1.0f), std::fmin(y, 0.3f), std::fmax(y, -0.3f),
                                std::floor(nine), std::ceil(nine), std::trunc(nine), std::rint(nine), std::fabs(y),
                                std::copysign(r, y)};
        for (int k = 0; k < EXACT; k++) exact[k * n + i] = precise[k];
    }
    float *din = to_device(in), *dout = to_device(std::vector<float>(EXACT * n));
    near_functions<<<(n + 127) / 128, 128>>>(din, dout, n);
    CHECK_LAUNCH();
    expect_near(to_host(dout, NEAR * n), near, 1e-6, 2e-7, "precise functions");
    fast_functions<<<(n + 127) / 128, 128>>>(din, dout, n);
    CHECK_LAUNCH();
    expect_near(to_host(dout, FAST * n), fast, 4e-6, 2e-6, "fast functions");
    exact_functions<<<(n + 127) / 128, 128>>>(din, dout, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, EXACT * n), exact, "exact functions");
    special_values<<<1, 1>>>(dout);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 12),
                 {INFINITY, -INFINITY, NAN, NAN, 2.0f, 1.0f, NAN, 0.0f, INFINITY, 0.0f, 2147483647.0f, 0.0f}, "special values");
    return verdict();
}
