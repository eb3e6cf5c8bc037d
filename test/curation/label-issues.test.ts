import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findLabelIssues } from "../../src/curation/label-issues.js";
import { sigmoid } from "../../src/head/head.js";
import { createRandom } from "../../src/random.js";

const TAGS = ["common", "half", "scarce", "doubtful"];
const ROWS = 1500;

/** Tags with the probabilities that calibrated heads give, and labels with errors: shares of the tags that are there, and of those that are not. */
function labelled({ missing, added }: { missing: number; added: number }) {
  const random = createRandom(17);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  const logits = Float32Array.from({ length: ROWS * TAGS.length }, (_, cell) => {
    const [middle, spread] = [
      [5, 4],
      [0, 5],
      [-7, 4],
      [-1, 1],
    ][cell % TAGS.length];
    return middle + spread * normal();
  });
  const truth = Uint8Array.from(logits, (z) => (random.uniform() < sigmoid(z) ? 1 : 0));
  const data = truth.map((there) => (random.uniform() < (there === 1 ? missing : added) ? 1 - there : there));
  const wrong = truth.map((there, cell) => (there === data[cell] ? 0 : 1));
  const issues = findLabelIssues(logits.map(sigmoid), { data, rows: ROWS, tags: TAGS }).map((issue) => ({
    ...issue,
    isWrong: wrong[issue.row * TAGS.length + issue.tag] === 1,
  }));
  return { issues, wrong: wrong.reduce((sum, each) => sum + each, 0), data };
}

const sumOf = (issues: readonly { score: number }[]) => issues.reduce((sum, { score }) => sum + score, 0);

describe("findLabelIssues", () => {
  for (const shares of [
    { missing: 0.05, added: 0 },
    { missing: 0, added: 0.02 },
    { missing: 0.03, added: 0.01 },
  ]) {
    it(`expects as many errors as there are: ${JSON.stringify(shares)}`, () => {
      const { issues, wrong, data } = labelled(shares);
      const found = issues.filter(({ isWrong }) => isWrong).length;
      assert.ok(found > 0.6 * wrong, `${found} of ${wrong} found`);
      assert.ok(Math.abs(sumOf(issues) / found - 1) < 0.25, `${sumOf(issues)} expected, ${found} are`);
      const [sure, unsure] = [issues.filter(({ score }) => score >= 0.5), issues.filter(({ score }) => score < 0.5)];
      for (const part of [sure, unsure]) {
        const rate = part.filter(({ isWrong }) => isWrong).length / part.length;
        assert.ok(Math.abs(sumOf(part) / part.length - rate) < 0.12, `${sumOf(part) / part.length} said, ${rate} are`);
      }
      assert.ok(issues.every(({ labelled, row, tag }) => labelled === (data[row * TAGS.length + tag] === 1)));
      assert.deepEqual(
        issues.map(({ score }) => score),
        issues.map(({ score }) => score).sort((a, b) => b - a),
      );
    });
  }

  it("expects next to none in labels without errors, however doubtful a tag is", () => {
    const { issues } = labelled({ missing: 0, added: 0 });
    assert.ok(sumOf(issues) < 5, `${sumOf(issues)} of ${issues.length}`);
  });

  it("says nothing about a tag that too few tiles have", () => {
    const labels = { data: Uint8Array.of(1, 0, 0, 0), rows: 4, tags: ["rare"] };
    assert.deepEqual(findLabelIssues(Float32Array.of(0.01, 0.99, 0.99, 0.99), labels), []);
  });
});
