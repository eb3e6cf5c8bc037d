/** Opens files and compressed files to be read by place. */
import type { FileHandle } from "node:fs/promises";
import { openRegular } from "../files/open-regular.js";
import type { ByteSource } from "./byte-source.js";
import { isCompressed } from "./names.js";
import { StreamSource } from "./stream-source.js";
import { unpackedBlocks } from "./unpack.js";

/**
 * Opens `path`, whose name says whether it is compressed. Throws the system's error; reading throws a CompressionError
 * where compressed data are damaged, and InterruptedError on abort while they are unpacked.
 */
export async function openSource(path: string, signal?: AbortSignal): Promise<ByteSource> {
  const file = await openRegular(path);
  if (isCompressed(path)) return openStream(file, signal);
  const { size } = await file.stat();
  return {
    read: (target, position) => readFully(file, target, position),
    extent: async (bytes) => Math.min(bytes, size),
    close: () => file.close(),
  };
}

function openStream(file: FileHandle, signal: AbortSignal | undefined): StreamSource {
  return new StreamSource(
    () => unpackedBlocks(file, signal),
    () => file.close(),
  );
}

async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
