import assert from "node:assert/strict";
import { isBox } from "../../../labeler/ui/workbench/boxes.js";
import { CAMERA, middleBox, reduceCamera } from "../../../labeler/ui/workbench/camera.js";
import { fitted, toImage } from "../../../labeler/ui/workbench/view.js";

/** @typedef {import("../../../labeler/ui/workbench/camera.js").CameraEvent} CameraEvent */

const ROOM = { width: 1000, height: 700 };
const IMAGE = { width: 4000, height: 3000 };

/** @param {CameraEvent[]} events */
const after = (...events) => events.reduce(reduceCamera, CAMERA);
/** @type {CameraEvent[]} */
const OPENED = [
  { type: "room", room: ROOM, density: 2 },
  { type: "image", image: IMAGE, isOther: true },
];

Deno.test("an image stays fitted to a room of any size until somebody looks elsewhere", () => {
  assert.deepEqual(after(...OPENED).view, fitted(ROOM, IMAGE));
  const narrow = { width: 400, height: 700 };
  const resized = after(...OPENED, { type: "room", room: narrow, density: 2 });
  assert.deepEqual(resized.view, fitted(narrow, IMAGE));
  const zoomed = after(...OPENED, { type: "zoom", at: { x: 500, y: 350 }, factor: 4 });
  const middle = toImage(zoomed.view, { x: 500, y: 350 });
  const moved = reduceCamera(zoomed, { type: "room", room: narrow, density: 2 });
  assert.equal(moved.view.scale, zoomed.view.scale);
  const now = toImage(moved.view, { x: 200, y: 350 });
  assert.ok(Math.hypot(now.x - middle.x, now.y - middle.y) < 1e-6, "the middle stays there");
  assert.deepEqual(reduceCamera(moved, { type: "fit" }).view, fitted(narrow, IMAGE));
});

Deno.test("the whole image that follows a small copy changes nothing of the view", () => {
  const zoomed = after(...OPENED, { type: "zoom", at: { x: 10, y: 20 }, factor: 8 });
  assert.equal(reduceCamera(zoomed, { type: "image", image: IMAGE, isOther: false }), zoomed);
  const other = reduceCamera(zoomed, { type: "image", image: IMAGE, isOther: true });
  assert.deepEqual(other.view, fitted(ROOM, IMAGE));
});

Deno.test("a box in view is left where it is, another one is brought to the middle", () => {
  const open = after(...OPENED);
  const rect = { left: 3900, top: 2900, width: 20, height: 20 };
  assert.equal(reduceCamera(open, { type: "reveal", rect }), open);
  const zoomed = reduceCamera(open, { type: "zoom", at: { x: 0, y: 0 }, factor: 20 });
  const shown = reduceCamera(zoomed, { type: "reveal", rect });
  const middle = toImage(shown.view, { x: 500, y: 350 });
  assert.ok(Math.abs(middle.x - 3910) < 100 && Math.abs(middle.y - 2910) < 100);
});

Deno.test("a box without a pointer lies in the middle of the view, inside the image", () => {
  /** @type {CameraEvent[]} */
  const events = [
    { type: "room", room: { width: 400, height: 300 }, density: 1 },
    { type: "image", image: { width: 800, height: 600 }, isOther: true },
  ];
  const camera = events.reduce(reduceCamera, CAMERA);
  const box = middleBox(camera);
  const side = Math.round(6000 / camera.view.scale) / 100; // a fifth of 300, to 2 decimals
  assert.deepEqual([box.width, box.height], [side, side]);
  assert.deepEqual([box.left + box.width / 2, box.top + box.height / 2], [400, 300]);
});

Deno.test("a new box is whole and inside, also where the view has gone past the image", () => {
  for (const [dx, dy] of [[-3000, 0], [3000, 0], [0, -3000], [3000, 3000], [0, 0]]) {
    for (const image of [IMAGE, { width: 640, height: 480 }, { width: 3, height: 2 }]) {
      const opened = after({ type: "room", room: ROOM, density: 1 }, {
        type: "image",
        image,
        isOther: true,
      });
      const away = reduceCamera(opened, { type: "pan", dx, dy });
      const box = middleBox(away);
      assert.ok(isBox(box), JSON.stringify([dx, dy, image, box]));
      assert.ok(box.left >= 0 && box.left + box.width <= image.width);
      assert.ok(box.top >= 0 && box.top + box.height <= image.height);
    }
  }
});
