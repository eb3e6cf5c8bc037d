/** Option values that are more than a number or a word. */
import type { StretchOption } from "../decode/stretch.js";
import { OptionError } from "../errors.js";
import type { Shard } from "../tiles/shard.js";

/** `3,2,1`, or one number */
export function parseBands(text: string): number[] {
  if (/^\d+(,\d+,\d+)?$/.test(text)) return text.split(",").map(Number);
  throw new OptionError(
    `Expected --bands to be one or three band numbers from 1, such as 3,2,1, got ${JSON.stringify(text)}.`,
  );
}

/** `none`, `0,3000` or `p2,p98` */
export function parseStretch(text: string): StretchOption {
  if (text === "none" || text.startsWith("p")) return text as StretchOption;
  const parts = text.split(",");
  const [low, high] = parts.map(Number);
  if (parts.length === 2 && parts.every((part) => part.trim() !== "")) return [low, high];
  return text as StretchOption;
}

/** `3/10` */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (index === undefined || Number(index) < 1 || Number(index) > Number(count)) {
    throw new OptionError(`Expected --shard to be i/n with i from 1 to n, such as 3/10, got ${JSON.stringify(text)}.`);
  }
  return { index: Number(index), count: Number(count) };
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `700M`, `4G`, `4GiB`, or plain bytes. */
export function parseBytes(name: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === undefined || unit === undefined) {
    throw new OptionError(`Expected --${name} to be a size such as 700M or 4G, got ${JSON.stringify(text)}.`);
  }
  return Math.round(Number(number) * UNITS[unit.toLowerCase()]);
}

/** `9464` or `0.0.0.0:9464`. */
export function parseAddress(name: string, text: string): { host?: string; port: number } {
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new OptionError(`Expected --${name} to be [HOST:]PORT, got ${JSON.stringify(text)}.`);
  }
  return { port: Number(port), ...(host === undefined ? {} : { host }) };
}

/** A whole number from 1, or `none`: null. */
export function parseLimit(name: string, text: string): number | null {
  if (text === "none") return null;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new OptionError(`Expected --${name} to be a whole number from 1, or none, got ${JSON.stringify(text)}.`);
}
