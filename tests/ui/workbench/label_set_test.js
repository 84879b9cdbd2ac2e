import assert from "node:assert/strict";
import { labelsOf, UNKNOWN_COLOR } from "../../../labeler/ui/workbench/label_set.js";

const LABELS = [
  { number: 1, name: "Person", color: "#e6194b", former: ["people", "Menschen groß"] },
  { number: 2, name: "car", color: "#3cb44b" },
  { number: 3, name: "auto", color: "#4363d8", former: ["automobile"], merged_into: 2 },
  { number: 4, name: "cat", color: "#f58231", retired: true },
  { number: 5, name: "loop", color: "#000075", merged_into: 6 },
  { number: 6, name: "pool", color: "#000075", merged_into: 5 },
];
const { offered, shown } = labelsOf(LABELS);

Deno.test("labels that are neither archived nor merged are offered, in their order", () => {
  assert.deepEqual(offered.map(({ name }) => name), ["Person", "car"]);
});

Deno.test("a stored text counts as the label that has or had that name, merges followed", () => {
  const person = { name: "Person", color: "#e6194b", isKnown: true };
  for (const stored of ["Person", "person", " PEOPLE ", "menschen  GROSS"]) {
    assert.deepEqual(shown(stored), person, stored);
  }
  assert.equal(shown("automobile").name, "car");
  assert.equal(shown("auto").color, "#3cb44b");
  assert.deepEqual(shown("cat"), { name: "cat", color: "#f58231", isKnown: true });
});

Deno.test("a text that is no label is shown on one line, in gray, and a circle of merges ends", () => {
  assert.equal(shown(" odd\n\tlabel ").name, "odd label");
  assert.deepEqual(shown("persn"), { name: "persn", color: UNKNOWN_COLOR, isKnown: false });
  assert.ok(shown("loop").isKnown);
  assert.equal(labelsOf([]).shown("x").isKnown, false);
});

Deno.test("the look-up of a list is made once", () => {
  assert.equal(labelsOf(LABELS), labelsOf(LABELS));
  assert.notEqual(labelsOf(LABELS), labelsOf([...LABELS]));
});
