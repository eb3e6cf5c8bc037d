#!/bin/sh
# Trains the backbone from nothing and writes models/canopy.onnx. Stop it at any time; the same command goes on where it was.
#
#     models/pretrain/run.sh WORK TEACHER.onnx PICTURES...
#
# WORK        folder for tiles, pairs and checkpoints (15 GB for the default length)
# TEACHER     MobileNetV2 of ImageNet: `input` NCHW RGB in [-1, 1] -> `features`
# PICTURES    folders of real tiles; canopy's own synthetic tiles are added
# SAMPLES=400000 SEED=1 WORKERS=2 PYTHON=python3 TEACHER_PYTHON=$PYTHON   may be set in the environment
# LABELLED=folder with tiles/ and labels.csv: scores the result on it, which is never trained on
set -eu
work=$1 teacher=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
samples=${SAMPLES:-400000} seed=${SEED:-1} workers=${WORKERS:-2} python=${PYTHON:-python3}
teacher_python=${TEACHER_PYTHON:-$python}
mkdir -p "$work"

# Seed 770001 belongs to pretraining: no example, test or quickstart of canopy uses it.
[ -d "$work/synth" ] || node "$here/../../dist/src/cli/main.js" synth --count 3000 --seed 770001 --out "$work/synth"

"$teacher_python" "$here/teacher.py" --teacher "$teacher" --tiles "$@" "$work/synth" --pool "$work/pool" \
  --run "$work/run" --shards $((samples / 4 / 2048 + 4)) --seed "$seed" &
filling=$!
trap 'kill $filling 2>/dev/null || true' EXIT
"$python" "$here/train.py" --pool "$work/pool" --run "$work/run" --samples "$samples" --seed "$seed" --workers "$workers"
"$python" "$here/export.py" --checkpoint "$work/run/checkpoint.pt" --pool "$work/pool" --out "$work/student.safetensors"
node "$here/export.mjs" "$work/student.safetensors"
[ -z "${LABELLED:-}" ] || "$python" "$here/evaluate.py" --tiles "$LABELLED/tiles" --labels "$LABELLED/labels.csv" \
  --checkpoint "$work/run/checkpoint.pt"
