// Checks of CUDA runtime calls: a failing call ends the program with file, line, call and reason, exit code 1.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cuda_runtime.h>

inline void cuda_check(cudaError_t status, const char *call, const char *file, int line) {
    if (status == cudaSuccess) return;
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s failed: %s (%s)\n", file, line, call, cudaGetErrorString(status),
            cudaGetErrorName(status));
    exit(1);
}

// Checks the value of a CUDA runtime call.
#define CHECK(call) cuda_check((call), #call, __FILE__, __LINE__)

// Checks that the kernel launch before it was accepted; what goes wrong while it runs shows at the next synchronisation.
#define CHECK_LAUNCH() cuda_check(cudaGetLastError(), "kernel launch", __FILE__, __LINE__)
