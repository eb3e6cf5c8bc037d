#!/bin/sh
# Builds the core for 64-bit ARM with Debian's compiler and runs it under qemu-user: the kernels against plain ones, the
# decoder in random orders, and its pixels against those of this machine, for the seeds and the files in FOLDERs:
# native/fuzz/arm64.sh [rounds] [FOLDER...]. docs/releasing.md says what it needs.
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-3}
[ $# -eq 0 ] || shift
folder=build/fuzz
arm_compiler=aarch64-linux-gnu-g++
arm_jpeg=/usr/lib/aarch64-linux-gnu/libjpeg.a
# The loader and the C library must be of one package: else the first thread never starts.
arm() { qemu-aarch64-static -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=/usr/aarch64-linux-gnu/lib "$@"; }
for name in $arm_compiler qemu-aarch64-static $arm_jpeg; do
  if ! command -v "$name" >/dev/null && [ ! -e "$name" ]; then echo "skipped: there is no $name"; exit 0; fi
done
compiler=${CXX:-c++}
. native/fuzz/compiler.sh
write_seeds
# shellcheck disable=SC2086
build "$folder/pixels" "$jpeg_library" native/fuzz/pixels.cc $core
compiler=$arm_compiler
mkdir -p "$folder/arm64"
for program in kernels orders pixels; do
  # shellcheck disable=SC2086
  build "$folder/arm64/$program" $arm_jpeg "native/fuzz/$program.cc" $core
done
arm "$folder/arm64/kernels" "$folder/seeds" "$rounds"
arm "$folder/arm64/orders" "$folder/seeds" "$rounds"
for files in "$folder/seeds" "$@"; do
  "$folder/pixels" "$files" >"$folder/here.txt"
  arm "$folder/arm64/pixels" "$files" >"$folder/arm64/arm.txt"
  cmp "$folder/here.txt" "$folder/arm64/arm.txt"
  echo "$(wc -l <"$folder/arm64/arm.txt") files of $files: the same pixels"
done
