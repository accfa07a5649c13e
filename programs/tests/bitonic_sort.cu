// Bitonic sort of a block's keys in shared memory, 64-bit keys with payload, template over the type.
#include "check.h"
#include <algorithm>

template <typename Key> __global__ void bitonic_sort(Key *keys) {
    __shared__ Key shared[512];
    int t = threadIdx.x;
    shared[t] = keys[blockIdx.x * 512 + t];
    __syncthreads();
    for (int size = 2; size <= 512; size *= 2) {
        for (int stride = size / 2; stride > 0; stride /= 2) {
            int other = t ^ stride;
            if (other > t) {
                bool ascending = (t & size) == 0;
                Key a = shared[t], b = shared[other];
                if ((a > b) == ascending) {
                    shared[t] = b;
                    shared[other] = a;
                }
            }
            __syncthreads();
        }
    }
    keys[blockIdx.x * 512 + t] = shared[t];
}

template <typename Key> void test(const char *what) {
    std::vector<Key> keys(3 * 512);
    for (Key &key : keys) key = Key(noise() * 1e6f) * Key(1000) + Key(noise_bits() % 1000);
    Key *device = to_device(keys);
    bitonic_sort<<<3, 512>>>(device);
    CHECK_LAUNCH();
    for (int block = 0; block < 3; block++) std::sort(keys.begin() + block * 512, keys.begin() + (block + 1) * 512);
    expect_equal(to_host(device, keys.size()), keys, what);
}

int main() {
    test<float>("float");
    test<double>("double");
    test<long long>("long long");
    test<short>("short");
    return verdict();
}
