// Integer, float, double and half arithmetic, conversions, intrinsics.
#include <cuda_fp16.h>
#include <cuda_bf16.h>
extern "C" __global__ void ints(int *p, unsigned *q, long long *l, short *s, unsigned char *c) {
    int a = p[0], b = p[1];
    p[2] = a + b - a * b; p[3] = a / b; p[4] = a % b; p[5] = a << (b & 31); p[6] = a >> 3; p[7] = ~a; p[8] = -a; p[9] = abs(a);
    p[10] = min(a, b); p[11] = max(a, b); p[12] = __mulhi(a, b); p[13] = __mul24(a, b); p[14] = __sad(a, b, 3u);
    p[15] = __popc(a); p[16] = __clz(a); p[17] = __ffs(a); p[18] = __brev(a); p[19] = __byte_perm(a, b, 0x3210);
    q[0] = q[1] / q[2]; q[3] = q[1] % q[2]; q[4] = __umulhi(q[1], q[2]); q[5] = __funnelshift_l(q[1], q[2], 5);
    q[6] = (q[1] & q[2]) | (q[1] ^ q[3]); q[7] = __dp4a(q[1], q[2], q[3]); q[8] = __dp2a_lo(q[1], q[2], q[3]);
    q[9] = __vadd4(q[1], q[2]); q[10] = __funnelshift_rc(q[1], q[2], 7); q[11] = __hadd(a, b); q[12] = __rhadd(a, b);
    l[0] = l[1] * l[2] + l[3]; l[4] = l[1] / l[2]; l[5] = l[1] % l[2]; l[6] = (long long)a * b + l[6]; l[7] = __mul64hi(l[1], l[2]);
    l[8] = l[1] >> a; l[9] = l[2] << b; l[10] = __popcll(l[1]) + __clzll(l[2]); l[11] = llabs(l[3]);
    s[0] = s[1] * s[2] + s[3]; s[4] = s[1] < s[2] ? s[1] : s[3]; c[0] = c[1] + c[2]; c[3] = (unsigned char)a; s[5] = (short)b;
    __int128 w = (__int128)l[1] * l[2]; l[12] = (long long)(w >> 64);
}
extern "C" __global__ void floats(float *f, int *i, double *d) {
    float x = f[0], y = f[1];
    f[2] = x + y; f[3] = x - y; f[4] = x * y; f[5] = x / y; f[6] = fmaf(x, y, f[2]); f[7] = sqrtf(x); f[8] = rsqrtf(y);
    f[9] = fminf(x, y); f[10] = fmaxf(x, y); f[11] = fabsf(x); f[12] = -x; f[13] = floorf(x); f[14] = truncf(x); f[15] = rintf(x);
    f[16] = __expf(x); f[17] = __logf(y); f[18] = __sinf(x); f[19] = __cosf(y); f[20] = __fdividef(x, y); f[21] = __frcp_rn(x);
    f[22] = __fadd_rz(x, y); f[23] = __fmul_ru(x, y); f[24] = __fmaf_rd(x, y, x); f[25] = __saturatef(x); f[26] = expf(x);
    f[27] = logf(x); f[28] = powf(x, y); f[29] = tanhf(x); f[30] = copysignf(x, y); f[31] = fmodf(x, y); f[32] = erff(x);
    f[33] = isnan(x) ? 1.0f : isinf(y) ? 2.0f : 3.0f; f[34] = x < y ? x : y; f[35] = __frsqrt_rn(x); f[36] = ceilf(y); f[37] = sinf(x);
    i[0] = (int)x; i[1] = (unsigned)y; i[2] = __float2int_rn(x); i[3] = __float_as_int(x); i[4] = lrintf(x); i[5] = (int)llrintf(y);
    f[38] = (float)i[6]; f[39] = (float)(unsigned)i[7]; f[40] = (float)d[0]; f[41] = __int2float_rz(i[8]); f[42] = (float)(long long)i[9];
    d[1] = d[2] + d[3] * d[4]; d[5] = d[2] / d[3]; d[6] = sqrt(d[2]); d[7] = (double)x; d[8] = exp(d[3]); d[9] = (double)i[0];
    i[10] = (int)d[4]; d[10] = fmin(d[2], d[3]); d[11] = floor(d[1]); d[12] = __longlong_as_double(5); d[13] = 1.0 / d[2];
    d[14] = __drcp_rn(d[1]); d[15] = rsqrt(d[2]); d[16] = sin(d[3]);
}
extern "C" __global__ void halves(__half *h, __half2 *g, __nv_bfloat16 *b, __nv_bfloat162 *c, float *f) {
    h[0] = h[1] + h[2]; h[3] = __hfma(h[1], h[2], h[3]); h[4] = hexp(h[1]); h[5] = __float2half(f[0]); f[1] = __half2float(h[6]);
    g[0] = __hfma2(g[1], g[2], g[3]); g[4] = __hmax2(g[1], g[2]); h[7] = __hlt(h[1], h[2]) ? h[1] : h[2]; h[8] = __int2half_rn((int)f[2]);
    b[0] = b[1] + b[2]; b[3] = __float2bfloat16(f[2]); f[3] = __bfloat162float(b[4]); c[0] = c[1] * c[2] + c[3];
    h[9] = hsqrt(h[1]); h[10] = -h[2]; h[11] = __habs(h[3]); g[5] = __floats2half2_rn(f[4], f[5]); g[6] = __hgt2(g[1], g[2]); h[12] = h[1] / h[2];
    c[4] = __floats2bfloat162_rn(f[4], f[5]); h[13] = htanh(h[1]); b[5] = hlog(b[1]);
}
