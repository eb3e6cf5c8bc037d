/** Validation of options: one sentence shape for every complaint, raised where the option is used. */
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

/** Every name of an options type: what is missing or too much does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Refuses options of another name, which would be ignored, and says the nearest one. `group` is where they stand: "head." */
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
  // JSON has no NaN and no infinity: it would call them null.
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return `${text} (${typeof value})`;
}
