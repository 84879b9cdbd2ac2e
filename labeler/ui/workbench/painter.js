// Paints the image and the boxes on two stacked canvases, in whole device pixels.

import { placedTags } from "./tags.js";
import { onSurface } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./boxes.js").Labeled} Labeled */
/** @typedef {import("./levels.js").Level} Level */
/** @typedef {{ levels: Level[], width: number, height: number }} Picture */
/**
 * @typedef {object} Scene
 * @property {readonly Labeled[]} rects
 * @property {Set<string>} selected
 * @property {string | null} hovered
 * @property {(stored: string) => import("./label_set.js").Shown} shown the label of a stored text
 * @property {boolean} tags
 * @property {number} opacity of the fill, 0 to 1
 * @property {import("./boxes.js").Area | null} drawn the box that is being drawn
 * @property {string} label of the box that is being drawn
 * @property {readonly import("./merge.js").RectConflict[]} conflicts
 * @property {import("./view.js").Point | null} crosshair on the surface
 */

const HARD_ABOVE = 2;
const TAG_SIZE = 11;
const MOST_WIDTHS = 5000;
const HANDLE = 4;

/**
 * @param {HTMLCanvasElement} picture @param {HTMLCanvasElement} boxes
 */
export function createPainter(picture, boxes) {
  const below = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  const above = /** @type {CanvasRenderingContext2D} */ (boxes.getContext("2d"));
  const measure = createMeasure(above);
  let density = 1;
  return {
    /** @param {number} width in device pixels @param {number} height @param {number} ratio */
    resize(width, height, ratio) {
      density = ratio;
      for (const canvas of [picture, boxes]) {
        if (canvas.width !== width) canvas.width = width;
        if (canvas.height !== height) canvas.height = height;
      }
    },
    /** @param {Picture | null} source @param {View} view @param {string} filter */
    paintPicture(source, view, filter) {
      below.clearRect(0, 0, picture.width, picture.height);
      if (!source) return;
      const scale = view.scale * density;
      const { bitmap } = levelFor(source.levels, scale);
      below.imageSmoothingEnabled = scale < HARD_ABOVE && scale !== 1;
      below.filter = filter;
      const at = { x: Math.round(view.left * density), y: Math.round(view.top * density) };
      paintPart(below, bitmap, at, source.width * scale, source.height * scale);
    },
    /** @param {Scene} scene @param {View} view */
    paintBoxes(scene, view) {
      above.clearRect(0, 0, boxes.width, boxes.height);
      const shown = {
        scale: view.scale * density,
        left: view.left * density,
        top: view.top * density,
      };
      const room = { width: boxes.width, height: boxes.height };
      const visible = scene.rects.map((rect) => ({ rect, box: onSurface(shown, rect) }))
        .filter(({ box }) =>
          box.left <= room.width && box.top <= room.height && box.left + box.width >= 0 &&
          box.top + box.height >= 0
        );
      const sides = sidesOf(scene.conflicts);
      const tagged = visible.map(({ rect, box }) => {
        const { name, color } = scene.shown(rect.label);
        const wins = scene.selected.has(rect.id) || rect.id === scene.hovered;
        const side = sides.get(rect.id);
        outline(above, box, color, wins, scene.opacity, density, side !== undefined);
        return { box, color, text: side ? `${side}: ${name}` : name, wins: wins || !!side };
      });
      if (scene.tags) tags(above, tagged, room, density, measure);
      for (const { rect, box } of visible) {
        if (scene.selected.has(rect.id)) handles(above, box, density);
      }
      if (scene.drawn) {
        const { color } = scene.shown(scene.label);
        outline(above, onSurface(shown, scene.drawn), color, true, 0, density, false);
      }
      if (scene.crosshair) cross(above, scene.crosshair, room, density);
    },
  };
}

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

/** @typedef {import("./boxes.js").Area} Area */

/** @param {CanvasRenderingContext2D} to @param {Area} box @param {string} color @param {boolean} strong @param {number} opacity @param {number} density @param {boolean} dashed */
function outline(to, box, color, strong, opacity, density, dashed) {
  const line = Math.max(1, Math.round((strong ? 2 : 1.5) * density));
  const [x, y] = [Math.round(box.left), Math.round(box.top)];
  const width = Math.max(line, Math.round(box.left + box.width) - x);
  const height = Math.max(line, Math.round(box.top + box.height) - y);
  if (opacity || strong) {
    to.globalAlpha = strong ? Math.max(0.12, opacity) : opacity;
    to.fillStyle = color;
    to.fillRect(x, y, width, height);
    to.globalAlpha = 1;
  }
  to.lineWidth = line + 2 * Math.ceil(density / 2);
  to.strokeStyle = strong ? "#ffffff" : "rgba(0, 0, 0, 0.55)";
  to.strokeRect(x, y, width, height);
  to.lineWidth = line;
  to.strokeStyle = color;
  if (dashed) to.setLineDash([6 * density, 4 * density]);
  to.strokeRect(x, y, width, height);
  if (dashed) to.setLineDash([]);
}

/** Says for each box of a conflict whose version it is. @param {Scene["conflicts"]} conflicts @returns {Map<string, string>} */
function sidesOf(conflicts) {
  return new Map(conflicts.flatMap(({ id, kept_as, ours }) => {
    if (!kept_as) return [[id, ours ? "Mine" : "Theirs"]];
    return [[id, "Theirs"], [kept_as, "Mine"]];
  }));
}

/** @param {CanvasRenderingContext2D} to @param {(import("./tags.js").Tagged & { color: string })[]} boxes @param {import("./view.js").Size} room @param {number} density @param {(text: string) => number} measure */
function tags(to, boxes, room, density, measure) {
  const size = TAG_SIZE * density;
  to.font = `${size}px sans-serif`;
  to.textBaseline = "middle";
  for (const tag of placedTags(boxes, size, density, room, measure)) {
    const { color } = boxes[tag.index];
    to.fillStyle = color;
    to.fillRect(tag.left, tag.top, tag.width, tag.height);
    to.fillStyle = isLight(color) ? "#000000" : "#ffffff";
    to.fillText(tag.text, tag.left + 3 * density, tag.top + tag.height / 2);
  }
}

/** Measures texts. Widths are kept by font and text, because measuring costs more than painting. @param {CanvasRenderingContext2D} to @returns {(text: string) => number} */
function createMeasure(to) {
  /** @type {Map<string, number>} */
  const widths = new Map();
  return (text) => {
    const key = `${to.font} ${text}`;
    const width = widths.get(key) ?? to.measureText(text).width;
    if (widths.size > MOST_WIDTHS) widths.clear();
    widths.set(key, width);
    return width;
  };
}

/** Whether black is more readable than white on the color "#rrggbb". @param {string} color */
export function isLight(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}

/** @param {CanvasRenderingContext2D} to @param {Area} box @param {number} density */
function handles(to, box, density) {
  const half = HANDLE * density;
  to.lineWidth = density;
  for (const x of [box.left, box.left + box.width / 2, box.left + box.width]) {
    for (const y of [box.top, box.top + box.height / 2, box.top + box.height]) {
      if (
        x === box.left + box.width / 2 &&
        (y === box.top + box.height / 2 || box.width < 40 * density)
      ) continue;
      if (y === box.top + box.height / 2 && box.height < 40 * density) continue;
      to.fillStyle = "#ffffff";
      to.strokeStyle = "#000000";
      to.fillRect(Math.round(x - half), Math.round(y - half), 2 * half, 2 * half);
      to.strokeRect(Math.round(x - half), Math.round(y - half), 2 * half, 2 * half);
    }
  }
}

/** @param {CanvasRenderingContext2D} to @param {import("./view.js").Point} at @param {import("./view.js").Size} room @param {number} density */
function cross(to, at, room, density) {
  const [x, y] = [Math.round(at.x * density), Math.round(at.y * density)];
  const line = Math.max(1, Math.round(density));
  for (
    const [color, shift] of /** @type {[string, number][]} */ ([["rgba(0,0,0,0.6)", line], [
      "rgba(255,255,255,0.9)",
      0,
    ]])
  ) {
    to.fillStyle = color;
    to.fillRect(x + shift, 0, line, room.height);
    to.fillRect(0, y + shift, room.width, line);
  }
}
