/**
 * The in-flight journal: which tiles are being worked on right now. It outlives a crash of the process (not a power cut, after which
 * nobody is to blame), and tells the next run whom to suspect.
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { explainDiskError } from "./durable.js";

/** Tiles `[from, to)` of the tile list. */
export interface TileRange {
  from: number;
  to: number;
}

export class InFlightJournal {
  readonly #path: string;
  readonly #file: number;
  readonly #record = new Float64Array(2);

  constructor(path: string, from: number) {
    this.#path = path;
    this.#file = openSync(path, "w");
    this.#record.fill(from);
    try {
      // Takes the disk space now: later writes cannot fail for want of it.
      this.#write();
    } catch (error) {
      this.close();
      throw explainDiskError(error, path);
    }
  }

  /** Tile number `index` is about to be handed out. Synchronous: it has to be written before the tile is touched. */
  handOut(index: number): void {
    this.#record[1] = index + 1;
    this.#write();
  }

  /** Every tile before number `index` has come back. */
  returned(index: number): void {
    this.#record[0] = index;
    this.#write();
  }

  /** Closes the journal of a run that ended in an orderly way: nobody is suspected. */
  close(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    writeSync(this.#file, new Uint8Array(this.#record.buffer), 0, 16, 0);
  }
}

/** The tiles that were in the works when the last run's process died; undefined after an orderly end. */
export async function readSuspects(path: string): Promise<TileRange | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.length < 16) return undefined;
  const [from, to] = new Float64Array(new Uint8Array(bytes.subarray(0, 16)).buffer);
  return { from: from!, to: to! };
}
