// The effect of a gesture on the boxes, during it and at its end. Pure. Lengths in image pixels.

import { moved, resized, spanned } from "./boxes.js";

/** @typedef {import("./document.js").Rect} Rect */
/** @typedef {import("./view.js").Size} Size */
/** @typedef {import("./pointer.js").Gesture} Gesture */

/**
 * The boxes after moving or resizing by this distance; only those that change.
 * @param {"move" | "resize"} how @param {import("./pointer.js").Down | null} down
 * @param {readonly Rect[]} chosen the selected boxes that may be changed
 * @param {number} dx @param {number} dy @param {Size} image @returns {Rect[]}
 */
export function changedRects(how, down, chosen, dx, dy, image) {
  if (how === "move") return chosen.length ? moved([...chosen], dx, dy, image) : [];
  const under = down?.under;
  if (under?.kind !== "handle") return [];
  return chosen.filter(({ id }) => id === under.id).map((rect) =>
    resized(rect, under.handle, dx, dy, image)
  );
}

/** The boxes as they would be if the gesture ended here. @param {Gesture} gesture @param {readonly Rect[]} chosen @param {Size} image @returns {Rect[]} */
export function previewedRects({ phase, down, point }, chosen, image) {
  if (!down || !point || (phase !== "move" && phase !== "resize")) return [];
  return changedRects(phase, down, chosen, point.x - down.point.x, point.y - down.point.y, image);
}

/** The box that is being drawn. @param {Gesture} gesture @param {Size} image */
export function drawnBox({ phase, down, point }, image) {
  if (!down || !point || (phase !== "draw" && phase !== "corner")) return null;
  return spanned(down.point, point, image);
}

/**
 * The visible boxes: without those hidden by themselves or by their label.
 * @param {readonly Rect[]} rects @param {ReadonlySet<string>} hidden IDs
 * @param {ReadonlySet<string>} hiddenLabels @param {(stored: string) => { name: string }} shown
 */
export const visibleRects = (rects, hidden, hiddenLabels, shown) =>
  rects.filter((rect) => !hidden.has(rect.id) && !hiddenLabels.has(shown(rect.label).name));

/** The boxes without those whose IDs are in this list in JSON. @param {readonly Rect[]} rects @param {string} ids */
export function withoutIds(rects, ids) {
  const gone = new Set(JSON.parse(ids));
  return gone.size ? rects.filter(({ id }) => !gone.has(id)) : rects;
}

/**
 * The last result again, as long as all arguments are the same.
 * @template {unknown[]} Given, Found @param {(...given: Given) => Found} make
 * @returns {(...given: Given) => Found}
 */
export function remembered(make) {
  /** @type {{ given: Given, found: Found } | null} */
  let last = null;
  return (...given) => {
    if (!last || given.some((one, index) => one !== last?.given[index])) {
      last = { given, found: make(...given) };
    }
    return last.found;
  };
}
