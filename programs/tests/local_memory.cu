// Arrays indexed at run time live in local memory: an insertion sort per thread; a struct passed by value; and a
// pointer that is generic, to shared, global and local memory by turns.
#include "check.h"

struct Parameters {
    int *out;
    char tag;
    double scale;
    short offsets[5];
    float3 direction;
};

__device__ __noinline__ int sum_of(const int *values, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) sum += values[i];
    return sum;
}

__global__ void sort_each(const int *in, int *out) {
    int values[16], t = blockIdx.x * blockDim.x + threadIdx.x;
    for (int i = 0; i < 16; i++) values[i] = in[t * 16 + i];
    for (int i = 1; i < 16; i++) {
        int value = values[i], j = i;
        for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
        values[j] = value;
    }
    for (int i = 0; i < 16; i++) out[t * 16 + i] = values[i];
}

__global__ void structure(Parameters p) {
    int i = threadIdx.x;
    p.out[i] = int(p.scale * p.offsets[i % 5]) + p.tag + int(p.direction.x + 10 * p.direction.y + 100 * p.direction.z);
}

__global__ void generic_pointers(const int *in, int *out) {
    __shared__ int shared[64];
    int local[64], t = threadIdx.x;
    shared[t] = in[t] * 3;
    for (int i = 0; i < 64; i++) local[(i * 5 + t) % 64] = i;
    __syncthreads();
    const int *choices[3] = {in, shared, local};
    out[t] = sum_of(choices[t % 3], 20 + t % 7);
}

int main() {
    const int threads = 64;
    std::vector<int> in(threads * 16), want;
    for (int &v : in) v = int(noise_bits() % 1000);
    want = in;
    for (int t = 0; t < threads; t++)
        for (int i = 1; i < 16; i++)
            for (int j = t * 16 + i; j > t * 16 && want[j - 1] > want[j]; j--) std::swap(want[j - 1], want[j]);
    int *din = to_device(in), *dout = to_device(std::vector<int>(threads * 16));
    sort_each<<<2, 32>>>(din, dout);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, threads * 16), want, "sorted");

    Parameters p = {dout, 'A', 2.5, {1, -2, 3, -4, 5}, {1.0f, 2.0f, 3.0f}};
    structure<<<1, 40>>>(p);
    CHECK_LAUNCH();
    std::vector<int> values(40);
    for (int i = 0; i < 40; i++) values[i] = int(2.5 * p.offsets[i % 5]) + 'A' + 321;
    expect_equal(to_host(dout, 40), values, "structure");

    generic_pointers<<<1, 64>>>(din, dout);
    CHECK_LAUNCH();
    values.assign(64, 0);
    for (int t = 0; t < 64; t++) {
        int local[64];
        for (int i = 0; i < 64; i++) local[(i * 5 + t) % 64] = i;
        for (int i = 0; i < 20 + t % 7; i++) values[t] += t % 3 == 0 ? in[i] : t % 3 == 1 ? in[i] * 3 : local[i];
    }
    expect_equal(to_host(dout, 64), values, "generic pointers");
    return verdict();
}
