# For the scripts beside it: finds a compiler, the core's sources and libjpeg. The compiler is $compiler, or where that is
# not set clang. Ends the script well, saying so, where there is none or it lacks the sanitizers.
wanted=${compiler:-clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14}
compiler=
for name in $wanted; do
  if command -v "$name" >/dev/null 2>&1; then compiler=$name; break; fi
done
if [ -z "$compiler" ]; then
  echo "skipped: none of $wanted is installed (apt-get install clang libclang-rt-14-dev)"
  exit 0
fi
# All but the binding, the head and the trainer.
core=$(ls native/*.cc | grep -v -e native/addon -e native/head -e native/train -e native/encode.cc)
jpeg_include=$(pkg-config --cflags libjpeg 2>/dev/null || true)
jpeg_library=$(pkg-config --libs libjpeg 2>/dev/null || echo -ljpeg)

# sanitize NAMES: sets $sanitize to the compiler's options, if it has them.
sanitize() {
  sanitize="-fsanitize=$1 -fno-sanitize-recover=all"
  # shellcheck disable=SC2086
  if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    "$compiler" -c -x c++ - -o "$folder/probe.o" $sanitize ||
    ! "$compiler" -shared "$folder/probe.o" $sanitize -o "$folder/probe" 2>/dev/null; then
    echo "skipped: $compiler lacks libFuzzer or the sanitizers (apt-get install libclang-rt-14-dev)"
    exit 0
  fi
}

# compile TARGET OPTION|SOURCE...
compile() {
  target=$1
  shift
  # shellcheck disable=SC2086
  "$compiler" -std=c++17 -g $jpeg_include "$@" $jpeg_library -o "$target"
}

# build TARGET LIBRARY SOURCE...: an optimised program, linked with libjpeg. Its objects stay in $folder for other programs, and
# are compiled again only if they are older than their source, a header or this file.
build() {
  target=$1; library=$2
  shift 2
  objects=$folder/objects-$(basename "$compiler")
  mkdir -p "$objects"
  linked=
  for source in "$@"; do
    object=$objects/$(basename "$source").o
    linked="$linked $object"
    if [ "$object" -nt "$source" ] &&
      [ -z "$(find native -maxdepth 2 \( -name '*.h' -o -name compiler.sh \) -newer "$object")" ]; then continue; fi
    # shellcheck disable=SC2086
    "$compiler" -std=c++17 -g -O2 -Wno-psabi -pthread $jpeg_include -c "$source" -o "$object.new"
    mv "$object.new" "$object"
  done
  # shellcheck disable=SC2086
  "$compiler" -pthread $linked $library -o "$target"
}

# Writes the seeds into $folder/seeds.
write_seeds() {
  mkdir -p "$folder/seeds"
  build "$folder/make_seeds" "$jpeg_library" native/fuzz/seeds.cc
  "$folder/make_seeds" "$folder/seeds"
}
