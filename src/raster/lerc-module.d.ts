declare module "lerc" {
  interface Decoded {
    /** Of each band: `[height, width, dimCount]` with `returnPixelInterleavedDims`. */
    pixels: ArrayBufferView<ArrayBuffer>[];
    dimCount: number;
    /** `[height, width]`: 1 if a pixel counts; null if all do. */
    mask: Uint8Array | null | undefined;
  }
  const Lerc: { decode(data: ArrayBuffer, options: { returnPixelInterleavedDims: boolean }): Decoded };
  export = Lerc;
}
