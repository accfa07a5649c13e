// A timer's handler calls CUDA while a kernel of the same thread runs.
#include <signal.h>
#include <sys/time.h>
#include "toy.h"

static volatile int *flags;
static volatile int codes[3] = {-1, -1, -1};

static void handler(int number) {
    void *p = 0;
    if (!flags[0]) return;
    codes[0] = cudaMalloc(&p, 16);
    codes[1] = toy_launch(4, 32, (void *)flags);
    codes[2] = cudaDeviceSynchronize();
    flags[1] = number;
}

int main(void) {
    struct itimerval every = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    toy_register(WAITS);
    REQUIRE(cudaMallocHost((void **)&flags, 8) == 0);
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &every, 0);
    int launched = toy_launch(4, 32, (void *)flags);
    setitimer(ITIMER_REAL, &never, 0);
    REQUIRE(launched == 0);
    REQUIRE(codes[0] == 800 && codes[1] == 800 && codes[2] == 800);
    REQUIRE(cudaGetLastError() == 800 && cudaGetLastError() == 0);
    REQUIRE(cudaDeviceSynchronize() == 0);
    REQUIRE(toy_launch(4, 32, (void *)flags) == 0);
    puts("done");
    return 0;
}
