"""Scores a backbone's frozen features on labelled tiles: 5-fold logistic regression, samples-averaged F2, mean AP.

    python3 evaluate.py --tiles ../../../shared/planet-sample/tiles --labels .../labels.csv --checkpoint run/checkpoint.pt
    python3 evaluate.py ... --onnx FILE [--size 128]      (needs onnxruntime)

These tiles are the yardstick: they are never trained on. The number that counts is canopy's own; this one is for the road.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from views import pillow_resize, read_rgb

SUPPORT = 3  # tags with fewer positives have no meaningful average precision


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    names, tags, labels = read_labels(options.labels)
    pictures = [read_rgb(next(options.tiles.glob(f"{name}.*"))) for name in names]
    pixels = np.stack([pillow_resize(picture, options.size) for picture in pictures])
    features = run_onnx(options.onnx, pixels) if options.onnx else run_student(options.checkpoint, pixels)
    f2, mean_ap = cross_validate(features, labels, options.l2)
    print(f"{len(names)} tiles at {options.size} px: F2 {f2:.4f}, mAP {mean_ap:.4f}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--onnx", type=Path, help="`input` float NCHW RGB in [-1, 1] -> `features`")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--l2", type=float, default=0.1, help="of the mean loss, on standardised features")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def read_labels(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    tags = sorted({tag for row in rows for tag in row["tags"].split()})
    labels = np.array([[tag in row["tags"].split() for tag in tags] for row in rows], np.float32)
    return [row["image_name"] for row in rows], tags, labels


def run_student(checkpoint, pixels):
    from student import Student

    student = Student().eval()
    student.load_state_dict(torch.load(checkpoint, map_location="cpu")["average"])
    with torch.no_grad():
        batches = [student.features(to_input(pixels[i : i + 25])) for i in range(0, len(pixels), 25)]
    return torch.cat(batches).numpy()


def run_onnx(path, pixels):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batches = [to_input(pixels[i : i + 25]).numpy() for i in range(0, len(pixels), 25)]
    return np.concatenate([session.run(["features"], {"input": batch})[0] for batch in batches])


def to_input(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()


def cross_validate(features, labels, l2, folds=5, repeats=2):
    """Out-of-fold F2 at thresholds fitted on the training folds' own out-of-fold predictions, averaged over repeats."""
    scores = []
    for repeat in range(repeats):
        parts = np.random.default_rng(repeat).integers(folds, size=len(labels))
        logits = out_of_fold(features, labels, parts, l2)
        chosen = np.zeros_like(labels)
        for part in range(folds):
            held = parts == part
            chosen[held] = logits[held] > fit_thresholds(logits[~held], labels[~held])
        scores.append((f2_score(labels, chosen), mean_average_precision(labels, logits)))
    return np.mean(scores, axis=0)


def out_of_fold(features, labels, parts, l2):
    logits = np.zeros_like(labels)
    for part in np.unique(parts):
        held = parts == part
        mean, deviation = features[~held].mean(0), features[~held].std(0) + 1e-6
        weight, bias = fit_logistic((features[~held] - mean) / deviation, labels[~held], l2)
        logits[held] = (features[held] - mean) / deviation @ weight + bias
    return logits


def fit_logistic(features, labels, l2):
    """W [features, tags] and b minimising the mean binary cross-entropy, summed over tags, plus l2/2 |W|^2, by L-BFGS."""
    x, y = torch.from_numpy(features.astype(np.float32)), torch.from_numpy(labels)
    weight = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
    bias = torch.zeros(y.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=150, history_size=10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        entropy = F.binary_cross_entropy_with_logits(x @ weight + bias, y, reduction="sum") / len(x)
        loss = entropy + l2 / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach().numpy(), bias.detach().numpy()


def fit_thresholds(logits, labels, rounds=2):
    """Coordinate ascent on F2 from the best common threshold, over a grid of probabilities."""
    probabilities = np.arange(0.02, 0.7, 0.02)
    grid = np.log(probabilities / (1 - probabilities))
    common = max(grid, key=lambda t: f2_score(labels, logits > t))
    thresholds = np.full(labels.shape[1], common)
    for tag in list(range(labels.shape[1])) * rounds:
        chosen = logits > thresholds
        chosen[:, tag] = False
        here = logits[:, tag] > grid[:, None]
        hits = (labels * chosen).sum(1) + labels[:, tag] * here
        scores = np.mean(5 * hits / (4 * labels.sum(1) + chosen.sum(1) + here), axis=1)
        if scores.max() > f2_score(labels, logits > thresholds):
            thresholds[tag] = grid[int(scores.argmax())]
    return thresholds


def f2_score(labels, chosen):
    """Mean over tiles of 5 tp / (5 tp + 4 fn + fp), the competition's metric."""
    hits = (labels * chosen).sum(1)
    return float(np.mean(5 * hits / (4 * labels.sum(1) + chosen.sum(1))))


def mean_average_precision(labels, logits):
    return np.mean([average_precision(y, s) for y, s in zip(labels.T, logits.T) if y.sum() >= SUPPORT])


def average_precision(truth, scores):
    ordered = truth[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    return float((precision * ordered).sum() / ordered.sum())


if __name__ == "__main__":
    main()
