// Long enough to be sampled: each thread adds up 20,000 terms.
#include <cstdio>

__global__ void sums(float *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float sum = 0.0f;
    for (int k = 0; k < n; k++) {
        sum = fmaf(sum, 0.5f, 1.0f);
    }
    out[i] = sum;
}

int main() {
    float *out, first;
    cudaMalloc(&out, 64 * 128 * sizeof(float));
    sums<<<64, 128>>>(out, 20000);
    cudaMemcpy(&first, out, sizeof first, cudaMemcpyDeviceToHost);
    std::printf("%g\n", first);
    return first == 2.0f && cudaGetLastError() == cudaSuccess ? 0 : 1;
}
