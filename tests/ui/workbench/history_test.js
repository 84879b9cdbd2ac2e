// Undo and redo: a person's own steps, however others' changes come in between.

import assert from "node:assert/strict";
import { reasonOf } from "../../../labeler/ui/workbench/document.js";
import { edited } from "../../../labeler/ui/workbench/dispatch.js";
import { addRect, setStatus, withRects } from "../../../labeler/ui/workbench/edits.js";
import { EMPTY, recorded, redo, undo } from "../../../labeler/ui/workbench/history.js";
import { doc, rect } from "./fakes.js";

/** @param {number} seed */
function chances(seed) {
  let chance = seed;
  return (/** @type {number} */ below) =>
    Math.floor(((chance = (chance * 48271) % 2147483647) / 2147483647) * below);
}

/** @param {import("./fakes.js").Doc} document @param {(below: number) => number} random @param {string} fresh */
function randomEdit(document, random, fresh) {
  const ids = document.rects.map((one) => one.id).filter(() => random(2));
  const rects = ids.map(() => ({ ...rect("", random(400)), width: random(50) }));
  const edits = /** @type {any[]} */ ([
    { type: "add", rect: rect(fresh, random(390)) },
    { type: "change", ids, rects },
    { type: "delete", ids },
    { type: "label", ids, label: ["cat", "dog"][random(2)] },
    { type: "attribute", ids, name: "truncated", value: random(2) === 1 },
    { type: "status", status: ["done", "skipped", "in_progress"][random(3)] },
  ]);
  return edited(document, edits[random(edits.length)]);
}

Deno.test("any steps are undone to the start and redone to the end", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = chances(seed);
    let document = doc([rect("a"), rect("b", 50), rect("c", 90)], "in_progress");
    const start = document;
    let history = EMPTY;
    for (let step = 0; step < 30; step++) {
      const next = randomEdit(document, random, `n${step}`);
      history = recorded(history, document, next);
      document = next;
    }
    const end = document;
    const steps = history.undo.length;
    for (let step = 0; step < steps; step++) ({ history, document } = undo(history, document));
    assert.deepEqual(document, start, `seed ${seed}`);
    for (let step = 0; step < steps; step++) ({ history, document } = redo(history, document));
    assert.deepEqual(document, end, `seed ${seed}`);
  }
});

Deno.test("undo takes back my steps and never what another person did", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = chances(seed);
    let document = doc([rect("a"), rect("b", 50)], "in_progress");
    let history = EMPTY;
    /** @type {any[]} */
    const theirs = [];
    for (let step = 0; step < 12; step++) {
      if (random(3) === 0) {
        const added = rect(`t${step}`, random(300));
        theirs.push(added);
        document = withRects(document, [added, ...document.rects]);
      } else {
        const mine = edited(document, { type: "add", rect: rect(`m${step}`) });
        history = recorded(history, document, mine);
        document = mine;
      }
    }
    while (history.undo.length) ({ history, document } = undo(history, document));
    assert.deepEqual(
      document.rects,
      [...theirs.toReversed(), rect("a"), rect("b", 50)],
      `seed ${seed}`,
    );
  }
});

Deno.test("an undo that would take another person's change with it leaves that", () => {
  const start = doc([], "unlabeled");
  const drawn = addRect(start, rect("a"));
  const history = recorded(EMPTY, start, drawn);
  const renamed = withRects(drawn, [rect("a", 10, { label: "theirs" })]);
  const undone = undo(history, renamed);
  assert.deepEqual(undone.document.rects, renamed.rects);
  assert.equal(undone.document.metadata?.status, "in_progress");
  const beside = withRects(drawn, [rect("a"), rect("theirs")]);
  const { document } = undo(history, beside);
  assert.deepEqual(document.rects, [rect("theirs")]);
  assert.equal(document.metadata?.status, "in_progress");
});

Deno.test("the history holds 500 steps and more", () => {
  let document = doc([]);
  let history = EMPTY;
  for (let step = 0; step < 600; step++) {
    const next = setStatus(addRect(document, rect(`n${step}`)), "in_progress");
    history = recorded(history, document, next);
    document = next;
  }
  for (let step = 0; step < 600; step++) ({ history, document } = undo(history, document));
  assert.deepEqual(document.rects, []);
});

Deno.test("a reason to skip goes with the status, and comes back with an undo", () => {
  const skipped = setStatus(doc([], "unlabeled"), "skipped", "Blurred");
  assert.equal(reasonOf(skipped), "Blurred");
  assert.equal(setStatus(skipped, "skipped"), skipped);
  assert.equal(reasonOf(setStatus(skipped, "skipped", "Dark")), "Dark");
  const again = edited(skipped, { type: "status", status: "in_progress" });
  assert.deepEqual(again.metadata, { status: "in_progress" });
  const undone = undo(recorded(EMPTY, skipped, again), again);
  assert.deepEqual(undone.document.metadata, skipped.metadata);
  assert.deepEqual(redo(undone.history, undone.document).document.metadata, again.metadata);
});

Deno.test("nothing here takes all boxes away, and one undo brings them back", () => {
  const labeled = doc([rect("a"), rect("b")], "in_progress");
  const nothing = edited(labeled, { type: "nothing" });
  assert.deepEqual([nothing.rects, nothing.metadata?.status], [[], "done"]);
  assert.deepEqual(undo(recorded(EMPTY, labeled, nothing), nothing).document, labeled);
  assert.equal(edited(nothing, { type: "nothing" }), nothing);
});
