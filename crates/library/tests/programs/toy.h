// What nvcc's code does, in C: a program registers PTX text and launches its one kernel.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dim3 { unsigned x, y, z; };

void **__cudaRegisterFatBinary(void *);
void __cudaRegisterFatBinaryEnd(void **);
void __cudaUnregisterFatBinary(void **);
void __cudaRegisterFunction(void **, const char *, char *, const char *, int, void *, void *, void *, void *, int *);
int cudaLaunchKernel(const void *, struct dim3, struct dim3, void **, size_t, void *);
int cudaLaunchHostFunc(void *, void (*)(void *), void *);
int cudaMalloc(void **, size_t);
int cudaMallocHost(void **, size_t);
int cudaFree(void *);
int cudaMemcpy(void *, const void *, size_t, int);
int cudaDeviceSynchronize(void);
int cudaGetLastError(void);
int cudaPeekAtLastError(void);
const char *cudaGetErrorString(int);

#ifdef __cplusplus
}
#endif

#define HEAD ".version 7.0\n.target sm_75\n.address_size 64\n"

static void **toy_module;
static char toy_stub;

static void toy_end(void) { __cudaUnregisterFatBinary(toy_module); }

// Registers a fat binary that holds this PTX, with the kernel `k`.
static void toy_register(const char *ptx) {
    struct wrapper { uint32_t magic, version; const void *container; void *list; };
    size_t size = strlen(ptx), padded = (size + 7) / 8 * 8;
    unsigned char *c = (unsigned char *)calloc(1, 80 + padded);
    uint32_t magic = 0xba55ed50u, header = 64, arch = 75;
    uint64_t all = 64 + padded, payload = padded, flags = 0x11;
    uint16_t kind = 1, version = 0x101;
    memcpy(c, &magic, 4);
    c[4] = 1; c[6] = 16;
    memcpy(c + 8, &all, 8);
    memcpy(c + 16, &kind, 2);
    memcpy(c + 18, &version, 2);
    memcpy(c + 20, &header, 4);
    memcpy(c + 24, &payload, 8);
    c[40] = 8; c[42] = 7;
    memcpy(c + 44, &arch, 4);
    memcpy(c + 56, &flags, 8);
    memcpy(c + 80, ptx, size);
    struct wrapper *w = (struct wrapper *)calloc(1, sizeof *w);
    w->magic = 0x466243b1u; w->version = 1; w->container = c;
    toy_module = __cudaRegisterFatBinary(w);
    __cudaRegisterFunction(toy_module, &toy_stub, (char *)"k", "k", -1, 0, 0, 0, 0, 0);
    __cudaRegisterFatBinaryEnd(toy_module);
    atexit(toy_end);
}

// k<<<blocks, threads>>>(pointer)
static int toy_launch(unsigned blocks, unsigned threads, void *pointer) {
    struct dim3 grid = {blocks, 1, 1}, block = {threads, 1, 1};
    void *args[] = {&pointer};
    return cudaLaunchKernel(&toy_stub, grid, block, args, 0, 0);
}

#define REQUIRE(condition) \
    do { if (!(condition)) { fprintf(stderr, "line %d: %s\n", __LINE__, #condition); exit(99); } } while (0)

// k(int *p): p[0] = 1, waits until p[1] is not 0.
#define WAITS HEAD ".visible .entry k(.param .u64 p)\n{\n.reg .b64 %rd<3>;\n.reg .b32 %r<2>;\n.reg .pred %q;\n" \
    "ld.param.u64 %rd1, [p];\nst.volatile.global.u32 [%rd1], 1;\n$again:\nld.volatile.global.u32 %r1, [%rd1+4];\n" \
    "setp.eq.u32 %q, %r1, 0;\n@%q bra $again;\nret;\n}\n"

// k(int *p): p[0] = 1.
#define STORES HEAD ".visible .entry k(.param .u64 p)\n{\n.reg .b64 %rd<2>;\nld.param.u64 %rd1, [p];\n" \
    "st.global.u32 [%rd1], 1;\nret;\n}\n"
