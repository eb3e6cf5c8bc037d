#!/bin/sh
# Fuzzes the native decoder under AddressSanitizer and UBSan: native/fuzz/run.sh [seconds]. Findings land in build/fuzz/findings.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-20}
compiler=
for name in clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14; do
  if command -v "$name" >/dev/null 2>&1; then compiler=$name; break; fi
done
if [ -z "$compiler" ]; then
  echo "fuzz: skipped, clang is not installed (apt-get install clang libclang-rt-14-dev)"
  exit 0
fi
mkdir -p build/fuzz/corpus build/fuzz/findings
core="color color_kernels dc_scan decode filter_table huffman jpeg jpeg_callbacks resize resize_kernels resize_kernels_x86 simd sniff ycc"
sources=$(for name in $core; do echo "native/$name.cc"; done)
# shellcheck disable=SC2046,SC2086
if ! "$compiler" -std=c++17 -g -O1 -fno-sanitize-recover=all -fsanitize=fuzzer,address,undefined \
  $(pkg-config --cflags libjpeg 2>/dev/null || true) native/fuzz/decode_fuzzer.cc $sources \
  $(pkg-config --libs libjpeg 2>/dev/null || echo -ljpeg) -o build/fuzz/decode_fuzzer; then
  echo "fuzz: skipped, the fuzzer does not build here (libFuzzer and the sanitizers come in libclang-rt-14-dev)"
  exit 0
fi
node native/fuzz/seeds.mjs build/fuzz/seeds
# -timeout: no input may take longer than a second; twice that here, for the sanitizers' own cost.
exec build/fuzz/decode_fuzzer -max_total_time="$seconds" -timeout=2 -rss_limit_mb=2048 -max_len=16384 \
  -print_final_stats=1 -artifact_prefix=build/fuzz/findings/ build/fuzz/corpus build/fuzz/seeds
