"""Random views of tiles: one crop, strongly changed, as the teacher (224 px) and the student (128 px) see it."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

TEACHER_SIDE = 224
STUDENT_SIDE = 128
SUFFIXES = (".jpg", ".jpeg", ".png")

cv2.setNumThreads(1)


def load_tiles(folders):
    """Per folder, all JPEG and PNG pictures below it as uint8 [H, W, 3] RGB arrays, sorted by path."""
    return [[read_rgb(path) for path in sorted(Path(folder).rglob("*")) if path.suffix in SUFFIXES] for folder in folders]


def read_rgb(path):
    """One picture as uint8 RGB. Pillow reads Planet's four-component tiles right (components 0 to 2 are R, G, B)."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def pillow_resize(picture, side):
    """Antialiased bilinear resize, the one canopy itself uses by default."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.BILINEAR))


def random_view(rng, folders):
    """Returns (uint8 [224, 224, 3], uint8 [128, 128, 3]): the same random view for the teacher and for the student."""
    view = random_crop(rng, draw(rng, folders))
    if rng.random() < 0.25:
        view = mix(rng, view, random_crop(rng, draw(rng, folders)))
    if rng.random() < 0.2:
        view = add_clouds(rng, view)
    view = change_colours(rng, view)
    if rng.random() < 0.15:
        view = soften_or_roughen(rng, view)
    return pillow_resize(view, TEACHER_SIDE), pillow_resize(view, STUDENT_SIDE)


def draw(rng, folders):
    """One tile, each folder equally likely: of three drawn, half of the time the one with the most contrast, since most tiles are plain
    forest."""
    tiles = folders[rng.integers(len(folders))]
    drawn = [tiles[i] for i in rng.integers(len(tiles), size=3)]
    return max(drawn, key=lambda tile: tile[::4, ::4].std()) if rng.random() < 0.5 else drawn[0]


def random_crop(rng, tile):
    """A square crop of half to full side, turned and flipped at random."""
    height, width = tile.shape[:2]
    largest = min(height, width)
    side = largest if rng.random() < 0.15 else int(largest * np.sqrt(rng.uniform(0.25, 1.0)))
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    crop = np.rot90(tile[top : top + side, left : left + side], rng.integers(4))
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)


def mix(rng, first, second):
    """Blends two views, or pastes a rectangle of the second one into the first."""
    side = first.shape[0]
    second = cv2.resize(second, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        share = rng.uniform(0.2, 0.8)
        return cv2.addWeighted(first, share, second, 1 - share, 0)
    height, width = (int(side * rng.uniform(0.3, 0.8)) for _ in range(2))
    top, left = rng.integers(side - height + 1), rng.integers(side - width + 1)
    mixed = first.copy()
    mixed[top : top + height, left : left + width] = second[top : top + height, left : left + width]
    return mixed


def add_clouds(rng, view):
    """Lays smooth bright noise over the view: from thin haze to closed cloud."""
    side = view.shape[0]
    noise = np.zeros((side, side), np.float32)
    for cells, weight in ((3, 1.0), (6, 0.6), (13, 0.35), (28, 0.2)):
        grid = rng.random((cells, cells), dtype=np.float32) - 0.5
        noise += weight * cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    cover = np.clip(noise * rng.uniform(1.0, 4.0) + rng.uniform(-0.6, 0.9), 0, rng.uniform(0.4, 1.0))[..., None]
    white = np.float32(rng.uniform(170, 255)) + rng.normal(0, 6, 3).astype(np.float32)
    return np.clip(view * (1 - cover) + white * cover, 0, 255).astype(np.uint8)


def change_colours(rng, view):
    """Saturation and hue by a colour matrix, then gain, contrast, brightness and gamma by a table per channel."""
    grey = np.full((3, 3), 1 / 3, np.float32)
    saturation = rng.uniform(0.3, 1.9) if rng.random() < 0.8 else 1.0
    matrix = grey + saturation * (np.eye(3, dtype=np.float32) - grey)
    matrix = matrix + rng.normal(0, 0.05, (3, 3)).astype(np.float32)
    changed = cv2.transform(view, matrix)
    level = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.uniform(-0.5, 0.4))
    contrast = np.exp(rng.uniform(-0.7, 0.7))
    middle = float(view.mean()) / 255
    gains = np.exp(rng.normal(0, 0.12, 3)) * np.exp(rng.uniform(-0.3, 0.3))
    shift = rng.uniform(-0.05, 0.15)
    curve = ((level - middle) * contrast + middle).clip(0, 1) ** gamma
    table = np.stack([curve * gain + shift for gain in gains], axis=-1)
    return cv2.LUT(changed, (table.clip(0, 1) * 255).round().astype(np.uint8)[None])


def soften_or_roughen(rng, view):
    """Gaussian blur, or noise."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(view, (0, 0), rng.uniform(0.4, 1.5))
    noise = rng.normal(0, rng.uniform(2, 10), view.shape).astype(np.float32)
    return np.clip(view + noise, 0, 255).astype(np.uint8)
