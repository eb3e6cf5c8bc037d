#!/bin/sh
# Compiles the core, without linking it, as if libjpeg-turbo were built for another version of libjpeg's ABI, whose headers
# differ: native/fuzz/abi.sh 62|70|80 [folder].
set -eu
cd "$(dirname "$0")/../.."
version=$1
folder=${2:-build/fuzz}/abi$version
mkdir -p "$folder"
compiler=${CXX:-c++}
. native/fuzz/compiler.sh
for header in jconfig.h jpeglib.h jmorecfg.h jerror.h; do
  # shellcheck disable=SC2086
  path=$(printf '#include <cstdio>\n#include <jpeglib.h>\n#include <jerror.h>\n' | "$compiler" $jpeg_include -E -x c++ - |
    sed -n "s/^# 1 \"\(.*\/$header\)\".*/\1/p" | head -n 1)
  sed "s/\(define JPEG_LIB_VERSION  *\)[0-9]*/\1$version/" "$path" >"$folder/$header"
done
count=0
for source in $core; do
  "$compiler" -std=c++17 -fsyntax-only "-I$folder" "$source"
  count=$((count + 1))
done
echo "$count files compile for libjpeg's ABI $version"
