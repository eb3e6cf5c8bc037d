"""Fills a pool of training pairs on disk: random views at 128 px with the teacher's pooled features of the same views at 224 px.

Shards are memory-mappable: `NNNN.images.npy` uint8 [n, 128, 128, 3] and `NNNN.features.npy` float16 [n, 1280].
Each shard depends on (seed, shard number, tiles) only, so an interrupted run goes on with the next number.
"""

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from views import STUDENT_SIDE, TEACHER_SIDE, load_tiles, random_view

SHARD = 2048
BATCH = 8


def main():
    options = parse()
    tiles = load_tiles(options.tiles)
    options.pool.mkdir(parents=True, exist_ok=True)
    sessions = [open_teacher(options.teacher) for _ in range(options.threads)]
    for number in range(options.shards):
        if not (options.pool / f"{number:04d}.features.npy").exists():
            wait_for_demand(options, number)
            write_shard(options, number, *make_shard(tiles, options.seed, number, sessions))
            print(f"{time.strftime('%H:%M:%S')} shard {number} from {[len(each) for each in tiles]} tiles", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, help="ONNX file: `input` NCHW RGB in [-1, 1] -> `features`")
    parser.add_argument("--tiles", type=Path, nargs="+", required=True, help="folders of training pictures, drawn from equally")
    parser.add_argument("--pool", type=Path, required=True, help="folder for the pairs")
    parser.add_argument("--shards", type=int, default=64, help=f"shards of {SHARD} pairs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--run", type=Path, help="the trainer's folder: stay only so far ahead of it")
    parser.add_argument("--reuse", type=float, default=2.5, help="times the trainer sees a pair, with --run")
    parser.add_argument("--pause", type=Path, help="sleep while this file exists")
    return parser.parse_args()


def open_teacher(path):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])


def wait_for_demand(options, number):
    """Sleeps while the trainer has enough: ahead of it by four shards, then one pair per `reuse` samples trained."""
    while options.pause and options.pause.exists():
        time.sleep(1)
    while options.run and number * SHARD > 4 * SHARD + trained_samples(options.run) / options.reuse:
        time.sleep(1)


def trained_samples(run):
    try:
        return json.loads((run / "progress.json").read_text())["samples"]
    except FileNotFoundError:
        return 0


def make_shard(tiles, seed, number, sessions):
    images = np.empty((SHARD, STUDENT_SIDE, STUDENT_SIDE, 3), np.uint8)
    features = np.empty((SHARD, 1280), np.float16)

    def fill(worker):
        for start in range(worker * BATCH, SHARD, len(sessions) * BATCH):
            rng = np.random.default_rng([seed, number, start])
            views = [random_view(rng, tiles) for _ in range(BATCH)]
            pixels = np.stack([view[0] for view in views]).transpose(0, 3, 1, 2)
            images[start : start + BATCH] = [view[1] for view in views]
            output = sessions[worker].run(["features"], {"input": pixels.astype(np.float32) / 127.5 - 1})
            features[start : start + BATCH] = output[0]

    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(fill, range(len(sessions))))
    return images, features


def write_shard(options, number, images, features):
    """Images first: the features file is what says that the shard is whole."""
    for name, array in (("images", images), ("features", features)):
        target = options.pool / f"{number:04d}.{name}.npy"
        np.save(options.pool / "writing.npy", array)
        os.replace(options.pool / "writing.npy", target)


if __name__ == "__main__":
    main()
