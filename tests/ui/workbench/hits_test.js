import assert from "node:assert/strict";
import {
  candidates,
  cursorFor,
  handleAt,
  pressedOn,
  selectedBy,
} from "../../../labeler/ui/workbench/hits.js";

const VIEW = { scale: 1, left: 0, top: 0 };
/** @param {string} id @param {number} left @param {number} top @param {number} width @param {number} height */
const rect = (id, left, top, width, height) => ({ id, left, top, width, height });
const STACK = [
  rect("large", 0, 0, 500, 500),
  rect("small", 200, 200, 40, 40),
  rect("middle", 100, 100, 300, 300),
];

Deno.test("of a stack the smallest is first, whatever was drawn last", () => {
  assert.deepEqual(candidates(STACK, { x: 220, y: 220 }, VIEW, 6), ["small", "middle", "large"]);
  assert.deepEqual(candidates([...STACK].reverse(), { x: 220, y: 220 }, VIEW, 6), [
    "small",
    "middle",
    "large",
  ]);
});

Deno.test("a near edge comes before the smaller box around the point", () => {
  assert.equal(candidates(STACK, { x: 102, y: 250 }, VIEW, 6)[0], "middle");
  const inside = [rect("large", 0, 0, 500, 500), rect("small", 1, 50, 100, 100)];
  assert.equal(candidates(inside, { x: 300, y: 2 }, VIEW, 6)[0], "large");
});

Deno.test("clicks at one place go down the stack and begin again", () => {
  const ids = candidates(STACK, { x: 220, y: 220 }, VIEW, 6);
  const order = [];
  /** @type {readonly string[]} */
  let selection = [];
  for (let count = 0; count < 4; count++) {
    selection = selectedBy(ids, selection, count > 0, false);
    order.push(...selection);
  }
  assert.deepEqual(order, ["small", "middle", "large", "small"]);
  assert.deepEqual(selectedBy(ids, ["small"], false, false), ["small"]);
  assert.deepEqual(selectedBy([], ["small"], true, false), []);
});

Deno.test("Shift puts the likeliest box into the selection and takes it out again", () => {
  assert.deepEqual(selectedBy(["small", "large"], ["other"], true, true), ["other", "small"]);
  assert.deepEqual(selectedBy(["small"], ["small", "other"], true, true), ["other"]);
  assert.deepEqual(selectedBy([], ["other"], true, true), ["other"]);
});

Deno.test("a press grabs selected boxes alone, and the cursor tells what it would do", () => {
  const [, small] = STACK;
  const begun = (/** @type {typeof STACK} */ chosen, /** @type {number} */ x) => {
    const under = pressedOn(chosen, { x, y: 220 }, VIEW, 6);
    return [under.kind, cursorFor(under)];
  };
  assert.deepEqual(begun([], 220), ["free", "crosshair"]);
  assert.deepEqual(begun([small], 220), ["inside", "move"]);
  assert.deepEqual(begun([small], 240), ["handle", "ew-resize"]);
  assert.deepEqual(begun([small], 300), ["free", "crosshair"]);
});

Deno.test("boxes that were off the view are found after panning", () => {
  const far = [rect("far", 5000, 5000, 30, 30)];
  assert.deepEqual(candidates(far, { x: 15, y: 15 }, { scale: 1, left: -5000, top: -5000 }, 6), [
    "far",
  ]);
  assert.deepEqual(candidates(far, { x: 15, y: 15 }, VIEW, 6), []);
});

Deno.test("edges and corners are handles, and a small box can still be moved", () => {
  const box = { left: 100, top: 100, width: 100, height: 60 };
  assert.equal(handleAt(box, { x: 97, y: 98 }, 6), "nw");
  assert.equal(handleAt(box, { x: 201, y: 130 }, 6), "e");
  assert.equal(handleAt(box, { x: 150, y: 162 }, 6), "s");
  assert.equal(handleAt(box, { x: 150, y: 130 }, 6), null);
  assert.equal(handleAt(box, { x: 150, y: 180 }, 6), null);
  assert.equal(
    handleAt({ left: 100, top: 100, width: 12, height: 12 }, { x: 106, y: 106 }, 22),
    null,
  );
});
