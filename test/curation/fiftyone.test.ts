import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importLabels } from "../../src/operations/labels.js";
import { exportLabels } from "../../src/operations/labels-export.js";
import { ROOT, temporaryFolder } from "../helpers.js";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** As much of FiftyOne as the documented lines use, as strict about names as the real one. */
const STAND_IN = `
class Label:
    def __init__(self, label, confidence=None):
        assert isinstance(label, str) and (confidence is None or 0 <= confidence <= 1)
        self.label, self.confidence = label, confidence
Classification = Label

class Classifications:
    def __init__(self, classifications):
        assert all(isinstance(each, Label) for each in classifications)
        self.classifications = classifications

class Sample:
    ground_truth = None
    def __init__(self, filepath, **fields):
        assert not any(isinstance(each, list) for each in fields.values())
        self.filepath = filepath
        self.__dict__.update(fields)

class Dataset(list):
    def __init__(self, name, persistent):
        pass
    def add_samples(self, samples):
        self.extend(samples)

class App:
    def wait(self):
        pass

def launch_app(dataset):
    # What a person does: one tag more for the first sample.
    dataset[0].ground_truth.classifications.append(Classification(label="road", confidence=None))
    return App()
`;

test(
  "the documented lines take samples to FiftyOne, and what was corrected back",
  hasPython ? {} : { skip: "no python3" },
  async (t) => {
    const folder = temporaryFolder(t);
    const at = (name: string) => join(folder, name);
    mkdirSync(at("tiles"));
    for (const name of ["a.jpg", "b.jpg"]) writeFileSync(join(at("tiles"), name), "");
    writeFileSync(at("labels.csv"), "image_name,tags\na,clear primary\nb,haze\n");
    writeFileSync(at("p.jsonl"), '{"image_name":"b","path":"b","tags":["haze"],"probabilities":{"haze":0.75}}\n');
    const given = { tiles: [at("tiles")], labels: at("labels.csv"), predictions: at("p.jsonl") };
    await exportLabels({ ...given, format: "fiftyone", out: at("samples.json") });
    const docs = readFileSync(join(ROOT, "docs/curation.md"), "utf8");
    const blocks = [...docs.matchAll(/```python\n([\s\S]*?)```/g)].map(([, block]) => block);
    assert.equal(blocks.length, 2);
    writeFileSync(at("fiftyone.py"), STAND_IN);
    writeFileSync(at("lines.py"), blocks.join("\n"));
    const { status, stderr } = spawnSync("python3", ["lines.py"], { cwd: folder, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    await importLabels({ file: at("corrected.json"), labels: at("labels.csv"), out: at("labels-2.csv") });
    assert.equal(readFileSync(at("labels-2.csv"), "utf8"), "image_name,tags\na,clear primary road\nb,haze\n");
  },
);
