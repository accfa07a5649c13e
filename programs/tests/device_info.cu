// Device properties and attributes agree with each other; versions; function attributes; limits.
#include "check.h"

__global__ void __launch_bounds__(256) with_shared(float *out) {
    __shared__ float buffer[300];
    buffer[threadIdx.x] = float(threadIdx.x);
    __syncthreads();
    out[threadIdx.x] = buffer[255 - threadIdx.x];
}

__global__ void dynamic_shared(int *out, int words) {
    extern __shared__ int words_of_block[];
    for (int i = threadIdx.x; i < words; i += blockDim.x) words_of_block[i] = i * 3;
    __syncthreads();
    if (threadIdx.x == 0) *out = words_of_block[words - 1];
}

int main() {
    int count = 0, device = -1, runtime = 0, driver = 0, value = 0;
    CHECK(cudaGetDeviceCount(&count));
    expect(count >= 1, "device count");
    CHECK(cudaSetDevice(0));
    CHECK(cudaGetDevice(&device));
    expect(device == 0, "current device");
    CHECK(cudaRuntimeGetVersion(&runtime));
    CHECK(cudaDriverGetVersion(&driver));
    expect(runtime >= 11000 && driver >= 11000, "versions");
    cudaDeviceProp p;
    CHECK(cudaGetDeviceProperties(&p, 0));
    expect(p.warpSize == 32 && p.maxThreadsPerBlock == 1024 && p.totalGlobalMem > (1u << 20), "properties");
    expect(strlen(p.name) > 0 && p.maxThreadsDim[2] == 64 && p.maxGridSize[0] == 2147483647, "more properties");
    struct {
        cudaDeviceAttr attribute;
        long long want;
    } pairs[] = {{cudaDevAttrWarpSize, p.warpSize},
                 {cudaDevAttrMultiProcessorCount, p.multiProcessorCount},
                 {cudaDevAttrMaxThreadsPerBlock, p.maxThreadsPerBlock},
                 {cudaDevAttrMaxSharedMemoryPerBlock, (long long)p.sharedMemPerBlock},
                 {cudaDevAttrComputeCapabilityMajor, p.major},
                 {cudaDevAttrComputeCapabilityMinor, p.minor}};
    for (auto &pair : pairs) {
        CHECK(cudaDeviceGetAttribute(&value, pair.attribute, 0));
        expect(value == pair.want, "attribute equals property");
    }
    cudaFuncAttributes attributes;
    CHECK(cudaFuncGetAttributes(&attributes, with_shared));
    expect(attributes.sharedSizeBytes == 1200 && attributes.maxThreadsPerBlock == 256, "function attributes");

    float *dout = to_device(std::vector<float>(256));
    with_shared<<<1, 256>>>(dout);
    CHECK_LAUNCH();
    std::vector<float> want(256);
    for (int i = 0; i < 256; i++) want[i] = float(255 - i);
    expect_equal(to_host(dout, 256), want, "with_shared");

    int bytes = 0;
    CHECK(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
    expect(bytes >= 48 * 1024, "opt-in shared memory");
    CHECK(cudaFuncSetAttribute(dynamic_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    int *dint = to_device(std::vector<int>(1));
    dynamic_shared<<<1, 128, bytes>>>(dint, bytes / 4);
    CHECK_LAUNCH();
    expect(to_host(dint, 1)[0] == (bytes / 4 - 1) * 3, "all of shared memory");
    return verdict();
}
