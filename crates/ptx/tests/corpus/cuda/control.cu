// Branches, switch, recursion, function pointers, printf, templates, shared and constant memory, vectors.
#include <cstdio>
__constant__ float weights[16] = {1, 2, 3, 4.5f, -1e-3f};
__constant__ int one = 1;
__device__ int counter = 7;
__device__ float table[4][2] = {{1, 2}, {3, 4}};
__device__ int *address = &counter;
__device__ __managed__ int managed = 3;
struct Pair { float a; int b; };
typedef float (*Function)(float, Pair);
__device__ __noinline__ float plus(float x, Pair p) { return x + p.a; }
__device__ __noinline__ float times(float x, Pair p) { return x * p.b; }
__device__ Function functions[2] = {plus, times};
__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
template <typename T, int N> __global__ void reduce(const T *__restrict__ in, T *out) {
    __shared__ T s[N];
    extern __shared__ float dynamic[];
    int t = threadIdx.x + blockIdx.x * blockDim.x;
    s[threadIdx.x] = in[t];
    dynamic[threadIdx.x] = 0;
    for (int o = N / 2; o > 0; o /= 2) {
        __syncthreads();
        if (threadIdx.x < o) s[threadIdx.x] += s[threadIdx.x + o];
    }
    if (threadIdx.x == 0) out[blockIdx.x] = s[0] + (T)dynamic[1];
}
template __global__ void reduce<float, 128>(const float *, float *);
template __global__ void reduce<double, 64>(const double *, double *);
template __global__ void reduce<int, 256>(const int *, int *);
__global__ void __launch_bounds__(128, 2) calls(float *f, int *p, Pair pair) {
    int t = threadIdx.x;
    f[t] = functions[p[t] & 1](f[t], pair) + weights[t & 15] + table[t & 3][t & 1];
    p[t] = fibonacci(p[t]) + counter + *address + managed + one;
    if (t == 0) printf("%d %f %s\n", p[t], f[t], "hello");
}
__global__ void switches(int *p) {
    int t = threadIdx.x, x = p[t];
    switch (x) {
    case 0: x = t * 3; break;
    case 1: x = x + p[t + 1]; p[2] = 4; break;
    case 2: x ^= 77; break;
    case 3: x = p[x]; break;
    case 4: x = x / 3; break;
    case 5: x -= 5; break;
    case 6: p[9] = 1; break;
    case 7: x = -x; break;
    default: x = 9;
    }
    while (x > 3 && p[x]) x = p[x];
    p[t] = x;
}
__global__ void vectors(float4 *a, int2 *b, double2 *c, uchar4 *d, short2 *e, float *local) {
    float4 v = a[0];
    v.x += v.w;
    a[1] = v;
    int2 w = b[0];
    b[1] = make_int2(w.y, w.x);
    c[1] = make_double2(c[0].y, c[0].x);
    d[1] = make_uchar4(d[0].w, d[0].x, 1, 2);
    e[1] = make_short2(e[0].y, 5);
    float l[32];
    for (int i = 0; i < 32; i++) l[i] = local[i];
    local[0] = l[b[0].x & 31];
    local[1] = __ldg(local + 7);
    local[2] = clock() + clock64() + gridDim.y * warpSize;
    if (b[0].x == 12345) __trap();
}
__global__ void grid(const __grid_constant__ Pair p, float *out) { out[threadIdx.z] = p.a; asm volatile("{\n .reg .u32 t;\n mov.u32 t, %laneid;\n cvt.rn.f32.u32 %0, t;\n}" : "=f"(out[1])); __prof_trigger(1); }
