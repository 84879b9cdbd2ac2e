// The merge gives what the worked cases say, which the server's merge is held to as well.

import assert from "node:assert/strict";
import { parseJson } from "../../../labeler/ui/workbench/document.js";
import { merge, resolve, TooManyRects } from "../../../labeler/ui/workbench/merge.js";
import cases from "./merge_cases.json" with { type: "json" };
import { doc, rect } from "./fakes.js";

for (const worked of cases) {
  Deno.test(`a merge where ${worked.what}`, () => {
    const [base, ours, theirs] = [worked.base, worked.ours, worked.theirs].map((side) =>
      parseJson(JSON.stringify(side))
    );
    const merged = merge(base, ours, theirs);
    assert.deepEqual(
      JSON.parse(JSON.stringify(merged.document)),
      JSON.parse(JSON.stringify(worked.document)),
    );
    assert.deepEqual(
      merged.conflicts.map(({ id, kind, kept_as }) => [id, kind, kept_as !== ""]),
      worked.conflicts,
    );
  });
}

Deno.test("a merge with more boxes than a document may hold is refused", () => {
  const many = (/** @type {string} */ prefix) =>
    doc(Array.from({ length: 6000 }, (_, index) => rect(`${prefix}${index}`)));
  assert.throws(() => merge(doc([]), many("a"), many("b")), TooManyRects);
});

Deno.test("a choice between two versions is done once, on the boxes as they are by now", () => {
  const { document, conflicts: [conflict] } = merge(
    doc([rect("a")]),
    doc([rect("a", 11)]),
    doc([rect("a", 12)]),
  );
  assert.deepEqual(resolve(document, conflict, "theirs").rects, [rect("a", 12)]);
  const ours = resolve(document, conflict, "ours");
  assert.deepEqual(ours.rects, [rect("a", 11)]);
  assert.equal(resolve(ours, conflict, "theirs"), ours);
  assert.equal(resolve(document, conflict, "both"), document);
});
