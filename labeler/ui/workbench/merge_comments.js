// The comments of a document, merged by their ids.

import { isObject, same } from "./document.js";
import { mergeKeys } from "./merge_keys.js";
import { order } from "./merge_order.js";

/** @typedef {Map<string, Record<string, any>>} Comments */

/**
 * The comments of both sides; theirs if a side's value is not a list of comments.
 * @param {unknown} base @param {unknown} ours @param {unknown} theirs @returns {unknown}
 */
export function mergeComments(base, ours, theirs) {
  const [before, our, their] = [base, ours, theirs].map(byId);
  if (!before || !our || !their) return theirs;
  const merged = [];
  for (const id of order([...before.keys()], [...our.keys()], [...their.keys()])) {
    const was = before.get(id);
    const left = [our, their].flatMap((side) => side.get(id) ?? []);
    if (left.length === 2) {
      const sides = [was ?? {}, ...left].map((side) => new Map(Object.entries(side)));
      merged.push(Object.fromEntries(mergeKeys(sides[0], sides[1], sides[2])[0]));
    } else if (!was || !same(left[0], was)) {
      merged.push(left[0]);
    }
  }
  return merged;
}

/** The comments by their ids; null if the value is not a list of comments. @param {unknown} value @returns {Comments | null} */
function byId(value) {
  /** @type {Comments} */
  const found = new Map();
  if (value === undefined || value === null) return found;
  if (!Array.isArray(value)) return null;
  for (const one of value) {
    if (!isObject(one) || typeof one.id !== "string" || found.has(one.id)) return null;
    found.set(one.id, one);
  }
  return found;
}
