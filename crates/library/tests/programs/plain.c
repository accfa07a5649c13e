// plain NAME...: loads the libraries of these names, and runs a kernel.
#define _GNU_SOURCE
#include <dlfcn.h>
#include "toy.h"

int main(int argc, char **argv) {
    int value = 0, *p = 0;
    for (int i = 1; i < argc; i++) {
        int (*answer)(void) = 0;
        void *library = i % 2 ? dlopen(argv[i], RTLD_NOW) : dlmopen(LM_ID_BASE, argv[i], RTLD_NOW);
        if (library) answer = (int (*)(void))dlsym(library, "answer");
        printf("%s: %d\n", argv[i], answer ? answer() : -1);
    }
    toy_register(STORES);
    REQUIRE(cudaMalloc((void **)&p, 4) == 0);
    REQUIRE(toy_launch(64, 32, p) == 0);
    REQUIRE(cudaMemcpy(&value, p, 4, 2) == 0 && value == 1);
    puts("done");
    return 0;
}
