// A person's changes to a document, as pure functions from document to document. All boxes stay
// inside the image and are rounded to 2 decimals. Equal results change nothing.

import { randomId } from "./identity.js";
import { reasonOf, same, statusOf } from "./document.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */
/** @typedef {{ left: number, top: number, width: number, height: number }} Box */

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100;

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * The box clipped to the image, with width and height not negative, to 2 decimals.
 * @param {Box} box @param {Doc} document @returns {Box}
 */
export function clipped(box, document) {
  const [left, width] = span(box.left, box.width, document.image_width);
  const [top, height] = span(box.top, box.height, document.image_height);
  return { left, top, width, height };
}

/** @param {number} start @param {number} length @param {number | null | undefined} limit */
function span(start, length, limit) {
  const high = limit ?? Infinity;
  const from = round(clamp(Math.min(start, start + length), 0, high));
  const to = round(clamp(Math.max(start, start + length), 0, high));
  return [from, round(to - from)];
}

/**
 * The document with these rects and the status that follows from changing them: unlabeled and
 * in_progress follow the rects, a skipped or returned image is in_progress again, an approved one
 * becomes done, and done stays done.
 * @param {Doc} document @param {Rect[]} rects @returns {Doc}
 */
export function withRects(document, rects) {
  if (same(rects, document.rects)) return document;
  const status = statusOf(document);
  const changed = { ...document, rects };
  if (status === "done" || status === "approved") return setStatus(changed, "done");
  const empty = rects.length === 0 && (status === "unlabeled" || status === "in_progress");
  return setStatus(changed, empty ? "unlabeled" : "in_progress");
}

/**
 * The document with the status. `reason` says why an image is skipped; other statuses have none.
 * @param {Doc} document @param {string} status @param {string} [reason] @returns {Doc}
 */
export function setStatus(document, status, reason) {
  const { skip_reason: _old, ...metadata } = document.metadata ?? {};
  const why = status === "skipped" && reason ? { skip_reason: reason } : {};
  const isSame = reason === undefined || reasonOf(document) === reason;
  if (statusOf(document) === status && isSame) return document;
  return { ...document, metadata: { ...metadata, status, ...why } };
}

/** The document without boxes and with status done: the image shows nothing of interest. @param {Doc} document */
export const setNothing = (document) =>
  setStatus(document.rects.length ? { ...document, rects: [] } : document, "done");

/**
 * The document with the rect at the end, above the others; a rect without an id gets one.
 * @param {Doc} document @param {Box & { label: string, id?: string, [key: string]: any }} rect
 */
export function addRect(document, rect) {
  const taken = document.rects.some((other) => other.id === rect.id);
  const id = rect.id && !taken ? rect.id : freshId(document);
  return withRects(document, [...document.rects, { ...rect, ...clipped(rect, document), id }]);
}

/** @param {Doc} document */
function freshId(document) {
  let id = randomId();
  while (document.rects.some((rect) => rect.id === id)) id = randomId();
  return id;
}

/**
 * The document with new geometry for some rects, by id.
 * @param {Doc} document @param {Map<string, Box>} boxes
 */
export function resizeRects(document, boxes) {
  return mapped(document, (rect) => {
    const box = boxes.get(rect.id);
    return box ? { ...rect, ...clipped({ ...rect, ...box }, document) } : rect;
  });
}

/** @param {Doc} document @param {readonly string[]} ids */
export const deleteRects = (document, ids) =>
  withRects(document, document.rects.filter((rect) => !ids.includes(rect.id)));

/** @param {Doc} document @param {readonly string[]} ids @param {string} label */
export const setLabel = (document, ids, label) =>
  mapped(document, (rect) => ids.includes(rect.id) ? { ...rect, label } : rect);

/**
 * The document with an attribute set on some rects; false and null remove it.
 * @param {Doc} document @param {readonly string[]} ids @param {string} name @param {any} value
 */
export const setAttribute = (document, ids, name, value) =>
  mapped(document, (rect) => {
    if (!ids.includes(rect.id)) return rect;
    const { [name]: _old, ...rest } = rect;
    return /** @type {Rect} */ (value === false || value === null || value === undefined
      ? rest
      : { ...rest, [name]: value });
  });

/**
 * The document with copies of these rects, each with a new id and moved into the image. A copy
 * larger than the image is clipped.
 * @param {Doc} document @param {readonly Rect[]} rects
 */
export function paste(document, rects) {
  let pasted = document;
  for (const { id: _id, ...rect } of rects) {
    const left = fitted(rect.left, rect.width, document.image_width);
    const top = fitted(rect.top, rect.height, document.image_height);
    pasted = addRect(pasted, /** @type {any} */ ({ ...rect, left, top }));
  }
  return pasted;
}

/** @param {number} start @param {number} length @param {number | null | undefined} limit */
const fitted = (start, length, limit) => clamp(start, 0, Math.max(0, (limit ?? Infinity) - length));

/** @param {Doc} document @param {(rect: Rect) => Rect} change */
const mapped = (document, change) => withRects(document, document.rects.map(change));
