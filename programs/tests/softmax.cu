// Softmax of rows, one block per row: maximum and sum by tree in dynamic shared memory, expf, precise division.
#include "check.h"

__global__ void softmax(const float *in, float *out, int columns) {
    extern __shared__ float shared[];
    const float *row = in + blockIdx.x * columns;
    float greatest = -INFINITY;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) greatest = fmaxf(greatest, row[i]);
    shared[threadIdx.x] = greatest;
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride >>= 1) {
        if (threadIdx.x < stride) shared[threadIdx.x] = fmaxf(shared[threadIdx.x], shared[threadIdx.x + stride]);
        __syncthreads();
    }
    greatest = shared[0];
    __syncthreads();
    float sum = 0.0f;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(row[i] - greatest);
    shared[threadIdx.x] = sum;
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride >>= 1) {
        if (threadIdx.x < stride) shared[threadIdx.x] += shared[threadIdx.x + stride];
        __syncthreads();
    }
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        out[blockIdx.x * columns + i] = expf(row[i] - greatest) / shared[0];
    }
}

int main() {
    const int rows = 13, columns = 301, n = rows * columns;
    std::vector<float> in = noise_vector(n), want(n);
    for (float &value : in) value *= 8.0f;
    for (int r = 0; r < rows; r++) {
        double sum = 0.0;
        for (int c = 0; c < columns; c++) sum += std::exp(double(in[r * columns + c]));
        for (int c = 0; c < columns; c++) want[r * columns + c] = float(std::exp(double(in[r * columns + c])) / sum);
    }
    float *din = to_device(in), *dout = to_device(std::vector<float>(n));
    softmax<<<rows, 128, 128 * sizeof(float)>>>(din, dout, columns);
    CHECK_LAUNCH();
    expect_near(to_host(dout, n), want, 2e-6, 1e-12, "softmax");
    return verdict();
}
