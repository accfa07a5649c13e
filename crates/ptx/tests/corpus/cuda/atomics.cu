// Atomics, reductions, fences, votes, shuffles.
#include <cuda_fp16.h>
extern "C" __global__ void atomics(int *i, unsigned *u, unsigned long long *l, float *f, double *d, __half2 *h) {
    __shared__ int s[32];
    int t = threadIdx.x;
    s[t & 31] = t;
    __syncthreads();
    atomicAdd(&s[0], t);
    i[0] = atomicAdd(i, t) + atomicMin(i + 1, t) + atomicMax(i + 2, t) + atomicExch(i + 3, t) + atomicCAS(i + 4, t, 7);
    u[0] = atomicInc(u, 9u) + atomicDec(u + 1, 9u) + atomicAnd(u + 2, 1u) + atomicOr(u + 3, 2u) + atomicXor(u + 4, 3u);
    l[0] = atomicAdd(l, 5ull) + atomicCAS(l + 1, 1ull, 2ull) + atomicMax(l + 2, 3ull);
    f[0] = atomicAdd(f, 1.5f);
    d[0] = atomicAdd(d, 2.5);
    atomicAdd(h, __half2half2(__float2half(1.0f)));
    atomicAdd(f + 1, 2.0f);
    atomicAdd_block(i + 5, 1);
    atomicAdd_system(i + 6, 1);
    __threadfence();
    __threadfence_block();
    __threadfence_system();
    i[8] = s[(t + 1) & 31];
}
extern "C" __global__ void warps(int *out, float *f) {
    int t = threadIdx.x;
    unsigned m = __activemask();
    float v = f[t];
    for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
    int a = __shfl_sync(m, t, 3), b = __shfl_up_sync(m, t, 1), c = __shfl_down_sync(m, t, 1, 16);
    int any = __any_sync(m, t > 3), all = __all_sync(m, t > 3);
    unsigned bal = __ballot_sync(m, t & 1);
    unsigned match = __match_any_sync(m, t & 3);
    int pred;
    unsigned mall = __match_all_sync(m, t & 3, &pred);
    __syncwarp(m);
    int cnt = __syncthreads_count(t & 1), any2 = __syncthreads_or(t == 0), all2 = __syncthreads_and(t >= 0);
    unsigned red = 0;
#if __CUDA_ARCH__ >= 800
    red = __reduce_add_sync(m, t) + __reduce_max_sync(m, t) + __reduce_and_sync(m, (unsigned)t);
#endif
    out[t] = a + b + c + any + all + bal + match + mall + pred + cnt + any2 + all2 + red + (int)v;
    __nanosleep(100);
}
