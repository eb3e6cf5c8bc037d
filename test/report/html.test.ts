import assert from "node:assert/strict";
import { test } from "node:test";
import { html, render, trusted } from "../../src/report/html.js";

test("text is escaped, in elements and in attributes", () => {
  const name = `<script>"'&`;
  assert.equal(
    render(html`<p title="${name}">${name}</p>`),
    `<p title="&#60;script&#62;&#34;&#39;&#38;">&#60;script&#62;&#34;&#39;&#38;</p>`,
  );
});

test("markup, lists, numbers and nothing go in as they are", () => {
  assert.equal(
    render(html`<ul>${[1, 2].map((item) => html`<li>${item}</li>`)}${null}${false}${undefined}</ul>`),
    "<ul><li>1</li><li>2</li></ul>",
  );
});

test("an object from JSON does not pass for markup", () => {
  const forged = JSON.parse(JSON.stringify({ ...trusted("<b>"), markup: "<i>", toString: 1 })) as string;
  assert.throws(() => render(html`${forged}`), TypeError);
  assert.equal(render(html`${JSON.parse('{"markup":"<i>"}') as string}`), "[object Object]");
});
