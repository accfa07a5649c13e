#!/bin/sh
# Writes the binaries of this folder again. Needs a CUDA 13 toolkit (nvcc, fatbinary, cuobjdump) in PATH.
# *.fatbin are sections or containers; *.ptx is what cuobjdump takes out of them.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ptx="-gencode arch=compute_75,code=compute_75 -gencode arch=compute_90,code=compute_90"
both="-gencode arch=compute_75,code=[sm_75,compute_75] -gencode arch=compute_120,code=[sm_120,compute_120]"
build() { # OUTPUT SECTION OPTIONS...; from the object files, since linking notes down where the toolkit lies
    out=$1 section=$2
    shift 2
    : >"$out"
    for name in saxpy relu; do
        nvcc "$@" -c $name.cu -o "$work/$name.o"
        objcopy -O binary --only-section="$section" "$work/$name.o" "$work/section"
        cat "$work/section" >>"$out"
    done
}
build plain.fatbin .nv_fatbin $ptx --no-compress
build lz4.fatbin .nv_fatbin $ptx --compress-mode=speed
build zstd.fatbin .nv_fatbin $ptx
build zstd_size.fatbin .nv_fatbin $both --compress-mode=size
build concat.fatbin .nv_fatbin $both --concat -Xfatbin -compress-all
build concat_lz4.fatbin .nv_fatbin $ptx --concat --compress-mode=speed
build relocatable.fatbin __nv_relfatbin $ptx --concat -rdc=true -Xptxas -O2
build machine_code.fatbin .nv_fatbin -gencode arch=compute_75,code=sm_75 -Xfatbin -compress-all
nvcc --cudart shared -gencode arch=compute_75,code=compute_75 saxpy.cu -o program.elf
nvcc --cudart shared -shared -Xcompiler -fPIC $ptx relu.cu -o library.elf
strip program.elf library.elf
for arch in 75 90; do
    nvcc -ptx -arch=compute_$arch saxpy.cu -o "$work/$arch.ptx"
done
fatbinary --create=named.fatbin -64 --ident=kernels/saxpy.cu --cmdline="-O1" \
    --image3=kind=ptx,sm=75,file="$work/75.ptx" --image3=kind=ptx,sm=90,file="$work/90.ptx"
fatbinary --create=named_concat.fatbin -64 --concat --ident=kernels/saxpy.cu --cmdline="-O1" \
    --image3=kind=ptx,sm=75,file="$work/75.ptx" --image3=kind=ptx,sm=90,file="$work/90.ptx"
nvcc --cudart shared $both --concat saxpy.cu relu.cu -o "$work/ref"
(cd "$work" && cuobjdump -xptx all ref >/dev/null)
mv "$work/ref.1.sm_75.ptx" saxpy.sm_75.ptx
mv "$work/ref.2.sm_120.ptx" saxpy.sm_120.ptx
mv "$work/ref.3.sm_75.ptx" relu.sm_75.ptx
mv "$work/ref.4.sm_120.ptx" relu.sm_120.ptx
