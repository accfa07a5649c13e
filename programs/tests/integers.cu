// Integer arithmetic of 8 to 64 bits: division, high products, shifts, bit counting, byte permutation, saturation.
#include "check.h"

typedef unsigned long long u64;
typedef long long s64;

__global__ void integers(const u64 *a, const u64 *b, u64 *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    u64 x = a[i], y = b[i];
    unsigned xl = unsigned(x), yl = unsigned(y);
    int sx = int(xl), sy = int(yl);
    u64 results[28] = {x + y, x - y, x * y, x / y, x % y, u64(s64(x) / s64(y)), u64(s64(x) % s64(y)), __umul64hi(x, y),
                       u64(__mul64hi(s64(x), s64(y))), x << (y & 63), x >> (y & 63), u64(s64(x) >> (y & 63)),
                       u64(__popcll(x)), u64(__clzll(s64(x))), u64(__ffsll(s64(x))), __brevll(x),
                       __umulhi(xl, yl), u64(unsigned(__mulhi(sx, sy))), u64(unsigned(__mul24(sx, sy))),
                       u64(__byte_perm(xl, yl, 0x5146)), u64(__funnelshift_l(xl, yl, sy & 31)), u64(__usad(xl, yl, 7)),
                       u64(unsigned(__vadd4(xl, yl))), u64(unsigned(max(sx, sy)) - unsigned(min(sx, sy))),
                       u64((unsigned char)x) * (unsigned short)y, u64((signed char)x * (short)y), u64(s64(sx) * sy),
                       u64(__hadd(sx, sy))};
    for (int k = 0; k < 28; k++) out[k * n + i] = results[k];
}

static unsigned byte_perm(unsigned x, unsigned y, unsigned selector) {
    u64 bytes = u64(y) << 32 | x;
    unsigned result = 0;
    for (int i = 0; i < 4; i++) result |= unsigned(bytes >> (8 * (selector >> (4 * i) & 7)) & 255) << (8 * i);
    return result;
}

int main() {
    const int n = 300;
    std::vector<u64> a(n), b(n), want(28 * n);
    for (int i = 0; i < n; i++) {
        a[i] = u64(noise_bits()) << 32 | noise_bits();
        b[i] = (u64(noise_bits()) << 32 | noise_bits()) >> (i % 60) | 1;
        u64 x = a[i], y = b[i];
        unsigned xl = unsigned(x), yl = unsigned(y);
        int sx = int(xl), sy = int(yl), shift = int(y & 63), s = sy & 31;
        u64 reversed = 0;
        unsigned bytes = 0;
        for (int k = 0; k < 64; k++) reversed |= (x >> k & 1) << (63 - k);
        for (int k = 0; k < 32; k += 8) bytes |= ((xl >> k) + (yl >> k) & 255) << k;
        s64 low_x = s64(int(xl << 8) >> 8), low_y = s64(int(yl << 8) >> 8);
        u64 results[28] = {x + y, x - y, x * y, x / y, x % y, u64(s64(x) / s64(y)), u64(s64(x) % s64(y)),
                           u64((unsigned __int128)x * y >> 64), u64((__int128)s64(x) * s64(y) >> 64),
                           x << shift, x >> shift, u64(s64(x) >> shift),
                           u64(__builtin_popcountll(x)), u64(x ? __builtin_clzll(x) : 64), u64(__builtin_ffsll(s64(x))), reversed,
                           u64(xl) * yl >> 32, u64(unsigned(s64(sx) * sy >> 32)), u64(unsigned(low_x * low_y)),
                           byte_perm(xl, yl, 0x5146), u64(s ? yl << s | xl >> (32 - s) : yl),
                           u64((xl > yl ? xl - yl : yl - xl) + 7), u64(bytes),
                           u64(sx > sy ? xl - yl : yl - xl),
                           u64((unsigned char)x) * (unsigned short)y, u64((signed char)x * (short)y), u64(s64(sx) * sy),
                           u64(int((s64(sx) + sy) >> 1))};
        for (int k = 0; k < 28; k++) want[k * n + i] = results[k];
    }
    u64 *da = to_device(a), *db = to_device(b), *dout = to_device(std::vector<u64>(28 * n));
    integers<<<(n + 127) / 128, 128>>>(da, db, dout, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 28 * n), want, "integers");
    return verdict();
}
