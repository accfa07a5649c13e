// Managed memory: allocated, written by the host, changed by the device, read by the host; and a managed variable.
#include "check.h"

__managed__ int counter = 5;

__global__ void increase(int *values, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] += i;
    if (i == 0) counter += 37;
}

int main() {
    const int n = 1000;
    int *values = nullptr;
    CHECK(cudaMallocManaged(&values, n * sizeof(int)));
    for (int i = 0; i < n; i++) values[i] = 1000 - i;
    increase<<<4, 256>>>(values, n);
    CHECK_LAUNCH();
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < n; i++) {
        if (values[i] != 1000) {
            fail("managed array");
            break;
        }
    }
    expect(counter == 42, "managed variable");
    CHECK(cudaFree(values));
    return verdict();
}
