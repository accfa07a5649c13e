// Reductions in the shapes nvcc makes of them.
extern "C" {
__global__ void unfused_dot(float* o, const float* a, const float* b, int n) { float s = 0; for (int i = 0; i < n; i++) s = __fadd_rn(s, __fmul_rn(a[i], b[i])); o[0] = s; }
__global__ void swapped(float* o, const float* a, int n) { float s = 1; for (int i = 0; i < n; i++) s = a[i] + s; o[0] = s; }
__global__ void four(float* o, const float* a, const float* b, int n) { float s0 = 0, s1 = 0, s2 = 0, s3 = 0; for (int i = 0; i < n; i += 4) { s0 += a[i] * b[i]; s1 += a[i + 1] * b[i + 1]; s2 += a[i + 2] * b[i + 2]; s3 += a[i + 3] * b[i + 3]; } o[0] = (s0 + s1) + (s2 + s3); }
__global__ void guarded(float* o, const float* a, int n) { float s = 0; for (int i = 0; i < n; i++) { float x = a[i]; if (x > 0.5f) s += x; } o[0] = s; }
__global__ void shuffled(float* o, const float* a, int n) { float s = 0; for (int i = threadIdx.x; i < n; i += 32) s += a[i]; for (int d = 16; d; d >>= 1) s += __shfl_down_sync(~0u, s, d); if (!threadIdx.x) o[0] = s; }
__global__ void tree(float* o, const float* a) { __shared__ float t[256]; int i = threadIdx.x; t[i] = a[i] * a[i]; __syncthreads(); for (int d = 128; d; d >>= 1) { if (i < d) t[i] += t[i + d]; __syncthreads(); } if (!i) o[0] = t[0]; }
__global__ void two_stage(float* o, const float* a, int n) { __shared__ float t[32]; float s = 0; for (int i = threadIdx.x; i < n; i += blockDim.x) s += a[i]; for (int d = 16; d; d >>= 1) s += __shfl_xor_sync(~0u, s, d); if (threadIdx.x % 32 == 0) t[threadIdx.x / 32] = s; __syncthreads(); if (!threadIdx.x) { float r = 0; for (int i = 0; i < blockDim.x / 32; i++) r += t[i]; o[0] = r; } }
__global__ void tiled(float* c, const float* a, const float* b, int n) { __shared__ float ta[16][16], tb[16][16]; int x = threadIdx.x, y = threadIdx.y; float s = 0; for (int k = 0; k < n; k += 16) { ta[y][x] = a[y * n + k + x]; tb[y][x] = b[(k + y) * n + x]; __syncthreads(); for (int i = 0; i < 16; i++) s += ta[y][i] * tb[i][x]; __syncthreads(); } c[y * n + x] = s; }
__global__ void unrolled(float* o, const float* a, const float* b, const float* bias) { float s = bias[0]; 
#pragma unroll
for (int i = 0; i < 9; i++) s += a[i] * b[i]; o[0] = s; }
__global__ void subtracting(float* o, const float* a, const float* b, int n) { float s = o[0]; for (int i = 0; i < n; i++) s -= a[i] * b[i]; o[0] = s; }
__global__ void kahan(float* o, const float* a, int n) { float s = 0, c = 0; for (int i = 0; i < n; i++) { float y = __fsub_rn(a[i], c), t = __fadd_rn(s, y); c = __fsub_rn(__fsub_rn(t, s), y); s = t; } o[0] = s; }
__global__ void horner(float* o, const float* a, float x, int n) { float p = 0; for (int i = 0; i < n; i++) p = p * x + a[i]; o[0] = p; }
__global__ void newton(float* o, float a, int n) { float x = 1; for (int i = 0; i < n; i++) { float e = 1 - a * x; x = x + x * e; } o[0] = x; }
__global__ void maximum(float* o, const float* a, int n) { float m = a[0]; for (int i = 1; i < n; i++) m = fmaxf(m, a[i]); o[0] = m; }
__global__ void average(float* o, const float* a, int n) { float m = 0; for (int i = 0; i < n; i++) m = 0.9f * m + 0.1f * a[i]; o[0] = m; }
__global__ void steps(float* o, float end) { float t = 0, c = 0; while (t < end) { t += 0.125f; c = c + t * t; } o[0] = c; }
__global__ void axpy(float* y, const float* x, float a) { int i = threadIdx.x; y[i] += a * x[i]; }
__global__ void atomics(float* o, const float* a) { int i = threadIdx.x; atomicAdd(o, a[i]); o[1 + i] = atomicAdd(o + 32, a[i]); }
__global__ void residual(float* o, const float* a, const float* b, const float* skip, int n) { float s = 0; for (int i = 0; i < n; i++) s += a[i] * b[i]; o[threadIdx.x] = s + skip[threadIdx.x]; }
__global__ void variance(float* o, const float* a, int n) { float m = 0, q = 0; for (int i = 0; i < n; i++) m += a[i]; m /= n; for (int i = 0; i < n; i++) { float d = a[i] - m; q += d * d; } o[0] = q; }
struct Matrix { const float* values; int rows, columns; float* out; };
__global__ void by_value(Matrix m, float s) { int i = threadIdx.x; m.out[i] = m.values[i] * s; }
__global__ void wide(double* d, const float4* v, size_t offset, unsigned char* bytes, void** table) { int i = threadIdx.x; float4 x = v[i + offset]; d[i] = x.x + x.y + x.z + x.w; bytes[offset] = 1; table[i] = d; }
}
