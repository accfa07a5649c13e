// An index that goes through float memory: no data flow says that it is one, and an override moves it.
#include <cstdio>
#include <cuda_runtime.h>

__global__ void shift(float *at) { at[threadIdx.x] = 40960.0f - at[threadIdx.x]; }

__global__ void look(const float *table, const float *at, float *out) {
    out[threadIdx.x] = table[(int)at[threadIdx.x]] * 2.0f;
}

__global__ void moved(const float *table, const float *at, float *out) {
    out[threadIdx.x] = table[(int)(40960.0f - at[threadIdx.x])];
}

int main(int argc, char **) {
    float at[32], *device, *out, *table;
    for (int i = 0; i < 32; ++i)
        at[i] = float(1791 - i); // 39169 and above; in e5m2 all of them become 40960
    cudaMalloc(&device, sizeof at);
    cudaMalloc(&out, sizeof at);
    cudaMalloc(&table, 39209 * sizeof(float));
    cudaMemcpy(device, at, sizeof at, cudaMemcpyHostToDevice);
    if (argc > 1) {
        moved<<<1, 32>>>(table, device, out);
    } else {
        shift<<<1, 32>>>(device);
        look<<<1, 32>>>(table, device, out);
    }
    cudaError_t e = cudaDeviceSynchronize();
    printf("%s\n", cudaGetErrorString(e));
    return e != cudaSuccess;
}
