/** Validation of options: all messages have one form. Options are checked where they are used. */
import { closest, distance } from "fastest-levenshtein";
import { OptionError } from "./errors.js";

export function checkInteger(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new OptionError(`Expected \`${name}\` to be an integer ${range}, got ${describe(value)}.`);
  }
}

export function checkInRange(name: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw new OptionError(`Expected \`${name}\` to be a number from ${min} to ${max}, got ${describe(value)}.`);
  }
}

export function checkOneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): asserts value is T {
  if (!allowed.includes(value as T)) {
    throw new OptionError(`Expected \`${name}\` to be one of ${allowed.join(", ")}, got ${describe(value)}.`);
  }
}

/** For outputs that are either gone on with or replaced. */
export function refuseBoth({ resume, overwrite }: { resume?: unknown; overwrite?: unknown }): void {
  if (resume && overwrite) throw new OptionError("`resume` and `overwrite` contradict each other: give one of them.");
}

/** Every name of an options type; a missing or extra name does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Refuses unknown options and names the nearest one. `group` is the prefix of their names: "head." */
export function checkNames<T>(options: T, known: OptionNames<T>, group = ""): void {
  if (typeof options !== "object" || options === null) {
    throw new OptionError(`Expected the options to be an object, got ${describe(options)}.`);
  }
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  const unknown = said.map(([name]) => name).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const nearest = closest(unknown, Object.keys(known));
  const near = distance(unknown, nearest) <= Math.max(2, unknown.length / 2);
  throw new OptionError(
    `There is no option \`${group}${unknown}\`${near ? `: did you mean \`${group}${nearest}\`?` : "."}`,
  );
}

function describe(value: unknown): string {
  // JSON has no NaN and no infinity and would print null.
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return `${text} (${typeof value})`;
}
