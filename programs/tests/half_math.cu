// Half precision and bfloat16: conversions, arithmetic on single values and on pairs.
#include "check.h"
#include <cuda_bf16.h>
#include <cuda_fp16.h>

__global__ void half_kernel(const float *in, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __half a = __float2half_rn(in[i]), b = __float2half_rn(in[n + i]);
    out[i] = __half2float(a);
    out[n + i] = __half2float(__hadd(a, b));
    out[2 * n + i] = __half2float(__hmul(a, b));
    out[3 * n + i] = __half2float(__hfma(a, b, a));
    __half2 pair = __hsub2(__halves2half2(a, b), __halves2half2(b, b));
    out[4 * n + i] = __low2float(pair) + __high2float(pair);
    out[5 * n + i] = __hgt(a, b) ? 1.0f : 0.0f;
    __nv_bfloat16 c = __float2bfloat16_rn(in[i]);
    out[6 * n + i] = __bfloat162float(c);
    out[7 * n + i] = __bfloat162float(__float2bfloat16_rn(__bfloat162float(c) * 1.5f));
}

// Rounds to `bits` significant bits, ties to even; the values here stay in the normal range of both formats.
static float rounded(double x, int bits) {
    if (x == 0.0) return float(x);
    int exponent;
    double fraction = std::frexp(x, &exponent);
    return float(std::ldexp(std::nearbyint(std::ldexp(fraction, bits)), exponent - bits));
}

int main() {
    const int n = 500;
    std::vector<float> in(2 * n), want(8 * n);
    for (float &value : in) value = (noise() > 0.0f ? 1.0f : -1.0f) * (0.25f + std::fabs(noise()) + std::fabs(noise()));
    for (int i = 0; i < n; i++) {
        double a = rounded(in[i], 11), b = rounded(in[n + i], 11), c = rounded(in[i], 8);
        want[i] = float(a);
        want[n + i] = rounded(a + b, 11);
        want[2 * n + i] = rounded(a * b, 11);
        want[3 * n + i] = rounded(a * b + a, 11);
        want[4 * n + i] = rounded(a - b, 11);
        want[5 * n + i] = a > b ? 1.0f : 0.0f;
        want[6 * n + i] = float(c);
        want[7 * n + i] = rounded(c * 1.5, 8);
    }
    float *din = to_device(in), *dout = to_device(std::vector<float>(8 * n));
    half_kernel<<<(n + 63) / 64, 64>>>(din, dout, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 8 * n), want, "half");
    return verdict();
}
