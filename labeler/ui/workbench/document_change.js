// A document told as a change of a stored one, by the same rules as the server's
// document_change.py: a merge patch (RFC 7396) with rects and comments by their ids. Pure.

import { dumpDocument, isObject, same } from "./document.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {Record<string, any>} Json */

/** The media type of such a change. */
export const CHANGE_TYPE = "application/vnd.labeler.change+json";
const LISTS = ["rects", "comments"];

/**
 * The change that makes `wanted` of `base`, as JSON; null if no change is exact and shorter than
 * the whole document.
 * @param {Doc} base @param {Doc} wanted
 */
export function changeText(base, wanted) {
  const change = difference(entriesOf(base), entriesOf(wanted));
  for (const name of LISTS) {
    delete change[name];
    if (same(base[name], wanted[name])) continue;
    const [old, next] = [base[name] ?? [], wanted[name] ?? []];
    if (!haveIds(old) || !haveIds(next)) return null;
    change[name] = difference(byId(old), byId(next));
  }
  if (!same(changed(base, change), wanted)) return null;
  const text = JSON.stringify(change);
  return text.length < dumpDocument(wanted).length ? text : null;
}

/**
 * The document after the change.
 * @param {Doc} base @param {Json} change @returns {Json}
 */
export function changed(base, change) {
  const document = patched(base, change);
  for (const name of LISTS.filter((list) => isObject(change[list]))) {
    const found = byId(base[name] ?? []);
    for (const [id, part] of Object.entries(change[name])) {
      if (part === null) found.delete(id);
      else found.set(id, patched(found.get(id), part));
    }
    document[name] = [...found].map(([id, part]) => ({ ...part, id }));
  }
  return document;
}

/** @param {any} value @param {Json} change @returns {Json} */
function patched(value, change) {
  const found = isObject(value) ? { ...value } : {};
  for (const [name, part] of Object.entries(change)) {
    if (part === null) delete found[name];
    else found[name] = isObject(part) ? patched(found[name], part) : part;
  }
  return found;
}

/** @param {Map<string, any>} from @param {Map<string, any>} to @returns {Json} */
function difference(from, to) {
  /** @type {Json} */
  const change = {};
  for (const name of from.keys()) if (!to.has(name)) change[name] = null;
  for (const [name, value] of to) {
    const old = from.get(name);
    if (from.has(name) && same(old, value)) continue;
    change[name] = isObject(value) && isObject(old)
      ? difference(entriesOf(old), entriesOf(value))
      : value;
  }
  return change;
}

/** @param {Json} object @returns {Map<string, any>} */
const entriesOf = (object) => new Map(Object.entries(object));

/** The items without their ids, by them. @param {Json[]} items @returns {Map<string, Json>} */
const byId = (items) => new Map(items.map(({ id, ...rest }) => [id, rest]));

/** Whether the value is a list whose items each have an id of their own. @param {any} value */
function haveIds(value) {
  if (!Array.isArray(value)) return false;
  const ids = value.map((item) => isObject(item) ? item.id : null);
  return ids.every((id) => typeof id === "string") && new Set(ids).size === ids.length;
}
