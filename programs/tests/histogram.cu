// Histogram of bytes: atomics on shared memory, then on global memory.
#include "check.h"

__global__ void histogram(const unsigned char *in, unsigned *bins, int n) {
    __shared__ unsigned local[256];
    local[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&local[in[i]], 1u);
    __syncthreads();
    atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

int main() {
    const int n = 30000;
    std::vector<unsigned char> in(n);
    std::vector<unsigned> want(256, 0);
    for (unsigned char &value : in) {
        value = (unsigned char)(noise_bits() & noise_bits());
        want[value]++;
    }
    unsigned char *din = to_device(in);
    unsigned *bins = to_device(std::vector<unsigned>(256));
    histogram<<<6, 256>>>(din, bins, n);
    CHECK_LAUNCH();
    expect_equal(to_host(bins, 256), want, "bins");
    return verdict();
}
