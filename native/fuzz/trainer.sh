#!/bin/sh
# Trains random small networks under sanitizers: native/fuzz/trainer.sh address,undefined|thread [networks] [folder].
set -eu
cd "$(dirname "$0")/../.."
sanitizers=$1
networks=${2:-100}
folder=${3:-build/fuzz}
mkdir -p "$folder"
. native/fuzz/compiler.sh
sanitize "$sanitizers"
program=$folder/trainer-$(echo "$sanitizers" | tr , -)
# Not optimised: the kernels are many, and their compilation would take minutes under the sanitizers.
# shellcheck disable=SC2046,SC2086
compile "$program" -O0 $sanitize -Wno-psabi -pthread native/fuzz/trainer.cc native/simd.cc $(ls native/train*.cc)
exec "$program" "$networks"
