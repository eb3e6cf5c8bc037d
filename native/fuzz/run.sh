#!/bin/sh
# Fuzzes the native decoder under AddressSanitizer and UBSan: native/fuzz/run.sh [seconds] [folder]. The corpus is kept in
# the folder, build/fuzz if not given, and what was found in its subfolder findings.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-20}
folder=${2:-build/fuzz}
mkdir -p "$folder/corpus" "$folder/findings"
. native/fuzz/compiler.sh
sanitize fuzzer,address,undefined
# shellcheck disable=SC2086
compile "$folder/decode_fuzzer" -O1 $sanitize native/fuzz/decode_fuzzer.cc $core
write_seeds
# The clock is the wall's, on a machine that may be busy, and the sanitizers cost time: -timeout only catches what hangs. What
# bounds the work of a file is in native/jpeg_limits.cc.
exec "$folder/decode_fuzzer" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -max_len=16384 \
  -print_final_stats=1 -artifact_prefix="$folder/findings/" "$folder/corpus" "$folder/seeds"
