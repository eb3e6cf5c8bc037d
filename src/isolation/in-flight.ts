/**
 * The in-flight journal: which tiles are being worked on right now. It survives a crash of the process (not a power
 * cut, which is no tile's fault), and tells the next run which tiles to try one by one.
 */
import { closeSync, constants, openSync, rmSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { explainWriteError } from "../files/write-error.js";

const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;

/** Tiles `[from, to)` of the tile list. */
export interface TileRange {
  from: number;
  to: number;
}

const NUMBERS = 2;

export class InFlightJournal {
  readonly #path: string;
  readonly #file: number;
  /** from, to */
  readonly #record = new Float64Array(NUMBERS);
  #open = true;

  constructor(path: string, from: number) {
    this.#path = path;
    this.#file = openJournal(path);
    this.#record.fill(from);
    try {
      // Takes the disk space now, so that later writes cannot fail.
      this.#write();
    } catch (error) {
      this.close();
      throw explainWriteError(error, path);
    }
  }

  /**
   * Every tile before number `index` may be handed out from now on. Synchronous, because it must be written before work
   * on them begins.
   */
  handOut(index: number): void {
    this.#record[1] = index;
    this.#write();
  }

  /** Every tile before number `index` has come back. */
  returned(index: number): void {
    this.#record[0] = index;
    this.#write();
  }

  /** Closes and removes the journal of a run that ended in good order. Does nothing after `leave`. */
  close(): void {
    if (!this.#open) return;
    this.leave();
    rmSync(this.#path, { force: true });
  }

  /** Closes the journal and leaves it for the next run. */
  leave(): void {
    this.#open = false;
    closeSync(this.#file);
  }

  #write(): void {
    writeSync(this.#file, new Uint8Array(this.#record.buffer), 0, this.#record.byteLength, 0);
  }
}

function openJournal(path: string): number {
  try {
    // If the file were a link, another file would be written.
    return openSync(path, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0));
  } catch (error) {
    throw explainWriteError(error, path);
  }
}

/** The tiles in flight when the last run's process died; undefined after an end in good order. */
export async function readInFlight(path: string): Promise<TileRange | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.length < NUMBERS * 8) return undefined;
  const [from, to] = new Float64Array(new Uint8Array(bytes.subarray(0, NUMBERS * 8)).buffer);
  return to > from ? { from, to } : undefined;
}
