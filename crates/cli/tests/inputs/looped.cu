// Prints an accuracy after three launches; called `looped for ever` it then goes on launching. Without kernels (HOST_ONLY) it only
// asks for the device.
#include <cstdio>

#ifdef HOST_ONLY
int main() {
    int devices = 0;
    cudaGetDeviceCount(&devices);
    std::printf("devices: %d\naccuracy: 50%%\n", devices);
    return devices == 1 ? 0 : 1;
}
#else
__global__ void scale(float *x) { x[threadIdx.x] = x[threadIdx.x] * 1.37f + 0.3f; }

int main(int argc, char **argv) {
    float *device = nullptr;
    cudaMalloc(&device, 32 * sizeof(float));
    cudaMemset(device, 0, 32 * sizeof(float));
    for (int i = 0; i < 3; i++) scale<<<1, 32>>>(device);
    cudaDeviceSynchronize();
    std::printf("Test Accuracy: 0.9871\n");
    std::fflush(stdout);
    while (argc > 1 && argv[1][0] == 'f') scale<<<1, 32>>>(device);
    return 0;
}
#endif
