// Memory calls: pitched copies, memset in all forms, symbols, offsets, pointer attributes, host registration.
#include "check.h"

__device__ float table[64];
__device__ int grid_values[4][8];

__global__ void fill(unsigned char *pitched, size_t pitch, int rows, int columns) {
    int x = threadIdx.x, y = blockIdx.x;
    if (x < columns && y < rows) pitched[y * pitch + x] = (unsigned char)(y * 16 + x);
}

__global__ void read_table(float *out) { out[threadIdx.x] = table[threadIdx.x] * 2.0f + grid_values[threadIdx.x / 16][threadIdx.x % 8]; }

int main() {
    const int rows = 9, columns = 13;
    unsigned char *pitched = nullptr;
    size_t pitch = 0;
    CHECK(cudaMallocPitch(&pitched, &pitch, columns, rows));
    expect(pitch >= size_t(columns), "pitch");
    CHECK(cudaMemset2D(pitched, pitch, 0xee, columns, rows));
    fill<<<rows, 32>>>(pitched, pitch, rows - 1, columns);
    CHECK_LAUNCH();
    std::vector<unsigned char> got(rows * columns), want(rows * columns, 0xee);
    CHECK(cudaMemcpy2D(got.data(), columns, pitched, pitch, columns, rows, cudaMemcpyDeviceToHost));
    for (int y = 0; y < rows - 1; y++)
        for (int x = 0; x < columns; x++) want[y * columns + x] = (unsigned char)(y * 16 + x);
    expect_equal(got, want, "pitched");

    std::vector<float> values = noise_vector(64), read(64);
    int cells[4][8];
    for (int i = 0; i < 32; i++) cells[i / 8][i % 8] = i * 3;
    CHECK(cudaMemcpyToSymbol(table, values.data(), 32 * sizeof(float)));
    CHECK(cudaMemcpyToSymbol(table, values.data() + 32, 32 * sizeof(float), 32 * sizeof(float)));
    CHECK(cudaMemcpyToSymbol(grid_values, cells, sizeof cells));
    float *dout = to_device(read);
    read_table<<<1, 64>>>(dout);
    CHECK_LAUNCH();
    for (int i = 0; i < 64; i++) read[i] = values[i] * 2.0f + cells[i / 16][i % 8];
    expect_equal(to_host(dout, 64), read, "symbols");
    size_t size = 0;
    CHECK(cudaGetSymbolSize(&size, grid_values));
    expect(size == sizeof cells, "symbol size");

    CHECK(cudaMemset(dout, 0, 64 * sizeof(float)));
    CHECK(cudaMemcpy(dout + 3, values.data(), 5 * sizeof(float), cudaMemcpyHostToDevice));
    CHECK(cudaMemcpy(dout + 20, dout + 3, 5 * sizeof(float), cudaMemcpyDefault));
    std::vector<float> mixed(64, 0.0f);
    for (int i = 0; i < 5; i++) mixed[3 + i] = mixed[20 + i] = values[i];
    expect_equal(to_host(dout, 64), mixed, "offsets");

    cudaPointerAttributes attributes;
    CHECK(cudaPointerGetAttributes(&attributes, dout));
    expect(attributes.type == cudaMemoryTypeDevice && attributes.devicePointer == dout, "device pointer");
    CHECK(cudaPointerGetAttributes(&attributes, values.data()));
    expect(attributes.type == cudaMemoryTypeUnregistered, "host pointer");
    size_t free_bytes = 0, total_bytes = 0;
    CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
    expect(free_bytes > 0 && free_bytes <= total_bytes, "memory info");
    CHECK(cudaFree(pitched));
    CHECK(cudaFree(nullptr));
    return verdict();
}
