// Independent thread scheduling: threads of one warp take the same lock in turn, and wait for one another through
// memory. Without forward progress of diverged threads this program never ends.
#include "check.h"

__global__ void locked_increment(int *lock, int *value, int rounds) {
    for (int i = 0; i < rounds; i++) {
        while (atomicCAS(lock, 0, 1) != 0) {
        }
        __threadfence();
        int old = *(volatile int *)value;
        *(volatile int *)value = old + 1;
        __threadfence();
        atomicExch(lock, 0);
    }
}

__global__ void relay(volatile int *baton, int *order) {
    int t = threadIdx.x;
    while (*baton != t) {
    }
    order[t] = t * t;
    __threadfence();
    *baton = t + 1;
}

int main() {
    int *lock = to_device(std::vector<int>(1)), *value = to_device(std::vector<int>(1));
    locked_increment<<<2, 64>>>(lock, value, 3);
    CHECK_LAUNCH();
    expect(to_host(value, 1)[0] == 2 * 64 * 3, "locked increments");
    int *baton = to_device(std::vector<int>(1)), *order = to_device(std::vector<int>(48));
    relay<<<1, 48>>>(baton, order);
    CHECK_LAUNCH();
    std::vector<int> want(48);
    for (int i = 0; i < 48; i++) want[i] = i * i;
    expect_equal(to_host(order, 48), want, "relay");
    return verdict();
}
