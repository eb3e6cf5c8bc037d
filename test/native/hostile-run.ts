/** `node hostile-run.js FUNCTION`: calls it with everything hostile; prints the number of calls. Run by hostile.test.ts. */
import assert from "node:assert/strict";
import { HOSTILE } from "./hostile-cases.js";
import { addon } from "./support.js";

const name = process.argv[2];
const { good, refused = {}, survived = {} } = HOSTILE[name];
const call = Reflect.get(addon(), name) as (...args: unknown[]) => unknown;
let calls = 0;

await call(...good());
for (const [what, args] of Object.entries(refused)) await mustBeRefused(what, args());
for (const [what, makeCall] of Object.entries(survived)) await mustBeSurvived(what, makeCall());
for (const at of good().keys()) {
  await sweep([at]);
  const value = good()[at];
  if (isPlain(value)) for (const key of Object.keys(value)) await sweep([at, key]);
}
await call(...good());
console.log(calls);

/** Replaces the argument, or its property, by all kinds of values. */
async function sweep(path: [number, string?]): Promise<void> {
  for (const value of wrongValues()) {
    const args = good();
    const right = at(args, path);
    put(args, path, value);
    const what = `${path.join(".")} = ${describe(value)}`;
    const must = kindOf(value) !== kindOf(right) && value !== undefined;
    if (must || (typeof value === "number" && !Number.isFinite(value))) await mustBeRefused(what, args);
    else await mustBeSurvived(what, { args });
    // Getters run in the middle of the call.
    await mustThrow(path, value);
  }
}

async function mustThrow(path: [number, string?], value: unknown): Promise<void> {
  const [index, key] = path;
  if (key === undefined) return;
  const args = good();
  const thrown = new Error("thrown by a getter");
  const get = () => {
    throw thrown;
  };
  args[index] = Object.defineProperty({ ...(args[index] as object) }, key, { get });
  calls++;
  assert.throws(() => call(...args), thrown, `${path.join(".")} throws, ${describe(value)}`);
}

async function mustBeRefused(what: string, args: unknown[]): Promise<void> {
  calls++;
  assert.throws(() => call(...args), isRefusal, what);
}

async function mustBeSurvived(
  what: string,
  { args, after }: { args: unknown[]; after?: (result: unknown) => void },
): Promise<void> {
  calls++;
  try {
    const result = call(...args);
    after?.(result);
    await result;
  } catch (error) {
    after?.(undefined);
    assert.ok(
      isRefusal(error) || (error as { message: string }).message.startsWith("Cannot open file"),
      `${what}: ${error}`,
    );
  }
}

function isRefusal(error: unknown): boolean {
  return (error instanceof TypeError || error instanceof RangeError) && /^Expected [^\n]*\.$/.test(error.message);
}

function wrongValues(): unknown[] {
  const proxy = new Proxy(new Float32Array(100), {});
  const detached = new Uint8Array(100);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const numbers = [Number.NaN, -1, 0, 0.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 64, 1e308];
  const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const arrays = [
    new Uint8Array(0),
    new Float32Array(0),
    new Float64Array(1),
    new DataView(new ArrayBuffer(8)),
    detached,
  ];
  const objects = [null, {}, [], [undefined], () => {}, proxy, new Proxy([], {}), new ArrayBuffer(8), new Map()];
  return [undefined, ...numbers, ...infinite, "", "\ud800", true, Symbol("s"), 5n, ...arrays, ...objects];
}

/** What the addon may take for the same: an object is any object, an array only a true one. */
function kindOf(value: unknown): string {
  if (Array.isArray(value) && !isProxy(value)) return "array";
  if (ArrayBuffer.isView(value)) return Object.prototype.toString.call(value);
  return value === null ? "null" : typeof value;
}

function isProxy(value: unknown): boolean {
  // Only a proxy's copy cannot be made.
  try {
    structuredClone(value);
    return false;
  } catch {
    return true;
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function at(args: unknown[], [index, key]: [number, string?]): unknown {
  return key === undefined ? args[index] : (args[index] as Record<string, unknown>)[key];
}

function put(args: unknown[], [index, key]: [number, string?], value: unknown): void {
  if (key === undefined) args[index] = value;
  else (args[index] as Record<string, unknown>)[key] = value;
}

function describe(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? JSON.stringify(value) + typeof value : kindOf(value);
}
