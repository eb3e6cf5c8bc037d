/** Reads JSON that may be damaged, or of another program or version. */
import * as v from "valibot";
import { FormatError } from "../errors.js";
import { isMissing } from "./facts.js";
import { MOST_JSON_BYTES, refuseHugeJson } from "./json-size.js";
import { readWholeRegular } from "./open-regular.js";

/** The end of an error's message: how to get a good file. */
interface ReadJsonOptions {
  /** @default "Restore it from a copy." */
  advice?: string;
}

const ADVICE = "Restore it from a copy.";

/**
 * The JSON in `path` as `schema` describes it, or undefined if there is no such file. Keys that the schema does not name are left out.
 * @throws FormatError that names file, key and what was expected
 */
export async function readJson<S extends v.GenericSchema>(
  path: string,
  schema: S,
  options: ReadJsonOptions = {},
): Promise<v.InferOutput<S> | undefined> {
  let text: string;
  try {
    text = (await readWholeRegular(path, MOST_JSON_BYTES)).toString("utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    const { code } = error as NodeJS.ErrnoException;
    throw new FormatError(path, `${path} cannot be read (${code}).`, { cause: error });
  }
  return parseJson(text, schema, { path, ...options });
}

/** The same for text that was already read; `place` is its place in the file, such as "line 3". */
export function parseJson<S extends v.GenericSchema>(
  text: string,
  schema: S,
  { path, place, advice = ADVICE }: ReadJsonOptions & { path: string; place?: string },
): v.InferOutput<S> {
  const where = place === undefined ? path : `${path}, ${place},`;
  refuseHugeJson(path, text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `${where} is damaged: it is not JSON. ${advice}`, { cause });
  }
  return checkJson(json, schema, { path, where, advice });
}

/** The same for a value that was already parsed. */
export function checkJson<S extends v.GenericSchema>(
  json: unknown,
  schema: S,
  { path, where = path, advice = ADVICE }: ReadJsonOptions & { path: string; where?: string },
): v.InferOutput<S> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  throw new FormatError(path, `${where} ${describeIssue(result.issues[0], schema)}. ${advice}`);
}

function describeIssue(issue: v.BaseIssue<unknown>, schema: v.GenericSchema): string {
  const deepest = deepestOf(issue);
  const keys = [...(issue.path ?? []), ...(deepest === issue ? [] : (deepest.path ?? []))].map(({ key }) => key);
  const missing = deepest.received === "undefined";
  const expected = missing ? expectedAt(schema, keys) : expectedBy(deepest);
  const complaint = `${expected === undefined ? "" : `expected ${expected}, `}it is ${missing ? "missing" : shorten(deepest)}`;
  return keys.length === 0 ? `is not what it should be: ${complaint}` : `has no valid "${keyPath(keys)}": ${complaint}`;
}

/** Of the alternatives of a union, the issues of the first that matches in part are the most useful. */
function deepestOf(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  return issue.issues?.find(({ path }) => path !== undefined) ?? issue;
}

/** A schema's own message is better than that of the library. */
function expectedBy({ message, expected }: v.BaseIssue<unknown>): string {
  return message.startsWith("Invalid ") && expected !== null ? expected : message;
}

/** The issue of a missing key has only its name. */
function expectedAt(schema: v.GenericSchema, keys: readonly unknown[]): string | undefined {
  let at: Partial<Nested> | undefined = schema as Partial<Nested>;
  for (const key of keys) at = at?.entries?.[String(key)] ?? at?.item ?? at?.value;
  return at?.expects;
}

/** The schemas inside schemas of objects, arrays and records. */
interface Nested {
  expects: string;
  entries: Record<string, Partial<Nested>>;
  item: Partial<Nested>;
  value: Partial<Nested>;
}

function keyPath(keys: readonly unknown[]): string {
  return keys
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

function shorten({ input }: v.BaseIssue<unknown>): string {
  const text = JSON.stringify(input) ?? String(input);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
