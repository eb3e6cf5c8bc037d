/**
 * Messages between the benchmark and its contenders: JSON, one line per message, requests on stdin and replies on
 * stdout.
 */

export interface SetupRequest {
  type: "setup";
  /** Which contender the process is to be. */
  contender: string;
  /** Files that hold one JPEG each; `indices` of later requests point into this list. */
  paths: readonly string[];
  /** Pixels per side of the result; features per tile for those that train a head. */
  size: number;
  threads: number;
  /** Made-up tiles to train a head on. */
  rows?: number;
}

export type ContenderRequest =
  | SetupRequest
  /** Do these tiles, in this order, once. */
  | { type: "round"; indices: readonly number[] }
  /** Write the RGB of each as `<folder>/<index>.rgb`, uint8 HWC: for canopy at `size`, for the others as large as the file has it. */
  | { type: "colours"; indices: readonly number[]; folder: string };

export type ContenderReply =
  | { ok: false; message: string }
  | { ok: true; version: string; note?: string }
  | ({ ok: true } & RoundReply)
  | { ok: true };

export interface RoundReply {
  /** Wall clock of the round; several if the contender measures several things (stages). */
  seconds: Record<string, number>;
  /** Processor time of the round, all threads of the process together. */
  cpuSeconds: number;
}

/** The name of what most contenders measure. */
export const WHOLE = "whole";

/** A contender inside its process. */
export interface Contender {
  /** The library's version, and anything else its speed depends on. */
  version: string;
  note?: string;
  round(indices: readonly number[]): Promise<Record<string, number>>;
  writeColours?(indices: readonly number[], folder: string): Promise<void>;
}
