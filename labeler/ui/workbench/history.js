// Undo and redo of one image as inverse changes of rects, comments and the status. What a merge
// brought in between stays: undo works key by key, and only where the step's result still stands.

import { commentChanges, withChanges } from "./comments.js";
import { reasonOf, same, statusOf } from "./document.js";
import { setStatus } from "./edits.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */

/**
 * One step: each rect before and after it (null: absent), and the id of the rect in front of it.
 * @typedef {{ id: string, before: Rect | null, after: Rect | null, behind: string }} RectChange
 * `reasons` are those of a status that has one.
 * @typedef {{ rects: readonly RectChange[], status: readonly [string, string] | null,
 *   reasons: readonly [string, string],
 *   comments: readonly import("./comments.js").CommentChange[] }} Patch
 * @typedef {{ undo: readonly Patch[], redo: readonly Patch[] }} History
 */

const DEPTH = 1000;
const GEOMETRY = ["left", "top", "width", "height"];

/** @type {History} */
export const EMPTY = { undo: [], redo: [] };

/**
 * What a person's step changed; null if it changed nothing.
 * @param {Doc} before @param {Doc} after @returns {Patch | null}
 */
export function difference(before, after) {
  const [old, now] = [placed(before), placed(after)];
  /** @type {RectChange[]} */
  const rects = [];
  for (const id of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(id), now.get(id)];
    if (was && is && same(was.rect, is.rect)) continue;
    rects.push({
      id,
      before: was?.rect ?? null,
      after: is?.rect ?? null,
      behind: (was ?? is)?.behind ?? "",
    });
  }
  const [from, to] = [statusOf(before), statusOf(after)];
  const reasons = /** @type {const} */ ([reasonOf(before), reasonOf(after)]);
  const isSame = from === to && reasons[0] === reasons[1];
  const comments = commentChanges(before, after);
  if (!rects.length && !comments.length && isSame) return null;
  return { rects, status: isSame ? null : [from, to], reasons, comments };
}

/** The rects by id, each with the id of the one before it. @param {Doc} document */
const placed = (document) =>
  new Map(
    document.rects.map((rect, index) => [
      rect.id,
      { rect, behind: index ? document.rects[index - 1].id : "" },
    ]),
  );

/**
 * The history after a step; steps that were undone before can no longer be redone.
 * @param {History} history @param {Doc} before @param {Doc} after @returns {History}
 */
export function recorded(history, before, after) {
  const patch = difference(before, after);
  return patch ? { undo: [...history.undo, patch].slice(-DEPTH), redo: [] } : history;
}

/**
 * The document and the history after one undo. A step whose results are all gone is passed over.
 * Unchanged if there is nothing to undo.
 * @param {History} history @param {Doc} document
 * @returns {{ history: History, document: Doc }}
 */
export function undo(history, document) {
  const [stack, others, changed] = stepped(history.undo, history.redo, document, inverse);
  return { history: { undo: stack, redo: others }, document: changed };
}

/**
 * The document and the history after one redo.
 * @param {History} history @param {Doc} document
 * @returns {{ history: History, document: Doc }}
 */
export function redo(history, document) {
  const [stack, others, changed] = stepped(history.redo, history.undo, document, (step) => step);
  return { history: { undo: others, redo: stack }, document: changed };
}

/**
 * @param {readonly Patch[]} from @param {readonly Patch[]} to @param {Doc} document
 * @param {(patch: Patch) => Patch} turned
 * @returns {[readonly Patch[], readonly Patch[], Doc]}
 */
function stepped(from, to, document, turned) {
  for (let count = from.length; count > 0; count--) {
    const changed = applied(document, turned(from[count - 1]));
    const done = difference(document, changed);
    // The actual changes go on the other stack, so that the next key reverts exactly those.
    if (done) return [from.slice(0, count - 1), [...to, turned(done)].slice(-DEPTH), changed];
  }
  return [[], to, document];
}

/** @param {Patch} patch @returns {Patch} */
const inverse = ({ rects, status, reasons, comments }) => ({
  rects: [...rects].reverse().map(({ id, before, after, behind }) => ({
    id,
    before: after,
    after: before,
    behind,
  })),
  status: status && [status[1], status[0]],
  reasons: [reasons[1], reasons[0]],
  comments: comments.map(({ id, before, after }) => ({ id, before: after, after: before })),
});

/**
 * The document after the changes of `patch`. A change applies only if its starting state stands.
 * @param {Doc} document @param {Patch} patch @returns {Doc}
 */
function applied(document, patch) {
  let rects = document.rects;
  document = withChanges(document, patch.comments);
  const returning = patch.rects.filter((change) => !change.before && change.after);
  for (const change of patch.rects) {
    const { id, before, after } = change;
    const current = rects.find((rect) => rect.id === id);
    if (!current || !before) continue;
    if (after) {
      const next = rekeyed(current, before, after);
      rects = rects.map((rect) => rect.id === id ? next : rect);
    } else if (same(current, before)) {
      rects = rects.filter((rect) => rect.id !== id);
    }
  }
  for (const change of ordered(returning)) {
    if (rects.some((rect) => rect.id === change.id)) continue;
    const place = rects.findIndex((rect) => rect.id === change.behind) + 1;
    const at = place || (change.behind ? rects.length : 0);
    rects = [...rects.slice(0, at), /** @type {Rect} */ (change.after), ...rects.slice(at)];
  }
  const status = patch.status && statusOf(document) === patch.status[0] ? patch.status[1] : null;
  // Another person may have added boxes: a document with rects is never unlabeled.
  if (!status || (status === "unlabeled" && rects.length)) return { ...document, rects };
  return setStatus({ ...document, rects }, status, patch.reasons[1]);
}

/** The rects in an order in which each comes after the rect that it stands behind. @param {RectChange[]} changes */
function ordered(changes) {
  const waiting = new Set(changes.map((change) => change.id));
  /** @type {RectChange[]} */
  const found = [];
  while (found.length < changes.length) {
    const left = changes.filter((change) => waiting.has(change.id));
    const next = left.filter((change) => !waiting.has(change.behind));
    for (const change of next.length ? next : left) {
      waiting.delete(change.id);
      found.push(change);
    }
  }
  return found;
}

/**
 * The rect with the differences between two states of it, key by key, the geometry as one. A
 * difference applies only if its starting value still stands.
 * @param {Rect} current @param {Rect} before @param {Rect} after @returns {Rect}
 */
function rekeyed(current, before, after) {
  const next = { ...current };
  const others = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  for (const names of [GEOMETRY, ...others.filter((n) => !GEOMETRY.includes(n)).map((n) => [n])]) {
    const untouched = names.every((name) => same(current[name], before[name]));
    if (!untouched) continue;
    for (const name of names) {
      if (Object.hasOwn(after, name)) next[name] = after[name];
      else delete next[name];
    }
  }
  return next;
}
