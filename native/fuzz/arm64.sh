#!/bin/sh
# Builds the core for 64-bit ARM with Debian's compiler and runs it under qemu-user: the kernels against plain ones, the
# decoder in random orders, and its pixels against those of this machine, for the seeds and the files in FOLDERs:
# native/fuzz/arm64.sh [rounds] [FOLDER...]. docs/releasing.md says what it needs.
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-3}
[ $# -eq 0 ] || shift
folder=build/fuzz/arm64
arm_compiler=aarch64-linux-gnu-g++
arm_jpeg=/usr/lib/aarch64-linux-gnu/libjpeg.a
# The loader and the C library must be of one package: else the first thread never starts.
arm() { qemu-aarch64-static -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=/usr/aarch64-linux-gnu/lib "$@"; }
for name in $arm_compiler qemu-aarch64-static $arm_jpeg; do
  if ! command -v "$name" >/dev/null && [ ! -e "$name" ]; then echo "skipped: there is no $name"; exit 0; fi
done
mkdir -p "$folder/here" "$folder/seeds"
core=$(ls native/*.cc | grep -v -e native/addon -e native/head -e native/encode.cc -e native/train)
# Only what has changed: the core takes a minute.
build() {
  compiler=$1; out=$2; jpeg=$3
  for source in $core native/fuzz/kernels.cc native/fuzz/orders.cc native/fuzz/pixels.cc; do
    object=$out/$(basename "$source").o
    if [ -e "$object" ] && [ -z "$(find native -maxdepth 2 -name '*.h' -newer "$object")" ] && [ "$object" -nt "$source" ]
    then continue; fi
    "$compiler" -std=c++17 -O2 -Wno-psabi -c "$source" -o "$object"
  done
  for program in kernels orders pixels; do
    # shellcheck disable=SC2046
    "$compiler" $(for source in $core; do echo "$out/$(basename "$source").o"; done) "$out/$program.cc.o" "$jpeg" -pthread \
      -o "$out/$program"
  done
}
build "${CXX:-c++}" "$folder/here" -ljpeg
build $arm_compiler "$folder" $arm_jpeg
"${CXX:-c++}" -std=c++17 -O1 native/fuzz/seeds.cc -ljpeg -o "$folder/make_seeds"
"$folder/make_seeds" "$folder/seeds"
arm "$folder/kernels" "$folder/seeds" "$rounds"
arm "$folder/orders" "$folder/seeds" "$rounds"
for files in "$folder/seeds" "$@"; do
  "$folder/here/pixels" "$files" >"$folder/here.txt"
  arm "$folder/pixels" "$files" >"$folder/arm.txt"
  cmp "$folder/here.txt" "$folder/arm.txt"
  echo "$(wc -l <"$folder/arm.txt") files of $files: the same pixels"
done
