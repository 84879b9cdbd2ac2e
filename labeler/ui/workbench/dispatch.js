// Applies a person's action to a document.

import { addComment, resolveComments } from "./comments.js";
import {
  addRect,
  deleteRects,
  paste,
  resizeRects,
  setAttribute,
  setLabel,
  setNothing,
  setStatus,
} from "./edits.js";
import { resolve } from "./merge.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */
/** @typedef {import("./edits.js").Box} Box */

/**
 * `image`: the action is meant for this image only.
 * @typedef {{ type: "add", rect: Box & { label: string, id?: string, [key: string]: any } }
 *   | { type: "change", ids: string[], rects: Box[] }
 *   | { type: "delete", ids: string[] }
 *   | { type: "label", ids: string[], label: string }
 *   | { type: "attribute", ids: string[], name: string, value: any }
 *   | { type: "status", status: string, reason?: string }
 *   | { type: "nothing" }
 *   | { type: "paste", rects: Rect[] }
 *   | { type: "comment", comment: import("./comments.js").Comment }
 *   | { type: "resolveComments", ids: readonly string[], isResolved: boolean }
 *   | { type: "resolve", conflict: import("./merge.js").RectConflict,
 *       choice: "ours" | "theirs" | "both" }} Edit
 * @typedef {(Edit | { type: "select", ids: readonly string[] } | { type: "undo" }
 *   | { type: "redo" }) & { image?: string }} Action
 */

/** @param {Doc} document @param {Edit} edit @returns {Doc} */
export function edited(document, edit) {
  switch (edit.type) {
    case "add":
      return addRect(document, edit.rect);
    case "change": {
      const boxes = edit.ids.map((id, index) => /** @type {const} */ ([id, edit.rects[index]]));
      return resizeRects(document, new Map(boxes));
    }
    case "delete":
      return deleteRects(document, edit.ids);
    case "label":
      return setLabel(document, edit.ids, edit.label);
    case "attribute":
      return setAttribute(document, edit.ids, edit.name, edit.value);
    case "status":
      return setStatus(document, edit.status, edit.reason);
    case "nothing":
      return setNothing(document);
    case "paste":
      return paste(document, edit.rects);
    case "comment":
      return addComment(document, edit.comment);
    case "resolveComments":
      return resolveComments(document, edit.ids, edit.isResolved);
    case "resolve":
      return resolve(document, edit.conflict, edit.choice);
  }
}
