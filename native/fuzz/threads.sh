#!/bin/sh
# Runs the native decoder on several threads under ThreadSanitizer: native/fuzz/threads.sh [rounds] [folder].
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-20}
folder=${2:-build/fuzz}
mkdir -p "$folder"
. native/fuzz/compiler.sh
sanitize thread
# shellcheck disable=SC2086
compile "$folder/threads" -O1 $sanitize -pthread native/fuzz/threads.cc $core
write_seeds
exec "$folder/threads" "$folder/seeds" "$rounds"
