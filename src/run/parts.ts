/**
 * Parts: committed stretches of a run. A part is a file of rows and a record about them; it is committed once the
 * record is there.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { InputError, InterruptedError } from "../errors.js";
import { exists, hashFile } from "../files/facts.js";
import { readJson } from "../files/read-json.js";
import { writeTogether } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { hashNext, readTileList } from "../tiles/tile-list.js";
import { PART_RECORD, type PartRecord, type Reject } from "./formats.js";
import { partNumber, runFiles } from "./paths.js";

export interface PartContent {
  part: number;
  first: number;
  predicted: number;
  tilesSha256: string;
  /** Rows in the run's line format. */
  rows: string;
  rejects: Reject[];
}

/** Commits a part. When this returns, it survives a power cut; an interruption leaves the whole part or nothing. */
export async function commitPart(folder: string, content: PartContent): Promise<PartRecord> {
  const files = runFiles(folder);
  const { part, first, predicted, tilesSha256, rejects } = content;
  const rows = Buffer.from(content.rows, "utf8");
  const sha256 = createHash("sha256").update(rows).digest("hex");
  const counts = { part, first, tiles: predicted + rejects.length, predicted, rejected: rejects.length };
  const rejectsSha256 = hashRejects(rejects);
  const record = { ...counts, tilesSha256, bytes: rows.length, sha256, rejects, rejectsSha256 };
  await writeTogether([
    { path: files.rows(part), content: rows },
    { path: files.record(part), content: `${JSON.stringify(record)}\n` },
  ]);
  return record;
}

function hashRejects(rejects: readonly Reject[]): string {
  const values = rejects.map(({ path, name, code, message }) => [path, name, code, message]);
  return createHash("sha256").update(JSON.stringify(values)).digest("hex");
}

/** The committed parts of a run: whole, undamaged, following one another from the first tile. */
export interface Committed {
  parts: number;
  tiles: number;
  predicted: number;
  rejected: number;
}

/**
 * Compares the parts in `folder` with their records. From the first missing or damaged part on, all are removed; a
 * damaged one gets a warning. Throws InterruptedError on abort.
 */
export async function checkParts(folder: string, { signal, onWarning }: RunContext): Promise<Committed> {
  const committed = { parts: 0, tiles: 0, predicted: 0, rejected: 0 };
  const listed = readTileList(runFiles(folder).tiles, { from: 0, to: Number.POSITIVE_INFINITY });
  try {
    for (;;) {
      if (signal?.aborted) throw new InterruptedError();
      const record = await readRecord(folder, committed.parts);
      if (record === undefined) {
        if (await exists(runFiles(folder).record(committed.parts)))
          warnOf(committed.parts, "has a damaged record", onWarning);
        break;
      }
      const expected = { first: committed.tiles, tilesSha256: await hashNext(listed, record.tiles) };
      const damage = await findDamage(folder, record, expected);
      if (damage !== undefined) {
        warnOf(record.part, damage, onWarning);
        break;
      }
      addPart(committed, record);
    }
  } finally {
    await listed.return(undefined);
  }
  await removePartsFrom(folder, committed.parts);
  return committed;
}

function warnOf(part: number, damage: string, onWarning: RunContext["onWarning"]): void {
  onWarning?.(`Part ${part} ${damage}; it and what follows is done again.`);
}

/** Adds a part to the counts. */
export function addPart(committed: Committed, { tiles, predicted, rejected }: PartRecord): void {
  committed.parts++;
  committed.tiles += tiles;
  committed.predicted += predicted;
  committed.rejected += rejected;
}

/**
 * The record of part number `part`, or undefined if it is not committed. A damaged record counts as missing: the part
 * is done again.
 * @throws FormatError if the system cannot read it now
 */
export async function readRecord(folder: string, part: number): Promise<PartRecord | undefined> {
  const record = await readJson(runFiles(folder).record(part), PART_RECORD).catch((error) => {
    if (isOfSystem(error.cause)) throw error;
    return undefined;
  });
  return record?.part === part ? record : undefined;
}

function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error;
}

/** Numbers of all parts with a record, in order. */
export async function listParts(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).map(partNumber).filter((part) => part !== undefined);
  return numbers.sort((a, b) => a - b);
}

/**
 * What is wrong with a committed part that should hold the `expected` tiles of the list, or undefined.
 * @throws InputError if the system cannot read its rows now
 */
export async function findDamage(
  folder: string,
  record: PartRecord,
  expected: Pick<PartRecord, "first" | "tilesSha256">,
): Promise<string | undefined> {
  if (record.first !== expected.first) return `begins with tile ${record.first}, not ${expected.first}`;
  if (record.tilesSha256 !== expected.tilesSha256) return "holds other tiles than the list";
  const { rejectsSha256 } = record;
  if (rejectsSha256 !== undefined && rejectsSha256 !== hashRejects(record.rejects)) {
    return "holds rejects that do not match their checksum";
  }
  const path = runFiles(folder).rows(record.part);
  if (!existsSync(path)) return "has lost its rows";
  const rows = await hashFile(path).catch((cause) => {
    throw isOfSystem(cause) ? new InputError(`${path} cannot be read (${cause.code}).`, { cause }) : cause;
  });
  return rows.sha256 === record.sha256 ? undefined : "does not match its checksum";
}

async function removePartsFrom(folder: string, from: number): Promise<void> {
  for (const part of await listParts(folder)) {
    if (part >= from) await rm(runFiles(folder).record(part), { force: true });
  }
}
