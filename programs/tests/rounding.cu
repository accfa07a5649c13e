// Rounding modes of add, multiply, fma, divide and square root as intrinsics, against exact double arithmetic.
#include "check.h"
#include <cfenv>

__global__ void rounding(const float *a, const float *b, float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = a[i], y = b[i];
    float results[16] = {__fadd_rn(x, y), __fadd_rz(x, y), __fadd_ru(x, y), __fadd_rd(x, y),
                         __fmul_rn(x, y), __fmul_rz(x, y), __fmul_ru(x, y), __fmul_rd(x, y),
                         __fdiv_rn(x, y), __fdiv_rz(x, y), __fdiv_ru(x, y), __fdiv_rd(x, y),
                         __fsqrt_rn(fabsf(x)), __fsqrt_rz(fabsf(x)), __fsqrt_ru(fabsf(x)), __fsqrt_rd(fabsf(x))};
    for (int k = 0; k < 16; k++) out[k * n + i] = results[k];
}

int main() {
    const int n = 400;
    std::vector<float> a(n), b(n), want(16 * n);
    const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD};
    for (int i = 0; i < n; i++) {
        a[i] = std::ldexp(noise(), int(noise_bits() % 20) - 10) + 1e-7f;
        b[i] = std::ldexp(noise(), int(noise_bits() % 20) - 10) + 1e-7f;
        for (int mode = 0; mode < 4; mode++) {
            std::fesetround(modes[mode]);
            volatile float x = a[i], y = b[i], sum = x + y, product = x * y, quotient = x / y;
            volatile float magnitude = std::fabs(a[i]);
            volatile float root = sqrtf(magnitude);
            want[mode * n + i] = sum;
            want[(4 + mode) * n + i] = product;
            want[(8 + mode) * n + i] = quotient;
            want[(12 + mode) * n + i] = root;
            std::fesetround(FE_TONEAREST);
        }
    }
    float *da = to_device(a), *db = to_device(b), *dout = to_device(std::vector<float>(16 * n));
    rounding<<<(n + 127) / 128, 128>>>(da, db, dout, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 16 * n), want, "rounding modes");
    return verdict();
}
