// What is painted of boxes: outlines, names, handles, and the cross under the pointer.

import { placedTags } from "./tags.js";

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */
/** @typedef {import("./boxes.js").Area} Area */
/** @typedef {(to: Context, text: string) => number} Measure */

const TAG_SIZE = 11;
const MOST_WIDTHS = 5000;
const HANDLE = 4;

/** @param {Context} to @param {Area} box @param {string} color @param {boolean} strong @param {number} opacity @param {number} density @param {boolean} dashed */
export function outline(to, box, color, strong, opacity, density, dashed) {
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
  to.strokeStyle = strong ? "#ffffff" : haloOf(color);
  to.strokeRect(x, y, width, height);
  to.lineWidth = line;
  to.strokeStyle = color;
  if (dashed) to.setLineDash([6 * density, 4 * density]);
  to.strokeRect(x, y, width, height);
  if (dashed) to.setLineDash([]);
}

/** Says for each box of a conflict whose version it is. @param {readonly import("./merge.js").RectConflict[]} conflicts @returns {Map<string, string>} */
export function sidesOf(conflicts) {
  return new Map(conflicts.flatMap(({ id, kept_as, ours }) => {
    if (!kept_as) return [[id, ours ? "Mine" : "Theirs"]];
    return [[id, "Theirs"], [kept_as, "Mine"]];
  }));
}

/**
 * Paints the names that have room, and returns where.
 * @param {Context} to @param {(import("./tags.js").Tagged & { color: string })[]} boxes @param {import("./view.js").Size} room @param {number} density @param {Measure} measure
 * @returns {Area[]}
 */
export function tags(to, boxes, room, density, measure) {
  const size = TAG_SIZE * density;
  to.font = `${size}px sans-serif`;
  to.textBaseline = "middle";
  const placed = placedTags(boxes, size, density, room, (text) => measure(to, text));
  for (const tag of placed) {
    const { color } = boxes[tag.index];
    to.fillStyle = color;
    to.fillRect(tag.left, tag.top, tag.width, tag.height);
    to.fillStyle = isLight(color) ? "#000000" : "#ffffff";
    to.fillText(tag.text, tag.left + 3 * density, tag.top + tag.height / 2);
  }
  return placed;
}

/** Measures texts. Widths are kept by font and text, because measuring costs more than painting. @returns {Measure} */
export function createMeasure() {
  /** @type {Map<string, number>} */
  const widths = new Map();
  return (to, text) => {
    const key = `${to.font} ${text}`;
    const width = widths.get(key) ?? to.measureText(text).width;
    if (widths.size > MOST_WIDTHS) widths.clear();
    widths.set(key, width);
    return width;
  };
}

/** By color. @type {Map<string, number>} */
const luminances = new Map();

/** The relative luminance of the color "#rrggbb", 0 to 1. @param {string} color */
function luminanceOf(color) {
  const known = luminances.get(color);
  if (known !== undefined) return known;
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const found = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  luminances.set(color, found);
  return found;
}

/** Whether black is more readable than white on the color "#rrggbb". @param {string} color */
export const isLight = (color) => luminanceOf(color) > 0.179;

/** Below this luminance a color is lost between a dark image and a dark halo. */
const DARK = 0.06;

/** What an outline of that color is set off with, on light and on dark images. @param {string} color */
export const haloOf = (color) =>
  luminanceOf(color) < DARK ? "rgba(255, 255, 255, 0.7)" : "rgba(0, 0, 0, 0.55)";

/** @param {Context} to @param {Area} box @param {number} density */
export function handles(to, box, density) {
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

/**
 * Paints the cross, and returns where.
 * @param {Context} to @param {import("./view.js").Point} at @param {import("./view.js").Size} room @param {number} density
 * @returns {Area[]}
 */
export function cross(to, at, room, density) {
  const [x, y] = [Math.round(at.x * density), Math.round(at.y * density)];
  const line = Math.max(1, Math.round(density));
  to.fillStyle = "rgba(0,0,0,0.6)";
  to.fillRect(x + line, 0, line, room.height);
  to.fillRect(0, y + line, room.width, line);
  to.fillStyle = "rgba(255,255,255,0.9)";
  to.fillRect(x, 0, line, room.height);
  to.fillRect(0, y, room.width, line);
  return [
    { left: x, top: 0, width: 2 * line, height: room.height },
    { left: 0, top: y, width: room.width, height: 2 * line },
  ];
}

/** The room that an outline with handles takes around a box. @param {Area} box @param {number} density @returns {Area} */
export function around(box, density) {
  const margin = (HANDLE + 2) * density + 2;
  const { left, top, width, height } = box;
  return {
    left: left - margin,
    top: top - margin,
    width: width + 2 * margin,
    height: height + 2 * margin,
  };
}
