// The values of documents and rects, merged key by key. Keys that belong together are one value.

import { isDocumentKey, isMetadataKey, isObject, isRectKey, same } from "./document.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */

export const GEOMETRY = ["left", "top", "width", "height"];
const SIZE = ["image_width", "image_height"];

/**
 * Values that merge one by one, by key. Values that belong together are a list under a joined key.
 * @typedef {Map<string, any>} Keys
 */

/** The joined key of values that belong together, as Python writes it. @param {string[]} names */
const joined = (names) => `(${names.map((name) => `'${name}'`).join(", ")})`;
const UNITS = new Map([GEOMETRY, SIZE].map((names) => [joined(names), names]));

/** @param {Rect} rect */
export const rectKeys = (rect) => keysOf(rect, isRectKey, GEOMETRY, ["id"]);
/** @param {Doc} document */
export const documentKeys = (document) =>
  keysOf(document, isDocumentKey, SIZE, ["rects", "metadata"]);
/** @param {Doc} document */
export const metadataKeys = (document) => keysOf(document.metadata ?? {}, isMetadataKey, [], []);

/**
 * The keys that somebody set, those of `unit` together. A known key that is null counts as missing.
 * @param {Record<string, any>} object @param {(name: string) => boolean} known
 * @param {string[]} unit @param {string[]} without @returns {Keys}
 */
function keysOf(object, known, unit, without) {
  const keys = new Map();
  const together = unit.map((name) => object[name] ?? null);
  if (together.some((value) => value !== null)) keys.set(joined(unit), together);
  for (const [name, value] of Object.entries(object)) {
    if (unit.includes(name) || without.includes(name)) continue;
    if (!known(name) || value !== null) keys.set(name, value);
  }
  return keys;
}

/** The object that `keysOf` was made from. @param {Keys} keys @returns {Record<string, any>} */
export function fields(keys) {
  return Object.fromEntries(
    [...keys].flatMap(([key, value]) => {
      const names = UNITS.get(key);
      if (!names) return [[key, value]];
      return names.map((name, index) => [name, value[index]]).filter(([, part]) => part !== null);
    }),
  );
}

/** @param {Keys} one @param {Keys} other */
export const sameKeys = (one, other) =>
  one.size === other.size &&
  [...one].every(([key, value]) => other.has(key) && same(value, other.get(key)));

/**
 * The values merged key by key, and the keys that both changed differently, with theirs taken.
 * @param {Keys} base @param {Keys} ours @param {Keys} theirs @returns {[Keys, string[]]}
 */
export function mergeKeys(base, ours, theirs) {
  const merged = new Map();
  /** @type {string[]} */
  const clashes = [];
  for (const key of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    const [before, our, their] = [base.get(key), ours.get(key), theirs.get(key)];
    let value = their;
    if (same(their, before)) {
      value = our;
    } else if (!same(our, before) && !same(our, their)) {
      let clash = true;
      if (isObject(our) && isObject(their)) {
        const [keys, inner] = mergeKeys(
          new Map(isObject(before) ? Object.entries(before) : []),
          new Map(Object.entries(our)),
          new Map(Object.entries(their)),
        );
        value = Object.fromEntries(keys);
        clash = inner.length > 0;
      }
      if (clash) clashes.push(key);
    }
    if (value !== undefined) merged.set(key, value);
  }
  return [merged, clashes];
}
