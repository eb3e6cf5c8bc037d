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

/** What is asked of an option's value before anything else; one that may be left out has a kind with a question mark. */
const KINDS = {
  string: ["a string", isString],
  boolean: ["true or false", (value: unknown) => typeof value === "boolean"],
  list: ["a list of strings", isList],
  strings: ["a string or a list of strings", (value: unknown) => isString(value) || isList(value)],
} as const;

type Kind = keyof typeof KINDS;

/** Numbers, choices and groups are checked by what uses them: `true` is theirs. */
type KindOf<V> = [V] extends [boolean]
  ? "boolean"
  : [V] extends [string]
    ? string extends V
      ? "string"
      : true
    : [V] extends [readonly string[]]
      ? "list"
      : [V] extends [string | readonly string[]]
        ? "strings"
        : true;

type OptionalKind<V> = KindOf<V> extends infer K extends Kind ? `${K}?` : true;

/** Every name of an options type with its kind; a missing or extra name does not compile, nor another kind. */
export type OptionKinds<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? OptionalKind<Exclude<T[K], undefined>> : KindOf<T[K]>;
};

/**
 * Refuses unknown options (and names the nearest one), missing ones, and values of another kind. `group` is the prefix of their
 * names: "head."
 */
export function checkKinds<T>(options: T, kinds: OptionKinds<T>, group = ""): void {
  if (typeof options !== "object" || options === null) {
    throw new OptionError(`Expected the options to be an object, got ${describe(options)}.`);
  }
  const given = new Map(Object.entries(options).filter(([, value]) => value !== undefined));
  refuseUnknown([...given.keys()], Object.keys(kinds), group);
  for (const [name, kind] of Object.entries<true | Kind | `${Kind}?`>(kinds)) {
    if (kind === true || (kind.endsWith("?") && !given.has(name))) continue;
    checkKind(`${group}${name}`, given.get(name), kind.replace("?", "") as Kind);
  }
}

/** The same for one value. */
export function checkKind(name: string, value: unknown, kind: Kind): void {
  const [what, fits] = KINDS[kind];
  if (fits(value)) return;
  if (value === undefined) throw new OptionError(`The option \`${name}\` is missing: expected ${what}.`);
  throw new OptionError(`Expected \`${name}\` to be ${what}, got ${describe(value)}.`);
}

function refuseUnknown(given: readonly string[], known: readonly string[], group: string): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = closest(unknown, known);
  const near = distance(unknown, nearest) <= Math.max(2, unknown.length / 2);
  throw new OptionError(
    `There is no option \`${group}${unknown}\`${near ? `: did you mean \`${group}${nearest}\`?` : "."}`,
  );
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}

function isList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isString);
}

function describe(value: unknown): string {
  // JSON has no NaN and no infinity and would print null.
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return `${text.length > 100 ? `${text.slice(0, 100)}...` : text} (${typeof value})`;
}
