// Errors that leave the device usable: bad configurations, bad pointers, error texts, sticky and not sticky.
#include "check.h"

__global__ void touch(int *out) { out[blockIdx.x] = int(blockIdx.x) + 1; }

// CUDA 12 and before call a bad grid or block an invalid configuration, CUDA 13 an invalid value.
static bool bad_launch(cudaError_t status) {
    return status == cudaErrorInvalidConfiguration || status == cudaErrorInvalidValue;
}

int main() {
    int *dout = to_device(std::vector<int>(4));
    touch<<<1, 2000>>>(dout);
    expect(bad_launch(cudaPeekAtLastError()), "2000 threads in a block");
    expect(bad_launch(cudaGetLastError()), "the error is returned once");
    expect(cudaGetLastError() == cudaSuccess, "and then gone");
    touch<<<0, 32>>>(dout);
    expect(bad_launch(cudaGetLastError()), "an empty grid");
    touch<<<1, 1, 10000000>>>(dout);
    expect(cudaGetLastError() != cudaSuccess, "ten megabytes of shared memory");
    void *pointer = nullptr;
    expect(cudaMalloc(&pointer, size_t(1) << 60) == cudaErrorMemoryAllocation, "a huge allocation");
    expect(cudaGetLastError() == cudaErrorMemoryAllocation, "is the last error");
    expect(cudaMemcpy(dout, nullptr, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue, "copy from null");
    expect(cudaSetDevice(12345) == cudaErrorInvalidDevice, "device 12345");
    cudaGetLastError();
    expect(strcmp(cudaGetErrorName(cudaErrorInvalidValue), "cudaErrorInvalidValue") == 0, "error name");
    expect(strcmp(cudaGetErrorString(cudaSuccess), "no error") == 0, "error text");
    touch<<<4, 1>>>(dout);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 4), {1, 2, 3, 4}, "the device still works");
    return verdict();
}
