// Finds the boxes under the pointer. Pure. Lengths are in CSS pixels on the surface.

import { onSurface } from "./view.js";

/** @typedef {import("./boxes.js").Area} Area */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Point} Point */
/** @typedef {"n" | "ne" | "e" | "se" | "s" | "sw" | "w" | "nw"} Handle */
/** @typedef {Area & { id: string }} Target */

export const REACH = { mouse: 6, touch: 22 };

/** How far the point is from the nearest edge of the box. @param {Area} box @param {Point} at */
function edgeDistance(box, at) {
  const [right, bottom] = [box.left + box.width, box.top + box.height];
  const dx = Math.max(box.left - at.x, 0, at.x - right);
  const dy = Math.max(box.top - at.y, 0, at.y - bottom);
  if (dx || dy) return Math.hypot(dx, dy);
  return Math.min(at.x - box.left, right - at.x, at.y - box.top, bottom - at.y);
}

/** @param {Area} box @param {Point} at */
const contains = (box, at) =>
  at.x >= box.left && at.y >= box.top && at.x <= box.left + box.width &&
  at.y <= box.top + box.height;

/**
 * The boxes that a click may mean, likeliest first: first boxes whose edge is near, by distance,
 * then boxes around the point. The smaller of two equals comes first.
 * @param {readonly Target[]} rects @param {Point} at @param {View} view @param {number} reach
 * @returns {string[]}
 */
export function candidates(rects, at, view, reach) {
  const found = [];
  for (const rect of rects) {
    const box = onSurface(view, rect);
    const far = edgeDistance(box, at);
    const near = far <= reach;
    if (!near && !contains(box, at)) continue;
    found.push({ id: rect.id, near, far: Math.round(far), area: rect.width * rect.height });
  }
  found.sort((a, b) =>
    Number(b.near) - Number(a.near) || (a.near ? a.far - b.far : 0) || a.area - b.area
  );
  return found.map(({ id }) => id);
}

/**
 * The selection after a click: the likeliest box, or the one below it if a click at the same place
 * has just selected it; empty if there is no box. `adding` adds the likeliest box to the selection
 * or removes it.
 * @param {readonly string[]} ids as candidates gives them @param {readonly string[]} selection
 * @param {boolean} isAgain the click is where the last one was @param {boolean} adding
 * @returns {readonly string[]}
 */
export function selectedBy(ids, selection, isAgain, adding) {
  const [first] = ids;
  if (first === undefined) return adding ? selection : [];
  if (adding) {
    const others = selection.filter((one) => one !== first);
    return others.length < selection.length ? others : [...selection, first];
  }
  const place = isAgain && selection.length === 1 ? ids.indexOf(selection[0]) : -1;
  return [ids[(place + 1) % ids.length]];
}

/**
 * What a press begins at that place: a handle of a selected box, the inside of one, or neither. An
 * unselected box is never grabbed.
 * @param {readonly Target[]} chosen @param {Point} at @param {View} view @param {number} reach
 * @returns {import("./pointer.js").Under}
 */
export function pressedOn(chosen, at, view, reach) {
  for (const rect of chosen) {
    const handle = handleAt(onSurface(view, rect), at, reach);
    if (handle) return { kind: "handle", id: rect.id, handle };
  }
  const isInside = chosen.some((rect) => contains(onSurface(view, rect), at));
  return isInside ? { kind: "inside" } : { kind: "free" };
}

/**
 * The handle of a box under the point. Inside a small box, handles leave half of each side free so
 * that it can be moved.
 * @param {Area} box on the surface @param {Point} at @param {number} reach @returns {Handle | null}
 */
export function handleAt(box, at, reach) {
  const across = side(at.x, box.left, box.width, reach);
  const down = side(at.y, box.top, box.height, reach);
  if (across === null || down === null) return null;
  const names = `${["n", "", "s"][down + 1]}${["w", "", "e"][across + 1]}`;
  return names ? /** @type {Handle} */ (names) : null;
}

/** -1 near the start, 1 near the end, 0 between, null outside. @param {number} at @param {number} start @param {number} length @param {number} reach */
function side(at, start, length, reach) {
  const inner = Math.min(reach, length / 4);
  if (at < start - reach || at > start + length + reach) return null;
  if (at <= start + inner) return -1;
  return at >= start + length - inner ? 1 : 0;
}

/** @type {Record<Handle, string>} */
const CURSORS = {
  n: "ns",
  s: "ns",
  e: "ew",
  w: "ew",
  ne: "nesw",
  sw: "nesw",
  nw: "nwse",
  se: "nwse",
};

/** The cursor that shows what a press would begin. @param {import("./pointer.js").Under | null} under */
export const cursorFor = (under) =>
  under?.kind === "handle"
    ? `${CURSORS[under.handle]}-resize`
    : under?.kind === "inside"
    ? "move"
    : "crosshair";
