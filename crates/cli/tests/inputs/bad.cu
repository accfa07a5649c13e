// Does wrong things on demand, for the tests of messages: bad WHAT. Without an argument it does nothing wrong.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

extern "C" __global__ void scale(float *data, float factor, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) data[i] = data[i] * factor;
}

extern "C" __global__ void forever(volatile int *data) {
    while (data[0] == 0) data[1]++;
}

extern "C" __global__ void uneven(int *data) {
    if (threadIdx.x < 32) asm volatile("bar.sync 1;");
    else asm volatile("bar.sync 2;");
    data[threadIdx.x] = 1;
}

static int failed(const char *what, cudaError_t error) {
    printf("%s: %s\n", what, cudaGetErrorName(error));
    return 3;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    const int count = 100;
    float host[count], *device = nullptr;
    for (int i = 0; i < count; i++) host[i] = 1.0f + i / 128.0f;
    cudaError_t error = cudaMalloc(&device, sizeof host);
    if (error != cudaSuccess) return failed("cudaMalloc", error);
    cudaMemcpy(device, host, sizeof host, cudaMemcpyHostToDevice);
    if (strcmp(what, "unsupported") == 0) {
        cudaArray_t array = nullptr;
        cudaChannelFormatDesc format = cudaCreateChannelDesc(32, 0, 0, 0, cudaChannelFormatKindFloat);
        for (int i = 0; i < 3; i++) failed("cudaMallocArray", cudaMallocArray(&array, &format, 16, 16));
        cudaGraph_t graph = nullptr;
        failed("cudaGraphCreate", cudaGraphCreate(&graph, 0));
        cudaTextureObject_t texture = 0;
        failed("cudaCreateTextureObject", cudaCreateTextureObject(&texture, nullptr, nullptr, nullptr));
        return 3;
    }
    if (strcmp(what, "loop") == 0) {
        cudaMemset(device, 0, 8);
        forever<<<1, 32>>>((int *)device);
    } else if (strcmp(what, "barrier") == 0) {
        uneven<<<1, 64>>>((int *)device);
    } else if (strcmp(what, "outside") == 0) {
        scale<<<2, 64>>>(device, 2.0f, 120);
    } else {
        scale<<<2, 64>>>(device, 1.1f, count);
    }
    error = cudaDeviceSynchronize();
    if (error != cudaSuccess) {
        failed("cudaDeviceSynchronize", error);
        scale<<<2, 64>>>(device, 2.0f, count);
        error = cudaDeviceSynchronize();
        printf("and after it: %s\n", cudaGetErrorName(error));
        return 3;
    }
    cudaMemcpy(host, device, sizeof host, cudaMemcpyDeviceToHost);
    printf("%.9g %.9g\n", host[1], host[99]);
    if (strcmp(what, "sleep") == 0) {
        fflush(stdout);
        sleep(600);
    }
    return 0;
}
