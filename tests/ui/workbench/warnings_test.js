// What to look at in an image, by the cases that the server is held to as well.

import assert from "node:assert/strict";
import cases from "./warning_cases.json" with { type: "json" };
import { beforeDone, warnings } from "../../../labeler/ui/workbench/warnings.js";

const IMAGE = { width: 100, height: 100 };
const KNOWN = ["car", "automobile", "dog"];
const shown = (/** @type {string} */ text) => ({
  name: text === "automobile" ? "car" : text,
  isKnown: KNOWN.includes(text),
});

for (const { what, rects, warnings: expected } of cases) {
  Deno.test(`the workbench finds what the server finds: ${what}`, () => {
    assert.deepEqual(Object.fromEntries(warnings(rects, IMAGE, shown)), expected);
  });
}

Deno.test("beside Done stands what to look at, with numbers", () => {
  /** @param {object[]} rects @param {string} [label] */
  const said = (rects, label = "") => {
    const named = rects.map((rect, index) => /** @type {any} */ ({ ...rect, id: String(index) }));
    return beforeDone(named, IMAGE, shown, label);
  };
  const box = { left: 10, top: 10, width: 50, height: 50, label: "car" };
  assert.deepEqual(said([box], "car"), []);
  assert.deepEqual(said([]), []);
  assert.deepEqual(said([], "car"), ["no boxes, though the list shows images with “car”"]);
  assert.deepEqual(said([box, box, { ...box, left: 0, width: 2, label: "zebra" }]), [
    "1 tiny box",
    "2 near-duplicate boxes",
    "1 box with a label that is not in the project",
  ]);
});
