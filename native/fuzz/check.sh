#!/bin/sh
# Compiles a program of this folder and runs it, over the seeds if it wants them: native/fuzz/check.sh allocations|orders|kernels [rounds] [folder].
set -eu
cd "$(dirname "$0")/../.."
program=$1
rounds=${2:-20}
folder=${3:-build/fuzz}
mkdir -p "$folder/seeds"
compiler=${CXX:-c++}
. native/fuzz/compiler.sh
# shellcheck disable=SC2086
compile "$folder/$program" -O2 "native/fuzz/$program.cc" $core
compile "$folder/make_seeds" -O1 native/fuzz/seeds.cc
"$folder/make_seeds" "$folder/seeds"
exec "$folder/$program" "$folder/seeds" "$rounds"
