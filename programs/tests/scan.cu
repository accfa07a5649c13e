// Inclusive prefix sum: shuffles inside warps, shared memory between warps, a second kernel between blocks.
#include "check.h"

__global__ void scan_block(const int *in, int *out, int *totals, int n) {
    __shared__ int warp_totals[32];
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int value = i < n ? in[i] : 0;
    for (int offset = 1; offset < 32; offset *= 2) {
        int other = __shfl_up_sync(0xffffffffu, value, offset);
        if (lane >= offset) value += other;
    }
    if (lane == 31) warp_totals[warp] = value;
    __syncthreads();
    if (warp == 0) {
        int total = lane < blockDim.x / 32 ? warp_totals[lane] : 0;
        for (int offset = 1; offset < 32; offset *= 2) {
            int other = __shfl_up_sync(0xffffffffu, total, offset);
            if (lane >= offset) total += other;
        }
        warp_totals[lane] = total;
    }
    __syncthreads();
    if (warp > 0) value += warp_totals[warp - 1];
    if (i < n) out[i] = value;
    if (threadIdx.x == blockDim.x - 1) totals[blockIdx.x] = value;
}

__global__ void add_offsets(int *out, const int *totals, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, offset = 0;
    for (int block = 0; block < blockIdx.x; block++) offset += totals[block];
    if (i < n) out[i] += offset;
}

int main() {
    const int n = 3000, block = 256, blocks = (n + block - 1) / block;
    std::vector<int> in(n), want(n);
    int sum = 0;
    for (int i = 0; i < n; i++) want[i] = sum += in[i] = int(noise_bits() % 100);
    int *din = to_device(in), *dout = to_device(std::vector<int>(n)), *totals = to_device(std::vector<int>(blocks));
    scan_block<<<blocks, block>>>(din, dout, totals, n);
    CHECK_LAUNCH();
    add_offsets<<<blocks, block>>>(dout, totals, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, n), want, "prefix sums");
    return verdict();
}
