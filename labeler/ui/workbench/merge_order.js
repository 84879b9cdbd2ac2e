// The order of the rects or comments of two sides, given by their ids.

import { same } from "./document.js";
import { byCodePoints } from "./identity.js";

/**
 * The ids of both sides, in the order of the side that reordered them; theirs if both did. Ids of
 * one side stay behind the id that they followed.
 * @param {string[]} base @param {string[]} ours @param {string[]} theirs
 */
export function order(base, ours, theirs) {
  const [there, here] = [new Set(theirs), new Set(base)];
  const shared = new Set(ours.filter((id) => there.has(id)));
  const spines = [ours, theirs].map((side) => side.filter((id) => shared.has(id)));
  const before = base.filter((id) => shared.has(id));
  const moved = spines.map((spine) => !same(spine.filter((id) => here.has(id)), before));
  const spine = moved[0] && !moved[1] ? spines[0] : spines[1];
  const found = [ours, theirs].map((side) => runs(side, shared));
  return ["", ...spine].flatMap((anchor) => [
    ...(anchor ? [anchor] : []),
    ...found.map((side) => side.get(anchor) ?? []).sort(byTexts).flat(),
  ]);
}

/** The unshared ids, grouped by the shared id before them. @param {string[]} ids @param {Set<string>} shared */
function runs(ids, shared) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  let anchor = "";
  for (const id of ids) {
    if (shared.has(id)) anchor = id;
    else found.set(anchor, [...(found.get(anchor) ?? []), id]);
  }
  return found;
}

/** @param {string[]} one @param {string[]} other */
function byTexts(one, other) {
  for (let index = 0; index < Math.min(one.length, other.length); index++) {
    const difference = byCodePoints(one[index], other[index]);
    if (difference) return difference;
  }
  return one.length - other.length;
}
