/** Results of the library are in camelCase; what `--json` prints is in snake_case, as docs/cli.md says. */

/** Keys whose values are keyed by data (tags, readings, parts of a split): these keys stay as they are. */
const KEYED_BY_DATA: ReadonlySet<string> = new Set(["tags", "readings", "parts"]);

/** `value` with the keys of its objects in snake_case. */
export function toSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnakeCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [snakeOf(key), KEYED_BY_DATA.has(key) ? entry : toSnakeCase(entry)]),
  );
}

function snakeOf(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
