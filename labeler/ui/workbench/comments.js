// The comments of a document: threads pinned to a box or a place, and additions to them. Pure.

import { isObject, isRaw, same } from "./document.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */
/** @typedef {{ rects: readonly Rect[], comments?: any, [key: string]: any }} Noted a document */
/**
 * Pinned to the box with the id `rect`, or to `x` and `y` in image pixels; without either, to the
 * whole image.
 * @typedef {{ rect?: string, x?: number, y?: number }} Pin
 * @typedef {Pin & { id: string, text: string, by?: string, at?: string, resolved?: any,
 *   [key: string]: any }} Comment
 * @typedef {{ id: string, before: Comment | null, after: Comment | null }} CommentChange
 */
/**
 * All comments with the same pin, the oldest first. `box` is the pinned box; null if it is gone or
 * if no box is pinned.
 * @typedef {{ key: string, number: number, pin: Pin, box: Rect | null,
 *   comments: readonly Comment[], isResolved: boolean }} Thread
 */

/** The server rejects more. */
export const MAX_COMMENT_LENGTH = 2000;
/** The server's own fields, which are ignored when two states of a comment are compared. */
const SIGNED = ["by", "at"];

/** The comments; none if another program keeps something else under their key. @param {Noted | null} document @returns {readonly Comment[]} */
export function commentsOf(document) {
  const value = document?.comments;
  if (!Array.isArray(value)) return [];
  const ids = new Set(value.map((one) => isObject(one) && typeof one.id === "string" && one.id));
  return ids.has(false) || ids.size < value.length ? [] : value;
}

/** Whether comments can be added. They can't if another program uses their key. @param {Noted | null} document */
export function takesComments(document) {
  if (!document) return false;
  const value = document.comments ?? [];
  return Array.isArray(value) && commentsOf(document).length === value.length;
}

/** The threads in the order of their first comments, numbered from 1. @param {Noted | null} document @returns {Thread[]} */
export function threadsOf(document) {
  /** @type {Map<string, Comment[]>} */
  const found = new Map();
  for (const comment of commentsOf(document)) {
    const key = keyOf(pinOf(comment));
    found.set(key, [...found.get(key) ?? [], comment]);
  }
  if (!found.size) return [];
  const boxes = new Map((document?.rects ?? []).map((rect) => [rect.id, rect]));
  return [...found].map(([key, comments], index) => {
    const pin = pinOf(comments[0]);
    return {
      key,
      number: index + 1,
      pin,
      box: boxes.get(pin.rect ?? "") ?? null,
      comments,
      isResolved: comments.every((comment) => Boolean(comment.resolved)),
    };
  });
}

/** The place of the thread's mark, in image pixels; null if it has none. @param {Pick<Thread, "pin" | "box">} thread @returns {{ x: number, y: number } | null} */
export function placeOf({ pin, box }) {
  if (box) return { x: box.left + box.width, y: box.top };
  return pin.x === undefined || pin.y === undefined ? null : { x: pin.x, y: pin.y };
}

/** A key that all comments of a thread share. @param {Pin} pin */
export const keyOf = ({ rect, x, y }) =>
  rect !== undefined
    ? `box ${rect}`
    : x !== undefined && y !== undefined
    ? `at ${x} ${y}`
    : "image";

/** @param {Comment} comment @returns {Pin} */
function pinOf(comment) {
  if (typeof comment.rect === "string") return { rect: comment.rect };
  const [x, y] = [comment.x, comment.y].map((/** @type {any} */ value) =>
    isRaw(value) ? Number(value.rawJSON) : value
  );
  return typeof x === "number" && typeof y === "number" ? { x, y } : {};
}

/** The pin at the point, inside the image, to 2 decimals. @param {{ x: number, y: number }} at @param {{ width: number, height: number }} size @returns {Pin} */
export function pinAt({ x, y }, { width, height }) {
  const kept = (/** @type {number} */ value, /** @type {number} */ most) =>
    Math.round(Math.min(most, Math.max(0, value)) * 100) / 100;
  return { x: kept(x, width), y: kept(y, height) };
}

/** The document with the comment at the end; unchanged if the comment has no text. @param {Doc} document @param {Comment} comment @returns {Doc} */
export function addComment(document, comment) {
  const text = comment.text.trim();
  if (!text || !takesComments(document)) return document;
  return { ...document, comments: [...commentsOf(document), { ...comment, text }] };
}

/** The document with these comments resolved or reopened. @param {Doc} document @param {readonly string[]} ids @param {boolean} isResolved */
export function resolveComments(document, ids, isResolved) {
  const changes = commentsOf(document).filter(({ id, resolved }) =>
    ids.includes(id) && Boolean(resolved) !== isResolved
  ).map((before) => {
    const { resolved: _, ...rest } = before;
    const after = /** @type {Comment} */ (isResolved ? { ...rest, resolved: true } : rest);
    return { id: before.id, before, after };
  });
  return withChanges(document, changes);
}

/** The comments that a step changed. @param {Doc} before @param {Doc} after @returns {CommentChange[]} */
export function commentChanges(before, after) {
  if (before.comments === after.comments) return [];
  const [old, now] = [before, after].map((document) =>
    new Map(commentsOf(document).map((comment) => [comment.id, comment]))
  );
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((id) => ({ id, before: old.get(id) ?? null, after: now.get(id) ?? null }))
    .filter(({ before: was, after: is }) => !was || !is || !same(unsigned(was), unsigned(is)));
}

/**
 * The document after these changes. A change applies only if the state that it starts from still
 * stands.
 * @param {Doc} document @param {readonly CommentChange[]} changes @returns {Doc}
 */
export function withChanges(document, changes) {
  if (!changes.length || !takesComments(document)) return document;
  const found = new Map(commentsOf(document).map((comment) => [comment.id, comment]));
  for (const { id, before, after } of changes) {
    const current = found.get(id);
    if (!before) {
      if (after && !current) found.set(id, after);
    } else if (current && same(unsigned(current), unsigned(before))) {
      if (after) found.set(id, { ...after, ...signature(current) });
      else found.delete(id);
    }
  }
  const { comments: _, ...rest } = document;
  return /** @type {Doc} */ (found.size ? { ...rest, comments: [...found.values()] } : rest);
}

/** The comment without the server's own fields. @param {Comment} comment */
const unsigned = (comment) =>
  Object.fromEntries(Object.entries(comment).filter(([name]) => !SIGNED.includes(name)));

/** @param {Comment} comment */
const signature = (comment) =>
  Object.fromEntries(Object.entries(comment).filter(([name]) => SIGNED.includes(name)));
