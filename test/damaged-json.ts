/** Damaged copies of a JSON value, one for each key and way: for readers, each of which has to refuse all that matters. */
import assert from "node:assert/strict";
import { FormatError } from "../src/errors.js";

export interface Damage {
  /** As errors name it: `a.b[0].c`. */
  key: string;
  kind: "missing" | "of another type";
  json: unknown;
}

type Keys = (string | number)[];

/** Damages at every key; of arrays at the first element. */
export function damagesOf(json: unknown): Damage[] {
  return [...keysOf(json, [])].flatMap((keys) => {
    const key = keys.map((each) => (typeof each === "number" ? `[${each}]` : `.${each}`)).join("");
    const wrong: Damage = { key: key.slice(1), kind: "of another type", json: changed(json, keys, otherType) };
    // What is missing from an array only makes it shorter.
    if (typeof keys.at(-1) === "number") return [wrong];
    return [wrong, { key: key.slice(1), kind: "missing", json: changed(json, keys, () => undefined) }];
  });
}

/**
 * Damages `json` in every way, and sees that `read` refuses it with a FormatError that names `path` and the key; damages that `accepts`
 * names by `key kind` must be read instead. `{}`, a list, a number and null are refused, too.
 */
export async function assertRefused(
  json: unknown,
  path: string,
  read: (json: unknown) => unknown,
  accepts: RegExp = /^$/,
): Promise<void> {
  await read(structuredClone(json));
  for (const whole of [{}, [], 3, null, "text"]) {
    await assert.rejects(async () => read(whole), refusal(path), JSON.stringify(whole));
  }
  for (const { key, kind, json: damaged } of damagesOf(json)) {
    const what = `${key} ${kind}`;
    if (accepts.test(what)) await read(damaged);
    else await assert.rejects(async () => read(damaged), refusal(path, key), what);
  }
}

function refusal(path: string, key?: string) {
  return (error: unknown): true => {
    assert.ok(error instanceof FormatError, String((error as Error).stack));
    assert.ok(error.message.includes(path), error.message);
    // Of the version errors say more than of a key.
    if (key !== undefined)
      assert.ok(error.message.includes(key === "version" ? key : `"${key}`), `${error.message} (${key})`);
    return true;
  };
}

function* keysOf(json: unknown, above: Keys): Generator<Keys> {
  if (typeof json !== "object" || json === null) return;
  const keys = Array.isArray(json) ? [...json.keys()].slice(0, 1) : Object.keys(json);
  for (const key of keys) {
    yield [...above, key];
    yield* keysOf((json as Record<string | number, unknown>)[key], [...above, key]);
  }
}

function changed(json: unknown, keys: Keys, change: (value: unknown) => unknown): unknown {
  const copy = structuredClone(json);
  let at = copy as Record<string | number, unknown>;
  for (const key of keys.slice(0, -1)) at = at[key] as typeof at;
  const last = keys.at(-1) as string | number;
  const value = change(at[last]);
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

function otherType(value: unknown): unknown {
  if (typeof value === "string") return 17;
  return value === null ? { x: 1 } : "x";
}
