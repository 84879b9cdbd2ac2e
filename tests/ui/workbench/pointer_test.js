import assert from "node:assert/strict";
import { IDLE, reducePointer } from "../../../labeler/ui/workbench/pointer.js";

/** @typedef {import("../../../labeler/ui/workbench/pointer.js").PointerInput} PointerInput */

/** @param {number} x @param {number} y @param {number} [id] */
const place = (x, y, id = 1) => ({ id, at: { x, y }, point: { x: x * 4, y: y * 4 } });
/** @param {number} x @param {number} y @param {object} [more] @returns {PointerInput} */
const down = (x, y, more = {}) => ({
  type: "down",
  ...place(x, y),
  touch: false,
  panning: false,
  drawing: false,
  adding: false,
  twoClicks: false,
  editable: true,
  under: { kind: "free" },
  ...more,
});
/** @param {number} x @param {number} y @param {number} [id] @returns {PointerInput} */
const move = (x, y, id) => ({ type: "move", ...place(x, y, id) });
/** @param {number} x @param {number} y @param {number} [id] @returns {PointerInput} */
const up = (x, y, id) => ({ type: "up", ...place(x, y, id) });

/** @param {PointerInput[]} inputs */
function after(...inputs) {
  let gesture = IDLE;
  const effects = [];
  for (const input of inputs) {
    const step = reducePointer(gesture, input);
    gesture = step.gesture;
    effects.push(...step.effects);
  }
  return { gesture, effects, types: effects.map(({ type }) => type) };
}

Deno.test("a drag draws one box from where it was pressed", () => {
  const { effects, gesture } = after(down(10, 10), move(20, 20), move(30, 40), up(30, 40));
  assert.deepEqual(effects, [{ type: "add", from: { x: 40, y: 40 }, to: { x: 120, y: 160 } }]);
  assert.deepEqual(gesture, IDLE);
});

Deno.test("a click with a shaky hand selects and draws nothing", () => {
  assert.deepEqual(after(down(10, 10), move(11, 12), up(11, 12)).types, ["click"]);
});

Deno.test("a selected box is moved or resized, and Ctrl draws inside of it all the same", () => {
  const inside = { under: { kind: "inside" } };
  const handle = { under: { kind: "handle", id: "a", handle: "se" } };
  assert.deepEqual(after(down(10, 10, inside), move(30, 10), up(30, 10)).effects, [{
    type: "move",
    dx: 80,
    dy: 0,
  }]);
  assert.deepEqual(after(down(10, 10, handle), move(30, 10), up(30, 10)).types, ["resize"]);
  assert.deepEqual(
    after(down(10, 10, { ...inside, drawing: true }), move(30, 30), up(30, 30)).types,
    ["add"],
  );
});

Deno.test("escape and a cancelled pointer leave nothing behind", () => {
  assert.deepEqual(
    after(down(10, 10), move(40, 40), { type: "escape" }, move(50, 50), up(50, 50)).types,
    [],
  );
  assert.deepEqual(
    after(down(10, 10), move(40, 40), { type: "cancel", id: 1 }, up(50, 50)).types,
    [],
  );
});

Deno.test("a second finger cancels the box and pinches", () => {
  const { types, gesture } = after(
    down(100, 100, { touch: true }),
    move(120, 120),
    down(200, 200, { id: 2, touch: true }),
    move(300, 300, 2),
    up(300, 300, 2),
    move(200, 210),
    up(200, 210),
  );
  assert.deepEqual(types, ["pan", "zoom"]);
  assert.deepEqual(gesture, IDLE);
});

Deno.test("pinch zooms by the ratio of the distances", () => {
  const { effects } = after(
    down(0, 0, { touch: true }),
    down(100, 0, { id: 2, touch: true }),
    move(200, 0, 2),
  );
  assert.deepEqual(effects, [{ type: "pan", dx: 50, dy: 0 }, {
    type: "zoom",
    at: { x: 100, y: 0 },
    factor: 2,
  }]);
});

Deno.test("two clicks draw a box, and escape after the first one draws none", () => {
  const two = { twoClicks: true };
  const drawn = after(down(10, 10, two), up(10, 10), move(60, 60), down(60, 60, two), up(60, 60));
  assert.deepEqual(drawn.effects, [{
    type: "add",
    from: { x: 40, y: 40 },
    to: { x: 240, y: 240 },
  }]);
  assert.deepEqual(drawn.gesture, IDLE);
  assert.deepEqual(
    after(down(10, 10, two), up(10, 10), { type: "escape" }, down(60, 60), up(60, 60)).types,
    ["click"],
  );
});

Deno.test("nothing is drawn on an image that can't be edited", () => {
  assert.deepEqual(
    after(down(10, 10, { editable: false }), move(30, 30), move(40, 40), up(40, 40)).types,
    ["pan"],
  );
});

Deno.test("fingers of any order and number end idle, with at most one box per press", () => {
  let seed = 11;
  const next = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let run = 0; run < 300; run++) {
    let gesture = IDLE;
    const held = new Set();
    let presses = 0, boxes = 0;
    const give = (/** @type {PointerInput} */ input) => {
      const step = reducePointer(gesture, input);
      gesture = step.gesture;
      boxes += step.effects.filter(({ type }) => type === "add").length;
    };
    for (let count = 0; count < 40; count++) {
      const id = 1 + Math.floor(next() * 3);
      const [x, y] = [next() * 300, next() * 300];
      if (!held.has(id)) {
        held.add(id);
        presses++;
        give(down(x, y, { id, touch: true }));
      } else if (next() < 0.6) give(move(x, y, id));
      else {
        held.delete(id);
        give(next() < 0.8 ? up(x, y, id) : { type: "cancel", id });
      }
    }
    for (const id of held) give(up(0, 0, id));
    assert.deepEqual(gesture, IDLE);
    assert.ok(boxes <= presses);
  }
});
