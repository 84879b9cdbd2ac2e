// Presses, drags and what they make of the boxes, in any view.

import assert from "node:assert/strict";
import { pressedOn, REACH } from "../../../labeler/ui/workbench/hits.js";
import { IDLE, reducePointer } from "../../../labeler/ui/workbench/pointer.js";
import {
  changedRects,
  drawnBox,
  previewedRects,
  remembered,
  visibleRects,
  withoutIds,
} from "../../../labeler/ui/workbench/scene.js";
import { onSurface, panned, toImage, zoomed } from "../../../labeler/ui/workbench/view.js";

const IMAGE = { width: 4000, height: 3000 };
const ROOM = { width: 900, height: 700 };
const BOX = { id: "a", label: "cat", left: 500, top: 400, width: 2000, height: 1500 };
/** @param {number} seed */
const random = (seed) => () => (seed = (seed * 48271) % 2147483647) / 2147483647;

/**
 * The gesture after a press at a point of the image and a drag to another one.
 * @param {import("../../../labeler/ui/workbench/view.js").View} view
 * @param {{ x: number, y: number }} from @param {{ x: number, y: number }} to
 * @param {import("../../../labeler/ui/workbench/document.js").Rect[]} chosen
 */
function dragged(view, from, to, chosen) {
  const place = (/** @type {{ x: number, y: number }} */ point) => {
    const { left, top } = onSurface(view, { left: point.x, top: point.y, width: 0, height: 0 });
    return { id: 1, at: { x: left, y: top }, point };
  };
  const under = pressedOn(chosen, place(from).at, view, REACH.mouse);
  const flags = { touch: false, panning: false, drawing: false, adding: false };
  const down = /** @type {const} */ ({ type: "down", twoClicks: false, editable: true, under });
  let { gesture } = reducePointer(IDLE, { ...down, ...flags, ...place(from) });
  ({ gesture } = reducePointer(gesture, { type: "move", ...place(to) }));
  return { gesture, effects: reducePointer(gesture, { type: "up", ...place(to) }).effects };
}

Deno.test("an edge that is dragged in any view moves alone, also where the others are out of it", () => {
  const next = random(11);
  /** @type {[string, (t: number) => { x: number, y: number }, (box: typeof BOX) => number[]][]} */
  const edges = [
    ["e", (t) => ({ x: 2500, y: 400 + 1500 * t }), (box) => [box.left, box.top, box.height]],
    ["w", (t) => ({ x: 500, y: 400 + 1500 * t }), (box) => [box.left + box.width, box.top]],
    ["s", (t) => ({ x: 500 + 2000 * t, y: 1900 }), (box) => [box.left, box.top, box.width]],
    ["n", (t) => ({ x: 500 + 2000 * t, y: 400 }), (box) => [box.top + box.height, box.left]],
  ];
  for (let count = 0; count < 400; count++) {
    const [name, along, others] = edges[count % 4];
    const edge = along(0.4 + next() * 0.2);
    let view = { scale: 0.2, left: 50, top: 40 };
    const at = onSurface(view, { left: edge.x, top: edge.y, width: 0, height: 0 });
    view = zoomed(view, { x: at.left, y: at.top }, 1 + next() * 200, ROOM, IMAGE);
    view = panned(view, next() * 20 - 10, next() * 20 - 10, ROOM, IMAGE);
    const to = { x: edge.x + 40 / view.scale, y: edge.y + 30 / view.scale };
    const { gesture, effects } = dragged(view, edge, to, [BOX]);
    const [effect] = effects;
    assert.equal(effect.type, "resize", `${name} at ${view.scale}`);
    const { dx, dy } = /** @type {{ dx: number, dy: number }} */ (effect);
    const [changed] = changedRects("resize", gesture.down, [BOX], dx, dy, IMAGE);
    assert.deepEqual(others(/** @type {typeof BOX} */ (changed)), others(BOX), name);
    assert.notDeepEqual(changed, BOX);
    assert.deepEqual(previewedRects(gesture, [BOX], IMAGE), [changed]);
  }
});

Deno.test("a drag that begins in a box that is not selected draws inside of it", () => {
  const view = { scale: 0.2, left: 0, top: 0 };
  const { gesture, effects } = dragged(view, { x: 1000, y: 1000 }, { x: 1200, y: 1300 }, []);
  assert.deepEqual(effects.map(({ type }) => type), ["add"]);
  assert.deepEqual(drawnBox(gesture, IMAGE), { left: 1000, top: 1000, width: 200, height: 300 });
  assert.deepEqual(previewedRects(gesture, [], IMAGE), []);
});

Deno.test("selected boxes move together, and a handle changes its own box alone", () => {
  const other = { ...BOX, id: "b", left: 3000, width: 300 };
  const moved = changedRects("move", null, [BOX, other], 1e6, 0, IMAGE);
  assert.deepEqual(moved.map(({ left }) => left), [1200, 3700]);
  const down = /** @type {any} */ ({ under: { kind: "handle", id: "b", handle: "e" } });
  const resized = changedRects("resize", down, [BOX, other], 50, 0, IMAGE);
  assert.deepEqual(resized, [{ ...other, width: 350 }]);
});

Deno.test("what is hidden is not shown, and boxes that change are told apart by their ids", () => {
  const hidden = { ...BOX, id: "b" };
  const named = (/** @type {string} */ name) => ({ name });
  const all = [BOX, hidden, { ...BOX, id: "c", label: "dog" }];
  assert.deepEqual(visibleRects(all, new Set(["b"]), new Set(["dog"]), named), [BOX]);
  assert.deepEqual(withoutIds(all, JSON.stringify(["b", "x"])), [BOX, all[2]]);
  assert.equal(withoutIds(all, "[]"), all);
  const corner = toImage({ scale: 2, left: 10, top: 20 }, { x: 10, y: 20 });
  assert.deepEqual(corner, { x: 0, y: 0 });
});

Deno.test("a result is made again only for other arguments", () => {
  let made = 0;
  const sum = remembered((/** @type {number} */ one, /** @type {number} */ other) => {
    made += 1;
    return one + other;
  });
  assert.deepEqual([sum(1, 2), sum(1, 2), sum(2, 2), sum(1, 2), made], [3, 3, 4, 3, 3]);
});
