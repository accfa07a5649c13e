// faults HOW: a kernel writes through a null pointer, or a launch asks for too many threads, and the program looks at it
// or does not.
#include "toy.h"

static int is(const char *how, const char *what) { return strcmp(how, what) == 0; }

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    int value, *p;
    toy_register(STORES);
    REQUIRE(cudaMalloc((void **)&p, 4) == 0);
    if (strncmp(how, "launch", 6) == 0) {
        int code = toy_launch(1, 2000, p);
        if (is(how, "launch-last")) return cudaGetLastError() != 9;
        if (is(how, "launch-text")) return cudaGetErrorString(code) == 0;
        cudaDeviceSynchronize();
        return 0;
    }
    toy_launch(1, 1, 0);
    toy_launch(1, 1, 0);
    if (is(how, "synchronize")) return cudaDeviceSynchronize() != 700;
    if (is(how, "copy")) return (cudaMemcpy(&value, p, 4, 2), 0);
    if (is(how, "copy-peek")) return (cudaMemcpy(&value, p, 4, 2), cudaPeekAtLastError() != 700);
    if (is(how, "copy-text")) return cudaGetErrorString(cudaMemcpy(&value, p, 4, 2)) == 0;
    return 0;
}
