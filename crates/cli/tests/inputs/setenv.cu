// Changes the format between launches, as a program that studies precision does.
#include <cstdio>
#include <cstdlib>

extern "C" __global__ void multiply(float *out, float a, float b) { *out = a * b; }

static void launch(float *device, const char *significand, const char *low, const char *high) {
    setenv("VF_SIGNIFICAND", significand, 1);
    setenv("VF_EXPONENT_MIN", low, 1);
    setenv("VF_EXPONENT_MAX", high, 1);
    multiply<<<1, 1>>>(device, 1.1f, 1.3f);
    cudaError_t error = cudaGetLastError();
    float host = 0;
    cudaMemcpy(&host, device, 4, cudaMemcpyDeviceToHost);
    unsigned bits;
    __builtin_memcpy(&bits, &host, 4);
    printf("%s 0x%08x\n", cudaGetErrorName(error), bits);
}

int main() {
    float *device = nullptr;
    if (cudaMalloc(&device, 4) != cudaSuccess) return 1;
    launch(device, "24", "-148", "128");
    launch(device, "8", "-132", "128");
    launch(device, "3", "-15", "16");
    launch(device, "25", "-15", "16");
    launch(device, "11", "-23", "16");
    return 0;
}
