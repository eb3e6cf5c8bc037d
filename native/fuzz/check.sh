#!/bin/sh
# Compiles a program of this folder and runs it, over the seeds if it wants them: native/fuzz/check.sh allocations|orders|kernels|memory [rounds] [folder].
set -eu
cd "$(dirname "$0")/../.."
program=$1
rounds=${2:-20}
folder=${3:-build/fuzz}
compiler=${CXX:-c++}
. native/fuzz/compiler.sh
# The one program that wants the head, too.
if [ "$program" = memory ]; then core="$core native/encode.cc native/head.cc native/head_gram.cc"; fi
# shellcheck disable=SC2086
build "$folder/$program" "$jpeg_library" "native/fuzz/$program.cc" $core
write_seeds
exec "$folder/$program" "$folder/seeds" "$rounds"
