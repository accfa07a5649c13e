#!/bin/sh
# Links libcudart.so out of the static library of this crate:
#     link.sh LIBVERNIER_A OUTPUT
# It has no SONAME: whoever runs a program gives it the name that the program asks for (libcudart.so.11.0,
# libcudart.so.12, libcudart.so.13).
set -eu
here=$(dirname "$0")
exec "${CC:-cc}" -shared -s -o "$2" -Wl,--whole-archive "$1" -Wl,--no-whole-archive -Wl,--gc-sections \
    -Wl,--version-script="$here/libcudart.map" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
