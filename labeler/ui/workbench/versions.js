// The difference between two states of a document, as shown to people. Pure.

import { commentsOf } from "./comments.js";
import { same, statusOf } from "./document.js";
import { withIds } from "./identity.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */
/**
 * The added, deleted and changed boxes; `status` is the new status if it changed.
 * @typedef {{ added: Rect[], removed: Rect[], changed: { before: Rect, after: Rect }[],
 *   kept: Rect[], status: string, comments: number }} Difference
 */

/** The changes from `before` to `after`; a null `before` counts as empty. @param {Doc | null} before @param {Doc} after @returns {Difference} */
export function differenceOf(before, after) {
  const [old, now] = [before ? withIds(before).rects : [], withIds(after).rects];
  const was = new Map(old.map((rect) => [rect.id, rect]));
  const is = new Set(now.map(({ id }) => id));
  /** @type {Difference} */
  const found = {
    added: [],
    removed: old.filter(({ id }) => !is.has(id)),
    changed: [],
    kept: [],
    status: before && statusOf(before) === statusOf(after) ? "" : statusOf(after),
    comments: addedComments(before, after),
  };
  for (const rect of now) {
    const earlier = was.get(rect.id);
    if (!earlier) found.added.push(rect);
    else if (same(earlier, rect)) found.kept.push(rect);
    else found.changed.push({ before: earlier, after: rect });
  }
  return found;
}

/** @param {Doc | null} before @param {Doc} after */
function addedComments(before, after) {
  const known = new Set(commentsOf(before).map(({ id }) => id));
  return commentsOf(after).filter(({ id }) => !known.has(id)).length;
}

/**
 * A summary such as "+ car 2, − dog 1", the labels by name in order of appearance.
 * @param {Difference} difference @param {(stored: string) => string} name
 */
export function wordsOf({ added, removed, changed, comments }, name) {
  const parts = [
    ...counted("+", added, name),
    ...counted("~", changed.map(({ after }) => after), name),
    ...counted("−", removed, name),
  ];
  if (comments) parts.push(comments === 1 ? "1 note" : `${comments} notes`);
  return parts.join(", ");
}

/** @param {string} sign @param {readonly Rect[]} rects @param {(stored: string) => string} name */
function counted(sign, rects, name) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { label } of rects) counts.set(name(label), (counts.get(name(label)) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => one < other ? -1 : 1)
    .map(([label, count]) => `${sign} ${label} ${count}`);
}

/** In whose queue the image was put from `before` to `after`, for a person. @param {Doc | null} before @param {Doc} after */
export function assignmentOf(before, after) {
  const [was, is] = [before, after].map((one) => one?.metadata?.assigned_to ?? "");
  if (was === is) return "";
  return is ? `assigned to ${is}` : "assigned to nobody";
}
