"""Every kind of JPEG that comes as a tile, and the RGB that Pillow reads from it (as a PNG of the same name)."""
import io
import struct

from PIL import Image

import drawn

WIDTH, HEIGHT = 45, 37  # no multiples of a block, so that edges are padded


def make():
    path = drawn.folder("pictures")
    for name, data in kinds().items():
        (path / f"{name}.jpg").write_bytes(data)
        Image.open(io.BytesIO(data)).convert("RGB").save(path / f"{name}.png", optimize=True)


def kinds():
    rgb, gray, inks = (image(mode) for mode in ("RGB", "L", "CMYK"))
    opaque = Image.merge("CMYK", [*rgb.split(), Image.new("L", rgb.size, 255)])
    return {
        "gray": jpeg(gray),
        "gray-progressive": jpeg(gray, progressive=True),
        "444": jpeg(rgb, subsampling="4:4:4"),
        "422": jpeg(rgb, subsampling="4:2:2"),
        "420": jpeg(rgb, subsampling="4:2:0"),
        "420-coarse": jpeg(rgb, subsampling="4:2:0", quality=8),
        "444-finest": jpeg(rgb, subsampling="4:4:4", quality=100),
        "420-optimized": jpeg(rgb, subsampling="4:2:0", optimize=True),
        "420-restarts": jpeg(rgb, subsampling="4:2:0", restart_marker_blocks=2),
        "420-progressive": jpeg(rgb, subsampling="4:2:0", progressive=True),
        "422-progressive-restarts": jpeg(rgb, subsampling="4:2:2", progressive=True, restart_marker_rows=1),
        "rgb-adobe": jpeg(rgb, keep_rgb=True),
        "rgb-unmarked": unmarked(jpeg(rgb, keep_rgb=True)),
        "ycc-unmarked": unmarked(jpeg(rgb, subsampling="4:2:0")),
        "cmyk-adobe": jpeg(inks),
        "ycck-adobe": with_transform(jpeg(inks), 2),
        "cmyk-unmarked": unmarked(jpeg(inks), range(4)),
        # Planet's tiles: R, G, B and a constant alpha as four components, and nothing that says so.
        "planet": unmarked(jpeg(inverted(opaque)), range(4)),
        "planet-progressive": unmarked(jpeg(inverted(opaque), progressive=True), range(4)),
        "planet-restarts": unmarked(jpeg(inverted(opaque), restart_marker_blocks=3), range(4)),
    }


def image(mode):
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (WIDTH, HEIGHT), drawn.picture(WIDTH, HEIGHT, bands, 20 + bands).tobytes())


def inverted(inks):
    """Pillow inverts CMYK when it writes; inverted before, components are stored as they are."""
    return Image.merge("CMYK", [band.point(lambda value: 255 - value) for band in inks.split()])


def jpeg(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **{"quality": 85, **options})
    return buffer.getvalue()


def segments(data):
    """(marker, start, end) of each segment from behind SOI up to the first SOS."""
    at = 2
    while True:
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        yield data[at + 1], at, end
        if data[at + 1] == 0xDA:
            return
        at = end


def unmarked(data, ids=None):
    """Without APPn segments, and with other component ids."""
    kept = [data[:2]]
    for marker, start, end in segments(data):
        if not 0xE0 <= marker <= 0xEF:
            kept.append(data[start:end])
    whole = bytearray(b"".join(kept) + data[end:])
    return bytes(whole) if ids is None else with_ids(whole, ids)


def with_ids(data, ids):
    at = 2
    while at < len(data) - 1:
        marker = data[at + 1] if data[at] == 0xFF else 0
        if marker in (0xC0, 0xC1, 0xC2):
            was = [data[at + 10 + 3 * i] for i in range(data[at + 9])]
            renamed = dict(zip(was, ids))
            for i in range(data[at + 9]):
                data[at + 10 + 3 * i] = renamed[was[i]]
        if marker == 0xDA:
            for i in range(data[at + 4]):
                data[at + 5 + 2 * i] = renamed[data[at + 5 + 2 * i]]
        # Inside coded data 0xFF is followed by 0 or a restart marker.
        is_segment = marker not in (0, 0xD8, 0xD9, 0xFF) and not 0xD0 <= marker <= 0xD7
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] if is_segment else 1
    return bytes(data)


def with_transform(data, transform):
    """With another transform in the Adobe marker: Pillow writes none."""
    changed = bytearray(data)
    _, _, end = next(segment for segment in segments(data) if segment[0] == 0xEE)
    changed[end - 1] = transform
    return bytes(changed)
