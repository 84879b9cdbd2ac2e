import assert from "node:assert/strict";
import { createPainter, isLight, levelFor } from "../../../labeler/ui/workbench/painter.js";

/** A canvas that counts what is called on it, by name. */
function createCountingCanvas() {
  /** @type {Map<string, number>} */
  const calls = new Map();
  const canvas = { width: 900, height: 700 };
  const context = new Proxy(/** @type {Record<string | symbol, unknown>} */ ({ canvas }), {
    get(target, name) {
      if (name in target) return target[name];
      return () => {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        return { width: 30 };
      };
    },
  });
  return { calls, canvas: /** @type {any} */ ({ ...canvas, getContext: () => context }) };
}

/** @param {number} count of boxes, of two labels, half of them in view @param {string[]} selected */
const sceneOf = (count, selected) => ({
  rects: Array.from({ length: count }, (_, n) => ({
    id: `b${n}`,
    label: n % 2 ? "cat" : "dog",
    left: n < count / 2 ? 10 + n % 40 * 20 : 5000,
    top: 10 + Math.floor(n / 40) * 20,
    width: 15,
    height: 15,
  })),
  selected: new Set(selected),
  hovered: null,
  shown: (/** @type {string} */ name) => ({ name, color: "#e6194b", isKnown: true }),
  tags: true,
  opacity: 0.2,
  drawn: null,
  label: "cat",
  conflicts: [],
  crosshair: null,
});

Deno.test("what is painted of 500 boxes grows with those in view, and names are measured once", () => {
  const [below, above] = [createCountingCanvas(), createCountingCanvas()];
  const painter = createPainter(below.canvas, above.canvas);
  painter.resize(900, 700, 1);
  const view = { scale: 1, left: 0, top: 0 };
  const all = sceneOf(500, Array.from({ length: 500 }, (_, n) => `b${n}`));
  for (let frame = 0; frame < 10; frame++) painter.paintBoxes(all, view);
  const [strokes, measured] = ["strokeRect", "measureText"].map((name) =>
    above.calls.get(name) ?? 0
  );
  assert.equal(strokes, 10 * 250 * (2 + 4)); // two outlines and four handles each
  assert.equal(measured, 2);
  assert.equal(below.calls.size, 0); // the picture below is not painted for it
  above.calls.clear();
  painter.paintBoxes({ ...all, selected: new Set() }, view);
  assert.equal(above.calls.get("strokeRect"), 250 * 2);
  assert.equal(above.calls.get("fillText") ?? 0, 0); // names would hide so many boxes
});

Deno.test("the smallest copy that still has all pixels is painted", () => {
  const levels = [1, 0.5, 0.25].map((scale) => ({ scale, bitmap: /** @type {any} */ (null) }));
  assert.deepEqual([4, 1, 0.6, 0.5, 0.3, 0.1].map((scale) => levelFor(levels, scale).scale), [
    1,
    1,
    1,
    0.5,
    0.5,
    0.25,
  ]);
});

Deno.test("letters are black on light colors and white on dark ones", () => {
  assert.ok(isLight("#ffff00") && isLight("#ffffff") && !isLight("#000075") && !isLight("#b00020"));
});
