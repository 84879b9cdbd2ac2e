import assert from "node:assert/strict";
import { haloOf, isLight } from "../../../labeler/ui/workbench/box_strokes.js";
import { createPainter, levelFor } from "../../../labeler/ui/workbench/painter.js";

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
  changed: [],
  selected,
  hovered: null,
  shown: (/** @type {string} */ name) => ({ name, color: "#e6194b", isKnown: true }),
  tags: true,
  opacity: 0.2,
  drawn: null,
  label: "cat",
  conflicts: [],
  crosshair: null,
});

const FROM = { scale: 1, left: 0, top: 0 };

function createCounted() {
  const [below, above, copy] = [1, 2, 3].map(createCountingCanvas);
  const painter = createPainter(below.canvas, above.canvas, copy.canvas);
  painter.resize(900, 700, 1);
  /** What one frame calls, by name. @param {any} scene @param {typeof FROM} view */
  const frame = (scene, view = FROM) => {
    for (const { calls } of [below, above, copy]) calls.clear();
    painter.paintBoxes(scene, view);
    return (/** @type {string} */ name) => above.calls.get(name) ?? 0;
  };
  return { below, above, copy, frame };
}

Deno.test("what is painted of 500 boxes grows with those in view, and names are measured once", () => {
  const { below, copy, frame } = createCounted();
  const all = sceneOf(500, Array.from({ length: 500 }, (_, n) => `b${n}`));
  for (let turn = 0; turn < 10; turn++) {
    const count = frame(all, { ...FROM, left: turn / 100 });
    assert.equal(count("strokeRect"), 250 * (2 + 4)); // two outlines and four handles each
    assert.equal(count("measureText"), turn ? 0 : 2);
    assert.equal(below.calls.size + copy.calls.size, 0); // nothing else is painted for it
  }
  const count = frame({ ...all, selected: [] });
  assert.equal(count("strokeRect"), 250 * 2);
  assert.equal(count("fillText"), 0); // names would hide so many boxes
});

Deno.test("while a box is drawn or moved, the other 499 are not painted again", () => {
  const { copy, frame } = createCounted();
  const all = sceneOf(500, []);
  const [first, ...rest] = all.rects;
  const box = { left: 300, top: 300, width: 50, height: 40 };
  for (
    const [scene, strokes] of /** @type {[any, number][]} */ ([
      [{ ...all, drawn: box, crosshair: { x: 350, y: 340 } }, 2],
      [{ ...all, rects: rest, changed: [{ ...first, left: 99 }], selected: ["b0"] }, 2 + 4],
    ])
  ) {
    assert.equal(frame(scene)("strokeRect"), 2 * (250 - scene.changed.length) + strokes);
    frame(scene);
    assert.ok((copy.calls.get("strokeRect") ?? 0) > 400); // once, to be copied from then on
    for (let turn = 0; turn < 5; turn++) {
      const count = frame({ ...scene, crosshair: { x: turn, y: turn } });
      assert.equal(count("strokeRect"), strokes);
      assert.ok(count("drawImage") <= 4, String(count("drawImage")));
      assert.equal(copy.calls.size, 0);
    }
  }
});

Deno.test("whatever the boxes depend on has them painted again", () => {
  const { frame } = createCounted();
  const all = sceneOf(40, []);
  const drawn = { left: 300, top: 300, width: 50, height: 40 };
  const whole = frame({ ...all, drawn })("strokeRect");
  const others = [
    { rects: [...all.rects] },
    { selected: ["b1"] },
    { hovered: "b1" },
    { tags: false },
    { opacity: 0.5 },
    { shown: (/** @type {string} */ name) => ({ name, color: "#000000", isKnown: true }) },
    { conflicts: [] },
  ];
  for (const other of others) {
    frame({ ...all, drawn });
    assert.ok(frame({ ...all, drawn, ...other })("strokeRect") >= whole, Object.keys(other)[0]);
  }
  frame({ ...all, drawn });
  assert.equal(frame({ ...all, drawn }, { ...FROM })("strokeRect"), whole);
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

Deno.test("letters and halos are black on light colors and white on dark ones", () => {
  assert.ok(haloOf("#000075").includes("255") && haloOf("#800000").includes("255"));
  assert.ok(!haloOf("#e6194b").includes("255") && !haloOf("#808000").includes("255"));
  assert.ok(isLight("#ffff00") && isLight("#ffffff") && !isLight("#000075") && !isLight("#b00020"));
});

Deno.test("the image is smooth up to 200 % but at 100 %, and without smoothing at every size", () => {
  const [below, above, copy] = [1, 2, 3].map(createCountingCanvas);
  const painter = createPainter(below.canvas, above.canvas, copy.canvas);
  painter.resize(900, 700, 1);
  const bitmap = /** @type {any} */ ({ width: 800, height: 600 });
  const picture = { levels: [{ bitmap, scale: 1 }], width: 800, height: 600 };
  /** @param {number} scale @param {boolean} isHard */
  const isSmooth = (scale, isHard) => {
    painter.paintPicture(picture, { ...FROM, scale }, "none", isHard);
    return below.canvas.getContext().imageSmoothingEnabled;
  };
  const scales = [0.3, 1, 1.5, 2, 8];
  assert.deepEqual(scales.map((scale) => isSmooth(scale, false)), [
    true,
    false,
    true,
    false,
    false,
  ]);
  assert.ok(scales.every((scale) => !isSmooth(scale, true)));
});
