import assert from "node:assert/strict";
import { isBox, moved, resized, spanned } from "../../../labeler/ui/workbench/boxes.js";
import {
  fitted,
  hundredPercent,
  kept,
  panned,
  toImage,
  zoomed,
} from "../../../labeler/ui/workbench/view.js";

const ROOM = { width: 900, height: 700 };
const IMAGE = { width: 4000, height: 3000 };
/** @param {number} seed */
const random = (seed) => () => (seed = (seed * 48271) % 2147483647) / 2147483647;

Deno.test("a fitted image lies whole in the middle", () => {
  const view = fitted(ROOM, IMAGE);
  assert.ok(view.left >= 0 && view.top >= 0);
  assert.ok(view.left + IMAGE.width * view.scale <= ROOM.width);
  assert.equal(view.top, ROOM.height - view.top - IMAGE.height * view.scale);
});

Deno.test("zoom keeps the point under the cursor, for any point and factor", () => {
  const next = random(7);
  for (let count = 0; count < 500; count++) {
    const view = fitted(ROOM, IMAGE);
    const at = { x: 200 + next() * 500, y: 150 + next() * 400 };
    const before = toImage(view, at);
    const after = toImage(zoomed(view, at, 1 + next() * 30, ROOM, IMAGE), at);
    assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < 1e-6);
  }
});

Deno.test("zoom reaches single pixels and ends there", () => {
  let view = fitted(ROOM, IMAGE);
  for (let count = 0; count < 200; count++) {
    view = zoomed(view, { x: 450, y: 350 }, 1.2, ROOM, IMAGE);
  }
  assert.equal(view.scale, 64);
  for (let count = 0; count < 200; count++) {
    view = zoomed(view, { x: 450, y: 350 }, 0.5, ROOM, IMAGE);
  }
  assert.ok(view.scale > 0.01);
});

Deno.test("100 % is one image pixel per device pixel, on whole device pixels", () => {
  for (const density of [1, 1.25, 1.5, 2, 3]) {
    const view = hundredPercent(fitted(ROOM, IMAGE), ROOM, IMAGE, density);
    assert.equal(view.scale, 1 / density);
    for (const start of [view.left, view.top]) {
      assert.ok(Math.abs(start * density - Math.round(start * density)) < 1e-9);
    }
  }
});

Deno.test("no pan takes the image out of the room", () => {
  const view = panned(fitted(ROOM, IMAGE), 1e6, -1e6, ROOM, IMAGE);
  assert.ok(view.left < ROOM.width && view.top + IMAGE.height * view.scale > 0);
  assert.deepEqual(kept(view, ROOM, IMAGE), view);
});

Deno.test("a box between two corners lies inside of the image, whichever came first", () => {
  const box = spanned({ x: 50.678, y: -20 }, { x: -5, y: 9000 }, IMAGE);
  assert.deepEqual(box, { left: 0, top: 0, width: 50.68, height: 3000 });
  assert.ok(!isBox(spanned({ x: -9, y: 5 }, { x: -2, y: 90 }, IMAGE)));
});

Deno.test("several boxes move together and keep their distances at the edge", () => {
  const two = [{ left: 10, top: 10, width: 5, height: 5 }, {
    left: 40,
    top: 20,
    width: 5,
    height: 5,
  }];
  const after = moved(two, -100, 3, IMAGE);
  assert.deepEqual(after.map(({ left, top }) => [left, top]), [[0, 13], [30, 23]]);
});

Deno.test("resizing one edge leaves the other three exactly where they were", () => {
  const next = random(3);
  for (let count = 0; count < 300; count++) {
    const rect = {
      left: 1000.37 + next() * 100,
      top: 700.11,
      width: 33.33,
      height: 44.44,
      label: "a",
    };
    const after = resized(rect, "e", next() * 9000 - 200, 77, IMAGE);
    assert.equal(after.top, rect.top);
    assert.equal(after.height, rect.height);
    assert.ok(after.left + after.width <= IMAGE.width + 0.01);
    if (after.left >= rect.left) assert.ok(Math.abs(after.left - rect.left) < 0.01);
    assert.equal(after.label, "a");
  }
});

Deno.test("an edge that is dragged over the other one turns the box round", () => {
  const rect = { left: 100, top: 100, width: 50, height: 50 };
  assert.deepEqual(resized(rect, "w", 80, 0, IMAGE), {
    left: 150,
    top: 100,
    width: 30,
    height: 50,
  });
  const flat = resized(rect, "nw", 50, 50, IMAGE);
  assert.ok(flat.width >= 1 && flat.height >= 1);
});
