"""Writes a checkpoint's averaged student as safetensors for export.mjs: the 52 convolutions with batch normalisation folded in.

`conv{i}.weight` [O, I / group, k, k] and `conv{i}.bias` [O], i from 0 in execution order, and a probe to check against:
`probe.input` [4, 3, 128, 128] and the student's own `probe.features` [4, 1280].
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import torch

from student import Student, folded_convolutions


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--pool", type=Path, required=True, help="the training pairs; four of them are the probe")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file")
    options = parser.parse_args()
    student = Student().eval()
    student.load_state_dict(torch.load(options.checkpoint, map_location="cpu")["average"])
    tensors = {}
    for i, (weight, bias) in enumerate(folded_convolutions(student)):
        tensors[f"conv{i}.weight"], tensors[f"conv{i}.bias"] = weight, bias
    pictures = np.load(options.pool / "0000.images.npy", mmap_mode="r")[:4]
    tensors["probe.input"] = torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        tensors["probe.features"] = student.features(tensors["probe.input"])
    write_safetensors(options.out, tensors)


def write_safetensors(path, tensors):
    """An 8-byte header length, a JSON header padded with spaces to a multiple of 8, then the float32 data."""
    header, end = {}, 0
    for name, tensor in tensors.items():
        size = 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.contiguous().numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    main()
