/** Names of TIFF's numbers, for messages and reports. */

const COMPRESSIONS: Readonly<Record<number, string>> = {
  1: "no compression",
  2: "CCITT RLE",
  3: "CCITT G3",
  4: "CCITT G4",
  5: "LZW",
  6: "old-style JPEG",
  7: "JPEG",
  8: "Deflate",
  32773: "PackBits",
  32946: "Deflate",
  33003: "JPEG 2000",
  33005: "JPEG 2000",
  34712: "JPEG 2000",
  34887: "LERC",
  34925: "LZMA",
  50000: "ZSTD",
  50001: "WebP",
  50002: "JPEG XL",
  52546: "JPEG XL",
};

const PHOTOMETRICS: Readonly<Record<number, string>> = {
  0: "MinIsWhite",
  1: "MinIsBlack",
  2: "RGB",
  3: "palette",
  4: "transparency mask",
  5: "CMYK",
  6: "YCbCr",
  8: "CIELab",
  9: "ICCLab",
  10: "ITULab",
  32803: "colour filter array",
  32844: "LogL",
  32845: "LogLuv",
  34892: "LinearRaw",
};

export function nameCompression(compression: number): string {
  return COMPRESSIONS[compression] ?? `compression ${compression}`;
}

export function namePhotometric(photometric: number): string {
  return PHOTOMETRICS[photometric] ?? `photometric ${photometric}`;
}
