// printf from a kernel: one thread, so the order of lines is fixed. The host's own line comes after them.
#include "check.h"

__global__ void speak(int a, float b, const char *word) {
    printf("hello from the device\n");
    printf("int %d, unsigned %u, hex 0x%08x, float %.3f, double %g, char %c, percent %%\n", a, 4000000000u, 0xbeef, b,
           1.0 / 3.0, 'v');
    printf("long %lld, string '%s', literal '%s', width [%6d] [%-6d] [%06d]\n", 1234567890123456789ll, word, "text", a, a, a);
    int written = printf("three values: %d %d %d\n", 1, 2, 3);
    printf("printf gave %d\n", written);
}

__device__ char word[] = "global";

int main() {
    char *address = nullptr;
    CHECK(cudaGetSymbolAddress((void **)&address, word));
    speak<<<1, 1>>>(-42, 2.5f, address);
    CHECK_LAUNCH();
    CHECK(cudaDeviceSynchronize());
    return verdict();
}
