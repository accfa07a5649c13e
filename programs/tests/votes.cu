// Warp votes and shuffles with full and partial masks, match, active mask, lane masks; barriers that count.
#include "check.h"

__global__ void votes(const int *in, unsigned *out) {
    int t = threadIdx.x, lane = t & 31, v = in[t];
    unsigned *row = out + t * 16;
    row[0] = __ballot_sync(~0u, v & 1);
    row[1] = __any_sync(~0u, v == 77);
    row[2] = __all_sync(~0u, v >= 0);
    row[3] = __shfl_sync(~0u, v, (lane * 7) & 31);
    row[4] = __shfl_xor_sync(~0u, v, 5);
    row[5] = __shfl_up_sync(~0u, v, 3);
    row[6] = __shfl_down_sync(~0u, v, 6);
    row[7] = __shfl_sync(~0u, v, 2, 8);
    row[8] = __match_any_sync(~0u, v & 3);
    row[9] = __float_as_uint(__shfl_xor_sync(~0u, float(v) * 0.5f, 16));
    row[10] = unsigned(__shfl_down_sync(~0u, (long long)v << 33, 1) >> 33);
    if (lane < 12) row[11] = __ballot_sync(0xfffu, v & 2);
    else row[11] = __ballot_sync(0xfffff000u, v & 4);
    row[12] = __syncthreads_count(v & 1);
    row[13] = __syncthreads_and(v >= 0) ? 1 : 0;
    row[14] = __syncthreads_or(v == 77) ? 1 : 0;
    __syncwarp();
    unsigned below;
    asm("mov.u32 %0, %%lanemask_lt;" : "=r"(below));
    row[15] = __popc(row[0] & below);
}

int main() {
    const int n = 96;
    std::vector<int> in(n);
    for (int i = 0; i < n; i++) in[i] = i == 40 ? 77 : int(noise_bits() % 50);
    std::vector<unsigned> want(n * 16);
    int odd = 0;
    for (int v : in) odd += v & 1;
    for (int t = 0; t < n; t++) {
        const int *warp = &in[t & ~31];
        int lane = t & 31, v = in[t];
        auto ballot = [&](int first, int last, auto test) {
            unsigned mask = 0;
            for (int i = first; i <= last; i++) mask |= unsigned(test(warp[i])) << i;
            return mask;
        };
        unsigned *row = &want[t * 16];
        row[0] = ballot(0, 31, [](int x) { return (x & 1) != 0; });
        row[1] = ballot(0, 31, [](int x) { return x == 77; }) != 0;
        row[2] = 1;
        row[3] = warp[(lane * 7) & 31];
        row[4] = warp[lane ^ 5];
        row[5] = lane >= 3 ? warp[lane - 3] : v;
        row[6] = lane + 6 < 32 ? warp[lane + 6] : v;
        row[7] = warp[(lane & ~7) + 2];
        row[8] = ballot(0, 31, [v](int x) { return (x & 3) == (v & 3); });
        float half = float(warp[lane ^ 16]) * 0.5f;
        memcpy(&row[9], &half, 4);
        row[10] = lane + 1 < 32 ? warp[lane + 1] : v;
        row[11] = lane < 12 ? ballot(0, 11, [](int x) { return (x & 2) != 0; })
                            : ballot(12, 31, [](int x) { return (x & 4) != 0; });
        row[12] = odd;
        row[13] = 1;
        row[14] = 1;
        row[15] = __builtin_popcount(row[0] & ((1u << lane) - 1));
    }
    int *din = to_device(in);
    unsigned *dout = to_device(std::vector<unsigned>(n * 16));
    votes<<<1, n>>>(din, dout);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, n * 16), want, "votes");
    return verdict();
}
