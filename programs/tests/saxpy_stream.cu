// saxpy in two streams with asynchronous copies from pinned memory, events in between, grid-stride loop.
#include "check.h"

__global__ void saxpy(float a, const float *x, float *y, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] = fmaf(a, x[i], y[i]);
}

int main() {
    const int n = 1 << 14;
    float *x, *y;
    CHECK(cudaMallocHost(&x, n * sizeof(float)));
    CHECK(cudaMallocHost(&y, n * sizeof(float)));
    std::vector<float> want(n);
    for (int i = 0; i < n; i++) {
        x[i] = noise();
        y[i] = noise();
        want[i] = std::fma(1.75f, x[i], y[i]);
    }
    float *dx, *dy;
    CHECK(cudaMalloc(&dx, n * sizeof(float)));
    CHECK(cudaMalloc(&dy, n * sizeof(float)));
    cudaEvent_t start, stop;
    CHECK(cudaEventCreate(&start));
    CHECK(cudaEventCreate(&stop));
    cudaStream_t streams[2];
    for (cudaStream_t &stream : streams) CHECK(cudaStreamCreate(&stream));
    CHECK(cudaEventRecord(start));
    int half = n / 2;
    for (int s = 0; s < 2; s++) {
        int at = s * half;
        CHECK(cudaMemcpyAsync(dx + at, x + at, half * sizeof(float), cudaMemcpyHostToDevice, streams[s]));
        CHECK(cudaMemcpyAsync(dy + at, y + at, half * sizeof(float), cudaMemcpyHostToDevice, streams[s]));
        saxpy<<<4, 128, 0, streams[s]>>>(1.75f, dx + at, dy + at, half);
        CHECK_LAUNCH();
        CHECK(cudaMemcpyAsync(y + at, dy + at, half * sizeof(float), cudaMemcpyDeviceToHost, streams[s]));
    }
    for (cudaStream_t stream : streams) CHECK(cudaStreamSynchronize(stream));
    CHECK(cudaEventRecord(stop));
    CHECK(cudaEventSynchronize(stop));
    float milliseconds = -1.0f;
    CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
    expect(milliseconds >= 0.0f, "elapsed time");
    expect_equal(std::vector<float>(y, y + n), want, "saxpy");
    for (cudaStream_t stream : streams) CHECK(cudaStreamDestroy(stream));
    CHECK(cudaFreeHost(x));
    CHECK(cudaFreeHost(y));
    CHECK(cudaFree(dx));
    CHECK(cudaFree(dy));
    return verdict();
}
