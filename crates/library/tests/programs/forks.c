// forks before: parent and child each use CUDA. forks after: the child is made when CUDA runs already.
#include <sys/wait.h>
#include <unistd.h>
#include "toy.h"

static void use(void) {
    int value = 0, *p = 0;
    REQUIRE(cudaMalloc((void **)&p, 4) == 0);
    REQUIRE(toy_launch(64, 32, p) == 0);
    REQUIRE(cudaMemcpy(&value, p, 4, 2) == 0 && value == 1);
}

int main(int argc, char **argv) {
    int after = argc > 1 && strcmp(argv[1], "after") == 0, status = -1;
    toy_register(STORES);
    if (after) use();
    pid_t child = fork();
    if (child == 0) {
        void *p = 0;
        if (!after) { use(); return 0; }
        REQUIRE(cudaMalloc(&p, 16) == 3);
        REQUIRE(cudaGetLastError() == 3);
        REQUIRE(toy_launch(64, 32, p) == 3);
        REQUIRE(cudaDeviceSynchronize() == 3);
        REQUIRE(strcmp(cudaGetErrorString(3), "initialization error") == 0);
        return 0;
    }
    use();
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
    use();
    puts("done");
    return 0;
}
