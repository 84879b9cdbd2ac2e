// The box warnings of an image. Pure. The server finds the same ones (model/box_warnings.py), and
// the same test cases check both.

import { overlap } from "./boxes.js";

/** @typedef {import("./boxes.js").Labeled} Labeled */
/** @typedef {"tiny" | "edge" | "unknown_label" | "duplicate"} Warning */
/** @typedef {(stored: string) => { name: string, isKnown: boolean }} Shown the label of a stored text */

const TINY = 4;
const DUPLICATE = 0.9;
const CHECKED_FOR_DUPLICATES = 1000;

/** @type {Record<Warning, string>} */
export const WARNINGS = {
  tiny: "tiny",
  edge: "at the edge",
  unknown_label: "unknown label",
  duplicate: "duplicate",
};

/** The texts for one box, and for several, before an image is done. */
const SAID = /** @type {const} */ ([
  ["tiny", "tiny box", "tiny boxes"],
  ["duplicate", "near-duplicate box", "near-duplicate boxes"],
  [
    "unknown_label",
    "box with a label that is not in the project",
    "boxes with labels that are not in the project",
  ],
]);

/**
 * The warnings by the id of their box.
 * @param {readonly Labeled[]} rects @param {import("./view.js").Size} image @param {Shown} shown
 * @returns {Map<string, Warning[]>}
 */
export function warnings(rects, image, shown) {
  /** @type {Map<string, Warning[]>} */
  const found = new Map();
  /** @param {Labeled} rect @param {Warning} warning */
  const warn = (rect, warning) => {
    const list = found.get(rect.id) ?? [];
    if (!list.includes(warning)) found.set(rect.id, [...list, warning]);
  };
  for (const rect of rects) {
    if (Math.min(rect.width, rect.height) < TINY) warn(rect, "tiny");
    const right = image.width - rect.left - rect.width;
    const bottom = image.height - rect.top - rect.height;
    if (Math.min(rect.left, rect.top, right, bottom) <= 0) warn(rect, "edge");
    if (!shown(rect.label).isKnown) warn(rect, "unknown_label");
  }
  for (const [one, other] of duplicates(rects, shown)) {
    warn(one, "duplicate");
    warn(other, "duplicate");
  }
  return found;
}

/** Pairs of boxes that have one label and are nearly the same. @param {readonly Labeled[]} rects @param {Shown} shown */
function* duplicates(rects, shown) {
  if (rects.length > CHECKED_FOR_DUPLICATES) return;
  const ordered = [...rects].sort((a, b) => a.left - b.left);
  for (const [index, one] of ordered.entries()) {
    for (const other of ordered.slice(index + 1)) {
      if (other.left > one.left + one.width) break;
      const isSame = shown(one.label).name === shown(other.label).name;
      if (isSame && overlap(one, other) >= DUPLICATE) yield [one, other];
    }
  }
}

/**
 * Short texts to show beside Done. `label`: the list shows only images with that label.
 * @param {readonly Labeled[]} rects @param {import("./view.js").Size} image @param {Shown} shown
 * @param {string} label
 */
export function beforeDone(rects, image, shown, label) {
  if (!rects.length) return label ? [`no boxes, though the list shows images with “${label}”`] : [];
  const all = [...warnings(rects, image, shown).values()].flat();
  return SAID.flatMap(([warning, one, several]) => {
    const count = all.filter((found) => found === warning).length;
    return count ? [`${count} ${count === 1 ? one : several}`] : [];
  });
}
