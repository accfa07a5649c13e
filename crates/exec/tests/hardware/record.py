"""Runs every form of cases.py on the GPU of this machine and writes forms.txt, approximate.bin and inputs.bin:

    python3 record.py OUTPUT_FOLDER

Needs nothing but Python, ptxas (CUDA 13) and the driver. What ptxas refuses is left out.
"""

import concurrent.futures
import ctypes
import os
import subprocess
import sys
import tempfile

import cases

BLOCK = 128  # threads
EVERY = 12  # of approximate functions, every so many sets are recorded
TEMPLATE = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'template.ptx')).read()
WIDEN = {'%p': 'selp.u64 %d35, 1, 0, {};', '%h': 'cvt.u64.u16 %d35, {};', '%r': 'cvt.u64.u32 %d35, {};', '%d': 'mov.u64 %d35, {};'}
INFINITY = {'d': 0x7FF0000000000000, 'f': 0x7F800000, 'h': 0x7C00, 'b': 0x7F80}


def assemble(results, text):
    """The PTX of a form; hardware.rs does the same."""
    outside, _, body = text.rpartition(' @@ ')
    names = results.split(',')
    store = f'mad.lo.u64 %d33, %d34, {len(names) * 8}, %d31;\n'
    for k, name in enumerate(names):
        store += WIDEN[name[:2]].format(name) + f'\nst.global.u64 [%d33+{8 * k}], %d35;\n'
    return TEMPLATE.replace('OUTSIDE', outside).replace('BODY', body).replace('STORE', store)


def translate(job):
    """The machine code of a form, or None if ptxas refuses it."""
    n, form, folder = job
    source, target = f'{folder}/{n}.ptx', f'{folder}/{n}.cubin'
    with open(source, 'w') as file:
        file.write(assemble(*form))
    done = subprocess.run(['ptxas', '-arch=sm_90', source, '-o', target], capture_output=True)
    return None if done.returncode else open(target, 'rb').read()


def approximate(text):
    return 'approx' in text.split()[0] or text.startswith('div.full')


def open_nan(text):
    """The type of the results whose NaN have any bits by the PTX ISA."""
    op = text.split()[0].split('.')
    if op[0] == 'cvt':
        types = [t for t in op if t in ('f16', 'bf16', 'f32', 'f64')]
        if types[:1] == ['f64']:
            return 'd'
        if types[1:] == ['f64'] or '.'.join(op) == 'cvt.f32.f32':
            return {'f16': 'h', 'bf16': 'b', 'f32': 'f'}[types[0]]
        return '-'
    moves = ('mov', 'selp', 'slct', 'ld', 'st', 'set', 'setp', 'testp', 'copysign', 'cvta')
    return 'd' if (op[-1] == 'f64' and op[0] not in moves) or '.add.f64' in text else '-'


def digest(job):
    """FNV-1a over the words, NaN settled."""
    data, kind = job
    infinity = INFINITY.get(kind)
    mask = infinity and (1 << infinity.bit_length()) - 1
    value = 0xCBF29CE484222325
    for word in memoryview(data).cast('Q'):
        if infinity and word & mask > infinity:
            word = 0xFFFFFFFFFFFFFFFF
        value = ((value ^ word) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f'{value:016x}'


class Gpu:
    def __init__(self, inputs):
        self.cuda, self.inputs = ctypes.CDLL('libcuda.so.1'), inputs
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.ok('cuInit', 0)
        self.ok('cuDeviceGet', ctypes.byref(device), 0)
        self.ok('cuDevicePrimaryCtxRetain', ctypes.byref(context), device)
        self.ok('cuCtxSetCurrent', context)
        self.sets = len(inputs) // 32
        self.operands, self.memory, self.results = (self.allocate(n) for n in (len(inputs), len(inputs), self.sets * 64))
        self.ok('cuMemcpyHtoD_v2', self.operands, inputs, ctypes.c_size_t(len(inputs)))

    def ok(self, name, *arguments):
        error = getattr(self.cuda, name)(*arguments)
        if error:
            raise RuntimeError(f'{name}: error {error}')

    def allocate(self, size):
        pointer = ctypes.c_uint64()
        self.ok('cuMemAlloc_v2', ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def run(self, code, results):
        """The results of all sets."""
        module, kernel = ctypes.c_void_p(), ctypes.c_void_p()
        self.ok('cuModuleLoadData', ctypes.byref(module), code)
        self.ok('cuModuleGetFunction', ctypes.byref(kernel), module, b'k')
        size = self.sets * 8 * results
        self.ok('cuMemcpyHtoD_v2', self.memory, self.inputs, ctypes.c_size_t(len(self.inputs)))
        self.ok('cuMemsetD8_v2', self.results, 0, ctypes.c_size_t(size))
        structure = (ctypes.c_ubyte * 32)(*[(k * 37 + 129) & 255 for k in range(32)])
        values = [self.operands, self.results, self.memory, ctypes.c_uint64(0), structure]
        arguments = (ctypes.c_void_p * 5)(*[ctypes.cast(ctypes.pointer(v), ctypes.c_void_p) for v in values])
        self.ok('cuLaunchKernel', kernel, self.sets // BLOCK, 1, 1, BLOCK, 1, 1, 0, None, arguments, None)
        self.ok('cuCtxSynchronize')
        data = ctypes.create_string_buffer(size)
        self.ok('cuMemcpyDtoH_v2', data, self.results, ctypes.c_size_t(size))
        self.ok('cuModuleUnload', module)
        return data.raw


def main():
    out, inputs = sys.argv[1], cases.inputs()
    with tempfile.TemporaryDirectory() as folder:
        jobs = [(n, form, folder) for n, form in enumerate(cases.cases)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            codes = list(pool.map(translate, jobs))
    gpu = Gpu(inputs)
    ran = [(form, gpu.run(code, form[0].count(',') + 1)) for form, code in zip(cases.cases, codes) if code]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        digests = list(pool.map(digest, [(data, open_nan(form[1])) for form, data in ran], chunksize=16))
    with open(f'{out}/forms.txt', 'w') as file:
        file.write('# Digest of the results (~: in approximate.bin), NaN class that counts as one, result registers, text.\n')
        for ((results, text), _), value in zip(ran, digests):
            rough = approximate(text)
            file.write('\t'.join(['~' if rough else value, '-' if rough else open_nan(text), results, text]) + '\n')
    with open(f'{out}/approximate.bin', 'wb') as file:
        for (_, text), data in ran:
            if approximate(text):
                file.write(b''.join(data[at : at + 8] for at in range(0, len(data), 8 * EVERY)))
    with open(f'{out}/inputs.bin', 'wb') as file:
        file.write(inputs)
    print(len(ran), 'of', len(cases.cases), 'forms')


if __name__ == '__main__':
    main()
