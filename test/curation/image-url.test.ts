import assert from "node:assert/strict";
import { test } from "node:test";
import { toSample } from "../../src/curation/fiftyone.js";
import { pictureProblem, toImageUrl } from "../../src/curation/image-url.js";
import { labelTableText } from "../../src/curation/label-tables.js";

test("a picture on a server keeps its address for every labelling tool and table", () => {
  for (const path of ["https://h.net/in/a%20b.jpg?id=7", "s3://bucket/in/a.jpg"]) {
    const tile = { name: "a", path };
    assert.equal(toImageUrl(tile, { imageUrl: "https://other/", imageRoot: "in" }), path);
    assert.equal(pictureProblem(tile, "label-studio", { imageRoot: "in" }), undefined);
    assert.equal(toSample({ tile }).filepath, path);
    assert.match(pictureProblem(tile, "fiftyone") ?? "", /on a server/);
    const options = { tags: ["clear"], out: "out/labels.jsonl", nameOf: () => "a" };
    const [line] = labelTableText("jsonl", [{ tile, labels: ["clear"] }], options);
    assert.deepEqual(JSON.parse(line), { file_name: path, tags: ["clear"] });
  }
  assert.match(pictureProblem({ name: "a", path: "https://h.net/a.tif?id=7" }, "label-studio") ?? "", /TIFF/);
});

test("a picture on a disk is found below the root, its name escaped", () => {
  assert.equal(
    toImageUrl({ name: "a", path: "/data/in/a b.jpg" }, { imageRoot: "/data" }),
    "/data/local-files/?d=in/a%20b.jpg",
  );
  assert.match(
    pictureProblem({ name: "a", path: "/else/a.jpg" }, "label-studio", { imageRoot: "/data" }) ?? "",
    /outside/,
  );
});
