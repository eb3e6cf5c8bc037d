"""Features of two tiles by the backbone in the box, from Pillow's pixels and the card's normalisation alone."""
import hashlib
import io
import json

import numpy as np
import onnxruntime
from PIL import Image

import drawn
import pictures

SIZE = 64
MODELS = drawn.FOLDER.parent.parent / "models"


def make():
    path = drawn.folder("network")
    card = json.loads((MODELS / "canopy.json").read_text())
    model = (MODELS / "canopy.onnx").read_bytes()
    tiles = [tile(seed) for seed in (41, 42)]
    for i, data in enumerate(tiles):
        (path / f"tile{i}.jpg").write_bytes(data)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    feed = {card["input"]["name"]: normalised(tiles, card["input"])}
    (features,) = session.run([card["features"]["output"]], feed)
    (path / "features.f32").write_bytes(features.astype("<f4").tobytes())
    facts = {"onnxruntime": onnxruntime.__version__, "backbone_sha256": hashlib.sha256(model).hexdigest(), "size": SIZE}
    (path / "golden.json").write_text(json.dumps({**facts, "tiles": len(tiles)}, indent=1) + "\n")


def tile(seed):
    rgb = Image.fromarray(drawn.picture(SIZE, SIZE, 3, seed))
    opaque = Image.merge("CMYK", [*rgb.split(), Image.new("L", rgb.size, 255)])
    return pictures.unmarked(pictures.jpeg(pictures.inverted(opaque)), range(4))


def normalised(tiles, card):
    """[N, 3, SIZE, SIZE] float32: (value / scale - mean) / std."""
    rgb = np.stack([np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in tiles]).astype(np.float64)
    scaled = (rgb / card["scale"] - np.array(card["mean"])) / np.array(card["std"])
    return (scaled.transpose(0, 3, 1, 2) if card["layout"] == "NCHW" else scaled).astype(np.float32)
