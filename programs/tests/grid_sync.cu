// A cooperative launch: all blocks meet at grid.sync() between the steps of a relaxation; tiles of a warp reduce.
#include "check.h"
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

__global__ void relax(int *a, int *b, int n, int steps) {
    cg::grid_group grid = cg::this_grid();
    for (int step = 0; step < steps; step++) {
        for (int i = int(grid.thread_rank()); i < n; i += int(grid.size())) {
            b[i] = (a[i == 0 ? n - 1 : i - 1] + 2 * a[i] + a[i == n - 1 ? 0 : i + 1]) % 1009;
        }
        grid.sync();
        int *swap = a;
        a = b;
        b = swap;
    }
}

__global__ void tile_sums(const int *in, int *out) {
    cg::thread_block block = cg::this_thread_block();
    cg::thread_block_tile<16> tile = cg::tiled_partition<16>(block);
    int value = in[block.thread_rank()];
    for (int offset = tile.size() / 2; offset > 0; offset /= 2) value += tile.shfl_down(value, offset);
    block.sync();
    if (tile.thread_rank() == 0) out[tile.meta_group_rank()] = value;
}

int main() {
    int device = 0, cooperative = 0, per_multiprocessor = 0;
    CHECK(cudaGetDevice(&device));
    CHECK(cudaDeviceGetAttribute(&cooperative, cudaDevAttrCooperativeLaunch, device));
    expect(cooperative == 1, "device supports cooperative launches");
    CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_multiprocessor, relax, 64, 0));
    expect(per_multiprocessor >= 1, "occupancy");
    int n = 700, steps = 15;
    std::vector<int> a(n), b(n);
    for (int &v : a) v = int(noise_bits() % 1000);
    int *da = to_device(a), *db = to_device(b);
    void *arguments[] = {&da, &db, &n, &steps};
    CHECK(cudaLaunchCooperativeKernel((const void *)relax, dim3(6), dim3(64), arguments, 0, 0));
    CHECK(cudaDeviceSynchronize());
    for (int step = 0; step < steps; step++) {
        for (int i = 0; i < n; i++) b[i] = (a[i == 0 ? n - 1 : i - 1] + 2 * a[i] + a[i == n - 1 ? 0 : i + 1]) % 1009;
        a.swap(b);
    }
    expect_equal(to_host(steps % 2 ? db : da, n), a, "relaxation");
    std::vector<int> values(128), sums(8, 0);
    for (int i = 0; i < 128; i++) sums[i / 16] += values[i] = i * i - 50;
    int *dvalues = to_device(values), *dsums = to_device(std::vector<int>(8));
    tile_sums<<<1, 128>>>(dvalues, dsums);
    CHECK_LAUNCH();
    expect_equal(to_host(dsums, 8), sums, "tiles");
    return verdict();
}
