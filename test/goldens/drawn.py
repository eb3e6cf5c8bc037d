"""Pictures drawn from a seed, and where golden files go."""
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def folder(name):
    path = FOLDER / name
    path.mkdir(exist_ok=True)
    return path


def picture(width, height, channels, seed):
    """`[height, width, channels]` uint8: waves with a little noise, and a sharp edge as at a road or a river bank."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for _ in range(channels):
        fx, fy, phase = random.uniform(0.03, 0.3, 2).tolist() + [random.uniform(0, 6)]
        plane = 127 + 70 * np.sin(fx * x + phase) + 50 * np.cos(fy * y) + random.normal(0, 4, x.shape)
        planes.append(np.where(x + 2 * y > width + height, plane - 60, plane))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
