// Atomics: add (int, unsigned 64, float, double), sub, min, max, and, or, xor, exchange, CAS loop, inc, dec.
// Floating-point sums are of small integers, so that their order does not matter.
#include "check.h"

__device__ void atomic_max_float(float *address, float value) {
    int *bits = (int *)address, old = *bits;
    while (__int_as_float(old) < value) {
        int seen = atomicCAS(bits, old, __float_as_int(value));
        if (seen == old) break;
        old = seen;
    }
}

__global__ void atomics(const int *in, int n, int *ints, float *floats, double *doubles, unsigned long long *longs) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int v = in[i];
    atomicAdd(&ints[0], v);
    atomicSub(&ints[1], v);
    atomicMin(&ints[2], v);
    atomicMax(&ints[3], v);
    atomicAnd(&ints[4], v | 0xff0000);
    atomicOr(&ints[5], v & 0xffff);
    atomicXor(&ints[6], v);
    atomicInc((unsigned *)&ints[7], 99u);
    atomicDec((unsigned *)&ints[8], 99u);
    if (atomicExch(&ints[9], 1) == 0) atomicAdd(&ints[10], 1);
    atomicAdd(&floats[0], float(v % 16));
    atomic_max_float(&floats[1], float(v) * 0.5f);
    float before = atomicAdd(&floats[2], 1.0f);
    if (before == 10.0f) floats[3] = 7.0f;
    atomicAdd(&doubles[0], double(v) * 0.25);
    atomicAdd(&longs[0], 0x100000001ull);
    atomicMax(&longs[1], (unsigned long long)(unsigned)v << 20);
}

__global__ void ticket_order(int *counter, int *slots) { slots[atomicAdd(counter, 1)] = 1; }

int main() {
    const int n = 1500;
    std::vector<int> in(n);
    for (int &v : in) v = int(noise_bits() % 20000) - 10000;
    std::vector<int> want = {0, 0, 1 << 30, -(1 << 30), -1, 0, 0, n % 100, (100 - n % 100) % 100, 1, 1};
    std::vector<float> floats = {0, -1e9f, float(n), 7.0f};
    double sum = 0.0;
    unsigned long long greatest = 0;
    for (int v : in) {
        want[0] += v;
        want[1] -= v;
        want[2] = v < want[2] ? v : want[2];
        want[3] = v > want[3] ? v : want[3];
        want[4] &= v | 0xff0000;
        want[5] |= v & 0xffff;
        want[6] ^= v;
        floats[0] += float(v % 16);
        floats[1] = v * 0.5f > floats[1] ? v * 0.5f : floats[1];
        sum += v * 0.25;
        unsigned long long shifted = (unsigned long long)(unsigned)v << 20;
        greatest = shifted > greatest ? shifted : greatest;
    }
    int *din = to_device(in), *dints = to_device(std::vector<int>{0, 0, 1 << 30, -(1 << 30), -1, 0, 0, 0, 0, 0, 0});
    float *dfloats = to_device(std::vector<float>{0, -1e9f, 0, 0});
    double *ddoubles = to_device(std::vector<double>{0});
    unsigned long long *dlongs = to_device(std::vector<unsigned long long>{0, 0});
    atomics<<<(n + 127) / 128, 128>>>(din, n, dints, dfloats, ddoubles, dlongs);
    CHECK_LAUNCH();
    expect_equal(to_host(dints, 11), want, "int");
    expect_equal(to_host(dfloats, 4), floats, "float");
    expect_equal(to_host(ddoubles, 1), std::vector<double>{sum}, "double");
    expect_equal(to_host(dlongs, 2), std::vector<unsigned long long>{0x100000001ull * n, greatest}, "64-bit");
    int *counter = to_device(std::vector<int>{0}), *slots = to_device(std::vector<int>(640));
    ticket_order<<<5, 128>>>(counter, slots);
    CHECK_LAUNCH();
    expect_equal(to_host(slots, 640), std::vector<int>(640, 1), "tickets");
    return verdict();
}
