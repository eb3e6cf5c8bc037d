/** Parts: committed stretches of a run. A part is its rows and a record that says what they are; with the record it counts. */
import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { InterruptedError } from "../errors.js";
import { hashFile } from "../files/facts.js";
import { writeWhole } from "../files/write.js";
import { readJson } from "../predict/durable.js";
import type { RunContext } from "../run-context.js";
import { partNumber, runFiles } from "./paths.js";

/** A line of the rejects file. */
export interface Reject {
  path: string;
  name: string;
  code: string;
  message: string;
}

export interface PartRecord {
  part: number;
  /** Number of the part's first tile in the tile list, from 0. */
  first: number;
  /** predicted + rejected */
  tiles: number;
  predicted: number;
  rejected: number;
  /** Of the rows file. */
  bytes: number;
  sha256: string;
  rejects: Reject[];
  /** What the tiles' files were when they were read: a little-endian uint32 each (see tiles/stamp.ts), in base64. */
  stamps: string;
}

export interface PartContent {
  part: number;
  first: number;
  predicted: number;
  /** Rows in the run's line format. */
  rows: string;
  rejects: Reject[];
  /** One for each tile. */
  stamps: Uint32Array;
}

/** Commits a part: when this returns it survives a power cut; interrupted at any moment it leaves the part or nothing. */
export async function commitPart(folder: string, content: PartContent): Promise<PartRecord> {
  const files = runFiles(folder);
  const { part, first, predicted, rejects } = content;
  const rows = Buffer.from(content.rows, "utf8");
  const sha256 = createHash("sha256").update(rows).digest("hex");
  const tiles = predicted + rejects.length;
  const stamps = Buffer.from(content.stamps.buffer).toString("base64");
  const counts = { part, first, tiles, predicted, rejected: rejects.length };
  const record = { ...counts, bytes: rows.length, sha256, rejects, stamps };
  await writeWhole(files.rows(part), rows);
  await writeWhole(files.record(part), `${JSON.stringify(record)}\n`);
  return record;
}

/** What a run has committed: whole, undamaged parts that follow one another from the first tile. */
export interface Committed {
  parts: number;
  tiles: number;
  predicted: number;
  rejected: number;
}

/**
 * Checks the parts in `folder`, one after the other, against their records, and removes what comes after the first that is missing or
 * damaged; warns of a damaged one. Throws InterruptedError on abort.
 */
export async function checkParts(folder: string, { signal, onWarning }: RunContext): Promise<Committed> {
  const committed = { parts: 0, tiles: 0, predicted: 0, rejected: 0 };
  for (;;) {
    if (signal?.aborted) throw new InterruptedError();
    const record = await readRecord(folder, committed.parts);
    if (record === undefined) break;
    const damage = await findDamage(folder, record, committed.tiles);
    if (damage !== undefined) {
      onWarning?.(`Part ${record.part} ${damage}; it and what follows is done again.`);
      break;
    }
    committed.parts++;
    committed.tiles += record.tiles;
    committed.predicted += record.predicted;
    committed.rejected += record.rejected;
  }
  await removePartsFrom(folder, committed.parts);
  return committed;
}

/** The record of part number `part`, or undefined where it is not committed. */
export async function readRecord(folder: string, part: number): Promise<PartRecord | undefined> {
  return readJson<PartRecord>(runFiles(folder).record(part)).catch(() => undefined);
}

/** The stamps in a record, one for each tile of the part. */
export function readStamps({ stamps }: PartRecord): Uint32Array {
  return new Uint32Array(new Uint8Array(Buffer.from(stamps, "base64")).buffer);
}

/** Numbers of all parts with a record, in order. */
export async function listParts(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).map(partNumber).filter((part) => part !== undefined);
  return numbers.sort((a, b) => a - b);
}

/** What is wrong with a committed part that should begin with tile `first`, or undefined. */
export async function findDamage(folder: string, record: PartRecord, first: number): Promise<string | undefined> {
  if (record.first !== first) return `begins with tile ${record.first}, not ${first}`;
  const rows = await hashFile(runFiles(folder).rows(record.part)).catch(() => undefined);
  if (rows === undefined) return "has lost its rows";
  return rows.sha256 === record.sha256 ? undefined : "does not match its checksum";
}

async function removePartsFrom(folder: string, from: number): Promise<void> {
  for (const part of await listParts(folder)) {
    if (part >= from) await rm(runFiles(folder).record(part), { force: true });
  }
}
