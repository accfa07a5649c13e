// A host function throws.
#include <stdexcept>
#include "toy.h"

static void throws(void *) { throw std::runtime_error("not today"); }

int main() {
    try {
        printf("%d\n", cudaLaunchHostFunc(0, throws, 0));
    } catch (...) {
        puts("caught");
    }
    return 0;
}
