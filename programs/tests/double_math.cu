// Double precision: basic arithmetic is exact to the last bit, functions within a tolerance.
#include "check.h"

__global__ void basic(const double *a, const double *b, double *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[i] = __dadd_rn(a[i], b[i]);
    out[n + i] = a[i] / b[i];
    out[2 * n + i] = fma(a[i], b[i], 0.1);
    out[3 * n + i] = sqrt(fabs(a[i]));
    out[4 * n + i] = double(float(a[i]));
    out[5 * n + i] = double((long long)(a[i] * 1e12));
    out[6 * n + i] = floor(a[i] * 100.0) + rint(b[i] * 10.0) + fmin(a[i], b[i]);
}

__global__ void functions(const double *a, double *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[i] = exp(a[i]);
    out[n + i] = log(fabs(a[i]) + 0.5);
    out[2 * n + i] = sin(a[i] * 10.0);
    out[3 * n + i] = pow(fabs(a[i]) + 0.1, 2.5);
    out[4 * n + i] = tanh(a[i]);
}

int main() {
    const int n = 1000;
    std::vector<double> a(n), b(n), want(7 * n), near(5 * n);
    for (int i = 0; i < n; i++) {
        a[i] = noise() + noise() * 1e-6;
        b[i] = noise() + 1.5;
        volatile double hundred = a[i] * 100.0, ten = b[i] * 10.0, big = a[i] * 1e12;
        want[i] = a[i] + b[i];
        want[n + i] = a[i] / b[i];
        want[2 * n + i] = std::fma(a[i], b[i], 0.1);
        want[3 * n + i] = std::sqrt(std::fabs(a[i]));
        want[4 * n + i] = double(float(a[i]));
        want[5 * n + i] = double((long long)big);
        want[6 * n + i] = std::floor(hundred) + std::rint(ten) + std::fmin(a[i], b[i]);
        near[i] = std::exp(a[i]);
        near[n + i] = std::log(std::fabs(a[i]) + 0.5);
        near[2 * n + i] = std::sin(a[i] * 10.0);
        near[3 * n + i] = std::pow(std::fabs(a[i]) + 0.1, 2.5);
        near[4 * n + i] = std::tanh(a[i]);
    }
    double *da = to_device(a), *db = to_device(b), *dout = to_device(std::vector<double>(7 * n));
    basic<<<(n + 127) / 128, 128>>>(da, db, dout, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 7 * n), want, "basic");
    functions<<<(n + 127) / 128, 128>>>(da, dout, n);
    CHECK_LAUNCH();
    expect_near(to_host(dout, 5 * n), near, 1e-14, 1e-15, "functions");
    return verdict();
}
