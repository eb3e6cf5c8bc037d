"""One picture resized by Pillow (antialiased) and by TensorFlow (half-pixel centres, not antialiased)."""
import os

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow
from PIL import Image

import drawn

WIDTH, HEIGHT, SIZES = 97, 61, [24, 75]  # 75: smaller one way, larger the other


def make():
    path = drawn.folder("resizing")
    source = drawn.picture(WIDTH, HEIGHT, 3, 31)
    Image.fromarray(source).save(path / "source.png", optimize=True)
    for size in SIZES:
        pillow = Image.fromarray(source).resize((size, size), Image.Resampling.BILINEAR)
        pillow.save(path / f"pillow-{size}.png", optimize=True)
        plain = tensorflow.image.resize(source, (size, size), "bilinear", antialias=False)
        (path / f"tensorflow-{size}.f32").write_bytes(np.asarray(plain, "<f4").tobytes())
