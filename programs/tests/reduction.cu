// Sum of integers three ways: shared memory, warp shuffles, and warp shuffles plus one atomic per warp.
#include "check.h"

__global__ void reduce_shared(const int *in, int *out, int n) {
    __shared__ int partial[256];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    partial[threadIdx.x] = i < n ? in[i] : 0;
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (threadIdx.x < stride) partial[threadIdx.x] += partial[threadIdx.x + stride];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = partial[0];
}

__device__ int warp_sum(int value) {
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    return value;
}

__global__ void reduce_shuffle(const int *in, int *out, int n) {
    __shared__ int partial[32];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int sum = warp_sum(i < n ? in[i] : 0);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) partial[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        sum = warp_sum(lane < blockDim.x / 32 ? partial[lane] : 0);
        if (lane == 0) out[blockIdx.x] = sum;
    }
}

__global__ void reduce_atomic(const int *in, unsigned long long *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int sum = warp_sum(i < n ? in[i] : 0);
    if (threadIdx.x % 32 == 0) atomicAdd(out, (unsigned long long)(long long)sum);
}

int main() {
    const int n = 5000, block = 256, blocks = (n + block - 1) / block;
    std::vector<int> in(n);
    long long want = 0;
    for (int &value : in) want += value = int(noise_bits() % 2001) - 1000;
    int *din = to_device(in), *dout = to_device(std::vector<int>(blocks));
    auto total = [&] {
        long long sum = 0;
        for (int value : to_host(dout, blocks)) sum += value;
        return sum;
    };
    reduce_shared<<<blocks, block>>>(din, dout, n);
    CHECK_LAUNCH();
    expect(total() == want, "shared");
    reduce_shuffle<<<blocks, block>>>(din, dout, n);
    CHECK_LAUNCH();
    expect(total() == want, "shuffle");
    unsigned long long *dsum = to_device(std::vector<unsigned long long>(1));
    reduce_atomic<<<blocks, block>>>(din, dsum, n);
    CHECK_LAUNCH();
    expect((long long)to_host(dsum, 1)[0] == want, "atomic");
    return verdict();
}
