import assert from "node:assert/strict";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as v from "valibot";
import { FormatError } from "../../src/errors.js";
import { MOST_JSON_BYTES } from "../../src/files/json-size.js";
import { readJson } from "../../src/files/read-json.js";
import { readLabels } from "../../src/labels/formats.js";
import { temporaryFolder } from "../helpers.js";

const schema = v.object({
  version: v.literal(2),
  tiles: v.array(v.object({ name: v.string(), size: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))) })),
  place: v.optional(v.union([v.object({ path: v.string() }), v.object({ url: v.string() })])),
});

describe("reading JSON by a schema", () => {
  it("gives what the schema describes, and undefined where there is no file", async (t) => {
    const path = join(temporaryFolder(t), "a.json");
    assert.equal(await readJson(path, schema), undefined);
    assert.equal(await readJson(join(path, "below"), schema), undefined);
    writeFileSync(path, '{"version": 2, "tiles": [{"name": "a", "size": null}], "unknown": 1}');
    assert.deepEqual(await readJson(path, schema), { version: 2, tiles: [{ name: "a", size: null }] });
  });

  it("names file, key and what was expected", async (t) => {
    const path = join(temporaryFolder(t), "a.json");
    const cases: [string, string][] = [
      ["{", "is damaged: it is not JSON"],
      ["3", "is not what it should be: expected Object, it is 3"],
      ["{}", 'has no valid "version": expected 2, it is missing'],
      ['{"version": "2"}', 'has no valid "version": expected 2, it is "2"'],
      ['{"version": 2, "tiles": [{}]}', 'has no valid "tiles[0].name": expected string, it is missing'],
      ['{"version": 2, "tiles": [{"name": "", "size": 0}]}', 'has no valid "tiles[0].size": expected >=1, it is 0'],
      ['{"version": 2, "tiles": [], "place": {"path": 1}}', 'has no valid "place.path": expected string, it is 1'],
    ];
    for (const [text, complaint] of cases) {
      writeFileSync(path, text);
      await assert.rejects(readJson(path, schema, { advice: "Train again." }), (error) => {
        assert.ok(error instanceof FormatError);
        assert.equal(error.message, `${path} ${complaint}. Train again.`);
        assert.equal(error.path, path);
        return true;
      });
    }
  });

  it("says what cannot be read", async (t) => {
    const path = join(temporaryFolder(t), "a.json");
    mkdirSync(path);
    await assert.rejects(readJson(path, schema), { message: `${path} cannot be read (EISDIR).` });
  });

  it("refuses files that would take many times their size in memory, before they are parsed", async (t) => {
    const path = join(temporaryFolder(t), "a.json");
    writeFileSync(path, `[${"[],".repeat(2 ** 23)}[]]`);
    await assert.rejects(readJson(path, schema), /a\.json is one JSON value of more than 16 million parts/);
    await assert.rejects(readLabels(path, {}), /a\.json is one JSON value of more than 16 million parts/);
    truncateSync(path, MOST_JSON_BYTES + 1);
    await assert.rejects(readJson(path, schema), { message: `${path} cannot be read (more than 256 MiB).` });
  });
});
