// Control flow: a dense switch, functions that are not inlined, recursion, function pointers, nested divergence,
// break and continue, early return.
#include "check.h"

#ifdef __CUDA_ARCH__
#define BOTH __host__ __device__ __noinline__
#else
#define BOTH __host__ __device__
#endif

BOTH int apply(int op, int a, int b) {
    switch (op) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return b != 0 ? a / b : -1;
    case 4: return b != 0 ? a % b : -2;
    case 5: return a & b;
    case 6: return a | b;
    case 7: return a ^ b;
    case 8: return a << (b & 7);
    case 9: return a >> (b & 7);
    case 100: return 12345;
    default: return a;
    }
}

BOTH unsigned fibonacci(unsigned n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

BOTH int collatz(int n) {
    int steps = 0;
    for (;;) {
        if (n <= 1) break;
        steps++;
        if (n % 2 == 0) {
            n /= 2;
            continue;
        }
        n = 3 * n + 1;
        if (steps > 150) return -1;
    }
    return steps;
}

BOTH int nested(int i) {
    int result = 0;
    for (int a = 0; a < i % 5; a++) {
        if ((i ^ a) & 1) {
            for (int b = 0; b < i % 3 + a; b++) result += b * i;
        } else {
            int b = i;
            while (b > a) {
                b -= 3;
                if (b == 7) break;
                result ^= b;
            }
        }
    }
    return result;
}

typedef int (*Function)(int);
__device__ __noinline__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int square(int x) { return x * x; }
__device__ Function table[2] = {twice, square};

__global__ void control(int *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[i] = apply(i % 12 == 11 ? 100 : i % 13, i * 37 - 2000, i % 9 - 4);
    out[n + i] = int(fibonacci(i % 11));
    out[2 * n + i] = collatz(i);
    out[3 * n + i] = nested(i);
    out[4 * n + i] = table[i & 1](i);
}

int main() {
    const int n = 400;
    std::vector<int> want(5 * n);
    for (int i = 0; i < n; i++) {
        want[i] = apply(i % 12 == 11 ? 100 : i % 13, i * 37 - 2000, i % 9 - 4);
        want[n + i] = int(fibonacci(i % 11));
        want[2 * n + i] = collatz(i);
        want[3 * n + i] = nested(i);
        want[4 * n + i] = i & 1 ? i * i : 2 * i;
    }
    int *dout = to_device(std::vector<int>(5 * n));
    control<<<(n + 95) / 96, 96>>>(dout, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, 5 * n), want, "control flow");
    return verdict();
}
