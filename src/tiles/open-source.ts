/** Opens files, compressed files and those of servers to be read by place. */
import type { FileHandle } from "node:fs/promises";
import { openRegular } from "../files/open-regular.js";
import { isRemote } from "../remote/address.js";
import type { ByteSource } from "./byte-source.js";
import { isCompressed } from "./names.js";
import { StreamSource } from "./stream-source.js";
import { unpackedBlocks } from "./unpack.js";

/**
 * Opens `path`, whose name says whether it is compressed. Throws the system's error; reading throws a CompressionError
 * where compressed data are damaged, and InterruptedError on abort while they are unpacked.
 */
export async function openSource(path: string, signal?: AbortSignal): Promise<ByteSource> {
  const stored = await openStored(path, signal);
  if (!isCompressed(path)) return stored;
  return new StreamSource(
    () => unpackedBlocks(stored, signal),
    () => stored.close(),
  );
}

/** The same, but compressed files as they are. A file of a server is asked for: throws a RemoteError. */
export async function openStored(path: string, signal?: AbortSignal): Promise<ByteSource> {
  if (isRemote(path)) return openRemote(path, signal);
  const file = await openRegular(path);
  const { size } = await file.stat();
  return {
    read: (target, position) => readFully(file, target, position),
    extent: async (bytes) => Math.min(bytes, size),
    close: () => file.close(),
  };
}

/** Loaded when there is one: most runs have none. */
async function openRemote(path: string, signal: AbortSignal | undefined): Promise<ByteSource> {
  const { RemoteFile } = await import("../remote/remote-file.js");
  const file = new RemoteFile(path, signal);
  try {
    await file.open();
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
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
