import assert from "node:assert/strict";
import { test } from "node:test";
import { timePrecisions } from "../../src/features/time-precisions.js";
import { temporaryFolder } from "../helpers.js";
import { TOY_FEATURES, toyBackbone } from "./toy-backbone.js";

const SIZE = 16;
const network = toyBackbone(SIZE);
const REQUEST = { floats: network, other: network, size: SIZE, numFeatures: TOY_FEATURES, device: "cpu" } as const;
const ports = () => process.getActiveResourcesInfo().filter((each) => each === "MessagePort").length;

test("a network that does not open leaves no thread of the other behind", async (t) => {
  process.env["CANOPY_CACHE"] = temporaryFolder(t);
  const before = ports();
  const request = { ...REQUEST, other: new Uint8Array(8) };
  await assert.rejects(timePrecisions(request), /ONNX Runtime cannot use the model/);
  assert.equal(ports(), before);
});

test("what was measured is noted, and not measured again", async (t) => {
  process.env["CANOPY_CACHE"] = temporaryFolder(t);
  const first = await timePrecisions(REQUEST);
  assert.ok(first.gain > 0);
  assert.deepEqual(await timePrecisions(REQUEST), first);
});
