"""TIFFs as tifffile writes them; test/raster/goldens.test.ts knows their samples."""
import numpy
import tifffile

import drawn

WIDTH, HEIGHT = 19, 11
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
COMPRESSIONS = ["lzw", "deflate", "packbits", "zstd", "lerc"]


def make():
    path = drawn.folder("tiffs")
    turn = 0
    for kind in TYPES:
        for compression in COMPRESSIONS:
            if compression == "lerc" and kind == "float16":
                continue
            turn += 1
            bands = [1, 3, 4, 7, 13][turn % 5]
            planar, tiled, big, order = turn % 2 == 0, turn % 3 == 0, turn % 4 == 0, "<>"[turn % 7 == 0]
            predictor = compression in ("lzw", "deflate", "zstd") and turn % 2 == 1 and kind not in ("int8", "float16")
            name = "-".join([kind, compression, str(bands)] + ["apart"] * planar + ["tiled"] * tiled)
            data = samples(kind, bands)
            tifffile.imwrite(
                path / f"{name}.tif",
                data if planar or bands == 1 else numpy.moveaxis(data, 0, -1),
                photometric="minisblack",
                planarconfig=None if bands == 1 else "separate" if planar else "contig",
                tile=(16, 16) if tiled else None,
                rowsperstrip=None if tiled else 5,
                compression=None if compression == "none" else compression,
                predictor=predictor or None,
                bigtiff=big,
                byteorder=order,
                metadata=None,
                software=False,
            )


def samples(kind, bands):
    """[band, y, x] from 0 to 100: whole numbers that every type holds."""
    band, y, x = numpy.meshgrid(range(bands), range(HEIGHT), range(WIDTH), indexing="ij")
    return ((x * 7 + y * 13 + band * 29 + x * y) % 101).astype(kind)
