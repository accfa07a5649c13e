// Matrix product twice: one thread per output, and with shared-memory tiles. Sizes are no multiples of the tile.
#include "check.h"

__global__ void matmul_naive(const float *a, const float *b, float *c, int m, int n, int k) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row >= m || column >= n) return;
    float sum = 0.0f;
    for (int i = 0; i < k; i++) sum = fmaf(a[row * k + i], b[i * n + column], sum);
    c[row * n + column] = sum;
}

template <int TILE> __global__ void matmul_tiled(const float *a, const float *b, float *c, int m, int n, int k) {
    __shared__ float ta[TILE][TILE], tb[TILE][TILE + 1];
    int column = blockIdx.x * TILE + threadIdx.x, row = blockIdx.y * TILE + threadIdx.y;
    float sum = 0.0f;
    for (int first = 0; first < k; first += TILE) {
        int ka = first + threadIdx.x, kb = first + threadIdx.y;
        ta[threadIdx.y][threadIdx.x] = row < m && ka < k ? a[row * k + ka] : 0.0f;
        tb[threadIdx.y][threadIdx.x] = column < n && kb < k ? b[kb * n + column] : 0.0f;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < TILE; i++) sum = fmaf(ta[threadIdx.y][i], tb[i][threadIdx.x], sum);
        __syncthreads();
    }
    if (row < m && column < n) c[row * n + column] = sum;
}

int main() {
    const int m = 45, n = 70, k = 83;
    std::vector<float> a = noise_vector(m * k), b = noise_vector(k * n), want(m * n, 0.0f);
    for (int row = 0; row < m; row++)
        for (int column = 0; column < n; column++)
            for (int i = 0; i < k; i++)
                want[row * n + column] = std::fma(a[row * k + i], b[i * n + column], want[row * n + column]);
    float *da = to_device(a), *db = to_device(b), *dc = to_device(std::vector<float>(m * n));
    matmul_naive<<<dim3((n + 15) / 16, (m + 7) / 8), dim3(16, 8)>>>(da, db, dc, m, n, k);
    CHECK_LAUNCH();
    expect_equal(to_host(dc, m * n), want, "naive");
    CHECK(cudaMemset(dc, 0, m * n * sizeof(float)));
    matmul_tiled<16><<<dim3((n + 15) / 16, (m + 15) / 16), dim3(16, 16)>>>(da, db, dc, m, n, k);
    CHECK_LAUNCH();
    expect_equal(to_host(dc, m * n), want, "tiled 16");
    CHECK(cudaMemset(dc, 0, m * n * sizeof(float)));
    matmul_tiled<8><<<dim3((n + 7) / 8, (m + 7) / 8), dim3(8, 8)>>>(da, db, dc, m, n, k);
    CHECK_LAUNCH();
    expect_equal(to_host(dc, m * n), want, "tiled 8");
    return verdict();
}
