import assert from "node:assert/strict";
import cases from "./warning_cases.json" with { type: "json" };
import { warnings } from "../../../labeler/ui/workbench/boxes.js";

/** The server's words, and those of the workbench. */
const WORDS = {
  tiny: "tiny",
  edge: "at the edge",
  unknown_label: "unknown label",
  duplicate: "duplicate",
};
const KNOWN = ["car", "automobile", "dog"];
const shown = (/** @type {string} */ text) => ({
  name: text === "automobile" ? "car" : text,
  isKnown: KNOWN.includes(text),
});

for (const { what, rects, warnings: expected } of cases) {
  Deno.test(`the workbench finds what the server finds: ${what}`, () => {
    const found = warnings(rects, { width: 100, height: 100 }, shown);
    const told = Object.entries(/** @type {Record<string, string[]>} */ (expected)).map(
      ([id, names]) => [id, names.map((name) => WORDS[/** @type {keyof typeof WORDS} */ (name)])],
    );
    assert.deepEqual(Object.fromEntries(found), Object.fromEntries(told));
  });
}
