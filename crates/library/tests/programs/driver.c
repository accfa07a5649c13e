/* The CUDA driver's interface, and the runtime's beside it under another file name: one device, one memory. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef unsigned long ptr;

int cuInit(unsigned);
int cuCtxCreate_v2(void **, unsigned, int);
int cuDeviceGetName(char *, int, int);
int cuDeviceGetAttribute(int *, int, int);
int cuModuleLoadData(void **, const char *);
int cuModuleGetFunction(void **, void *, const char *);
int cuModuleGetGlobal_v2(ptr *, unsigned long *, void *, const char *);
int cuModuleUnload(void *);
int cuFuncGetParamInfo(void *, unsigned long, unsigned long *, unsigned long *);
int cuMemAlloc_v2(ptr *, unsigned long);
int cuMemFree_v2(ptr);
int cuMemcpyHtoD_v2(ptr, const void *, unsigned long);
int cuMemcpyDtoH_v2(void *, ptr, unsigned long);
int cuLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **,
                   void **);
int cuCtxSynchronize(void);
int cuGetErrorName(int, const char **);

static const char TEXT[] = ".version 7.0\n.target sm_75\n.address_size 64\n"
                           ".visible .global .align 4 .f32 factor = 0f40400000;\n"
                           ".visible .entry times(.param .u64 data, .param .f32 more)\n{\n"
                           ".reg .b32 %r<2>;\n.reg .b64 %rd<4>;\n.reg .f32 %f<4>;\n"
                           "ld.param.u64 %rd1, [data];\nld.param.f32 %f3, [more];\nmov.u32 %r1, %tid.x;\n"
                           "mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nld.global.f32 %f1, [%rd3];\n"
                           "ld.global.f32 %f2, [factor];\nfma.rn.f32 %f1, %f1, %f2, %f3;\n"
                           "st.global.f32 [%rd3], %f1;\nret;\n}\n";

static int wrong(const char *what, int got) {
    printf("%s: %d\n", what, got);
    return 1;
}

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        int code = call;                                                                                               \
        if (code) return wrong(#call, code);                                                                           \
    } while (0)
#define GIVES(want, call)                                                                                              \
    do {                                                                                                               \
        int code = call;                                                                                               \
        if (code != (want)) return wrong(#call, code);                                                                 \
    } while (0)

int main(int argc, char **argv) {
    void *context, *module, *times;
    char name[64];
    int major = 0;
    ptr data, factor;
    unsigned long bytes, offset, size;
    float values[4] = {1, 2, 3, 4}, more = 0.5f;
    const char *text;

    GIVES(201, cuMemAlloc_v2(&data, 16));
    MUST(cuInit(0));
    MUST(cuCtxCreate_v2(&context, 0, 0));
    MUST(cuDeviceGetName(name, sizeof name, 0));
    MUST(cuDeviceGetAttribute(&major, 75, 0));
    if (strcmp(name, "Vernier virtual GPU") || major != 7) return wrong(name, major);
    GIVES(101, cuDeviceGetAttribute(&major, 75, 1));
    GIVES(218, cuModuleLoadData(&module, "not PTX at all"));
    GIVES(801, cuModuleLoadData(&module, "\x7f" "ELF..."));
    MUST(cuModuleLoadData(&module, TEXT));
    GIVES(500, cuModuleGetFunction(&times, module, "divided"));
    MUST(cuModuleGetFunction(&times, module, "times"));
    MUST(cuFuncGetParamInfo(times, 1, &offset, &size));
    if (offset != 8 || size != 4) return wrong("offset", (int)offset);
    GIVES(1, cuFuncGetParamInfo(times, 2, &offset, &size));
    MUST(cuModuleGetGlobal_v2(&factor, &bytes, module, "factor"));
    if (bytes != 4) return wrong("factor", (int)bytes);

    MUST(cuMemAlloc_v2(&data, sizeof values));
    MUST(cuMemcpyHtoD_v2(data, values, sizeof values));
    void *params[] = {&data, &more};
    MUST(cuLaunchKernel(times, 1, 1, 1, 4, 1, 1, 0, 0, params, 0));
    MUST(cuMemcpyDtoH_v2(values, data, sizeof values));
    if (values[0] != 3.5f || values[3] != 12.5f) return wrong("values", (int)values[3]);
    struct {
        ptr data;
        float more;
    } block = {data, 1};
    bytes = 12;
    void *extra[] = {(void *)1, &block, (void *)2, &bytes, 0};
    MUST(cuLaunchKernel(times, 1, 1, 1, 4, 1, 1, 0, 0, 0, extra));
    bytes = 16;
    GIVES(1, cuLaunchKernel(times, 1, 1, 1, 4, 1, 1, 0, 0, 0, extra));
    GIVES(1, cuLaunchKernel(times, 0, 1, 1, 4, 1, 1, 0, 0, params, 0));
    GIVES(400, cuLaunchKernel((void *)3, 1, 1, 1, 4, 1, 1, 0, 0, params, 0));

    /* The runtime of another name sees the same memory and frees it; then it is gone here, too. */
    void *other = dlopen(argv[1], RTLD_NOW);
    if (!other) return wrong(dlerror(), 0);
    int (*copy)(void *, ptr, unsigned long, int) = (int (*)(void *, ptr, unsigned long, int))dlsym(other, "cudaMemcpy");
    int (*release)(ptr) = (int (*)(ptr))dlsym(other, "cudaFree");
    MUST(copy(values, data, sizeof values, 2));
    if (values[0] != 11.5f || values[3] != 38.5f) return wrong("again", (int)values[3]);
    MUST(release(data));
    GIVES(1, cuMemFree_v2(data));

    /* A fault of one interface is the other's. */
    data = 16;
    MUST(cuLaunchKernel(times, 1, 1, 1, 4, 1, 1, 0, 0, params, 0));
    int (*synchronize)(void) = (int (*)(void))dlsym(other, "cudaDeviceSynchronize");
    GIVES(700, synchronize());
    MUST(cuCtxSynchronize());
    MUST(cuGetErrorName(700, &text));
    if (strcmp(text, "CUDA_ERROR_ILLEGAL_ADDRESS")) return wrong(text, 700);
    MUST(cuModuleUnload(module));
    GIVES(400, cuModuleGetFunction(&times, module, "times"));
    puts("PASS");
    return 0;
}
