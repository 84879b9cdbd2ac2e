// Paints the image and the boxes on two stacked canvases, in whole device pixels. While only the box
// that is drawn or changed and the cross move, the other boxes are not painted again.

import { around, createMeasure, cross, handles, outline, sidesOf, tags } from "./box_strokes.js";
import { onSurface } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./boxes.js").Labeled} Labeled */
/** @typedef {import("./levels.js").Level} Level */
/** @typedef {{ levels: Level[], width: number, height: number }} Picture */
/**
 * @typedef {object} Scene
 * @property {readonly Labeled[]} rects those that no gesture changes now
 * @property {readonly Labeled[]} changed those that a gesture changes, as they are now
 * @property {readonly string[]} selected IDs
 * @property {string | null} hovered
 * @property {(stored: string) => import("./label_set.js").Shown} shown the label of a stored text
 * @property {boolean} tags
 * @property {number} opacity of the fill, 0 to 1
 * @property {import("./boxes.js").Area | null} drawn the box that is being drawn
 * @property {string} label of the box that is being drawn
 * @property {readonly import("./merge.js").RectConflict[]} conflicts
 * @property {import("./view.js").Point | null} crosshair on the surface
 */

/** @typedef {import("./box_strokes.js").Context} Context */
/** @typedef {import("./boxes.js").Area} Area */

const HARD_ABOVE = 2;
/** What of a scene the boxes that stay depend on. */
const STILL = /** @type {const} */ ([
  "rects",
  "selected",
  "hovered",
  "shown",
  "tags",
  "opacity",
  "conflicts",
]);

/**
 * @param {HTMLCanvasElement} picture @param {HTMLCanvasElement} boxes
 * @param {OffscreenCanvas} [copy] keeps the boxes that stay
 */
export function createPainter(picture, boxes, copy = new OffscreenCanvas(1, 1)) {
  const below = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const above = /** @type {CanvasRenderingContext2D} */ (boxes.getContext("2d"));
  const kept = /** @type {OffscreenCanvasRenderingContext2D} */ (copy.getContext("2d"));
  const measure = createMeasure();
  let density = 1;
  /** What is painted now. @type {{ scene: Scene, view: View } | null} */
  let painted = null;
  let isKept = false;
  /** Where something was painted that does not stay. @type {Area[]} */
  let passing = [];

  /** @param {Context} to @param {readonly Labeled[]} rects @param {Scene} scene @param {View} view @returns {Area[]} */
  function paintRects(to, rects, scene, view) {
    const room = { width: boxes.width, height: boxes.height };
    const sides = sidesOf(scene.conflicts);
    const selected = new Set(scene.selected);
    const visible = rects.map((rect) => ({ rect, box: inDevice(rect, view, density) }))
      .filter(({ box }) =>
        box.left <= room.width && box.top <= room.height && box.left + box.width >= 0 &&
        box.top + box.height >= 0
      );
    const tagged = visible.map(({ rect, box }) => {
      const { name, color } = scene.shown(rect.label);
      const wins = selected.has(rect.id) || rect.id === scene.hovered;
      const side = sides.get(rect.id);
      outline(to, box, color, wins, scene.opacity, density, side !== undefined);
      return { box, color, text: side ? `${side}: ${name}` : name, wins: wins || !!side };
    });
    const names = scene.tags ? tags(to, tagged, room, density, measure) : [];
    for (const { rect, box } of visible) if (selected.has(rect.id)) handles(to, box, density);
    return [...visible.map(({ box }) => around(box, density)), ...names];
  }

  /** The boxes that stay, as they were painted before if nothing about them has changed. @param {Scene} scene @param {View} view */
  function paintStill(scene, view) {
    const isSame = painted?.view === view &&
      STILL.every((name) => painted?.scene[name] === scene[name]);
    painted = { scene, view };
    if (!isSame) {
      isKept = false;
      above.clearRect(0, 0, boxes.width, boxes.height);
      paintRects(above, scene.rects, scene, view);
      return;
    }
    if (!isKept) {
      [copy.width, copy.height] = [boxes.width, boxes.height];
      paintRects(kept, scene.rects, scene, view);
      isKept = true;
    }
    for (const area of passing) restore(area);
  }

  /** @param {Area} area */
  function restore(area) {
    const [left, top] = [Math.max(0, Math.floor(area.left)), Math.max(0, Math.floor(area.top))];
    const width = Math.min(boxes.width, Math.ceil(area.left + area.width)) - left;
    const height = Math.min(boxes.height, Math.ceil(area.top + area.height)) - top;
    if (width <= 0 || height <= 0) return;
    above.clearRect(left, top, width, height);
    above.drawImage(copy, left, top, width, height, left, top, width, height);
  }

  return {
    /** @param {number} width in device pixels @param {number} height @param {number} ratio */
    resize(width, height, ratio) {
      density = ratio;
      for (const canvas of [picture, boxes]) {
        if (canvas.width !== width) canvas.width = width;
        if (canvas.height !== height) canvas.height = height;
      }
      painted = null;
    },
    /** @param {Picture | null} source @param {View} view @param {string} filter @param {boolean} isHard without smoothing */
    paintPicture(source, view, filter, isHard) {
      below.clearRect(0, 0, picture.width, picture.height);
      if (!source) return;
      const scale = view.scale * density;
      const { bitmap } = levelFor(source.levels, scale);
      below.imageSmoothingEnabled = !isHard && scale < HARD_ABOVE && scale !== 1;
      below.filter = filter;
      const at = { x: Math.round(view.left * density), y: Math.round(view.top * density) };
      paintPart(below, bitmap, at, source.width * scale, source.height * scale);
    },
    /** @param {Scene} scene @param {View} view */
    paintBoxes(scene, view) {
      paintStill(scene, view);
      passing = paintRects(above, scene.changed, scene, view);
      if (scene.drawn) {
        const { color } = scene.shown(scene.label);
        const box = inDevice(scene.drawn, view, density);
        outline(above, box, color, true, 0, density, false);
        passing.push(around(box, density));
      }
      if (scene.crosshair) {
        const room = { width: boxes.width, height: boxes.height };
        passing.push(...cross(above, scene.crosshair, room, density));
      }
    },
  };
}

/** @param {Area} area in image pixels @param {View} view @param {number} density @returns {Area} */
const inDevice = (area, { scale, left, top }, density) =>
  onSurface({ scale: scale * density, left: left * density, top: top * density }, area);

/** Source pixels around the visible part, for smoothing at the edges. */
const MARGIN = 2;

/**
 * Paints only the visible part of the bitmap: at large scales the whole would be wider than a
 * canvas can be. The parts lie on whole pixels of the bitmap, so that nothing moves.
 * @param {CanvasRenderingContext2D} to @param {ImageBitmap} bitmap
 * @param {import("./view.js").Point} at where the corner of the whole lies @param {number} width of
 * the whole @param {number} height
 */
function paintPart(to, bitmap, at, width, height) {
  const [across, down] = [width / bitmap.width, height / bitmap.height];
  const left = Math.max(0, Math.floor(-at.x / across) - MARGIN);
  const top = Math.max(0, Math.floor(-at.y / down) - MARGIN);
  const right = Math.min(bitmap.width, Math.ceil((to.canvas.width - at.x) / across) + MARGIN);
  const bottom = Math.min(bitmap.height, Math.ceil((to.canvas.height - at.y) / down) + MARGIN);
  const [w, h] = [right - left, bottom - top];
  if (w <= 0 || h <= 0) return;
  const [x, y] = [at.x + left * across, at.y + top * down];
  to.drawImage(bitmap, left, top, w, h, x, y, w * across, h * down);
}

/** The smallest copy with at least one pixel per painted pixel. @param {Level[]} levels largest first @param {number} scale */
export function levelFor(levels, scale) {
  const enough = levels.filter((level) => level.scale >= Math.min(1, scale));
  return enough.at(-1) ?? levels[0];
}
