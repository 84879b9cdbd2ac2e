// The person's changes to the open image: actions on its boxes and its status, the selection, undo
// and redo. Each change goes to the image's lane, which saves it.

import { edited } from "./dispatch.js";
import { EMPTY, recorded, redo, undo } from "./history.js";
import { isApproved } from "./records.js";

/** @typedef {import("./dispatch.js").Action} Action */
/** @typedef {import("./document.js").Doc} Doc */

/** How long, in ms, "done and next" can be taken back from the next image. */
const UNDO_DONE_MS = 10_000;

/**
 * `onChange` is called when only the selection has changed, `onChanged` with the image that the
 * person has changed, and with its document before and after.
 * @param {{ lanes: ReturnType<typeof import("./lanes.js").createLanes>,
 *   opening: ReturnType<typeof import("./opening.js").createOpening>,
 *   onChange: () => void, onChanged: (image: string, before: Doc, after: Doc) => void }} options
 */
export function createEditor({ lanes, opening, onChange, onChanged }) {
  /** @type {Map<string, import("./history.js").History>} */
  const histories = new Map();
  /** @type {readonly string[]} */
  let selection = [];
  /** @type {{ image: string, at: number } | null} */
  let lastDone = null;

  const canUndoDone = () => lastDone !== null && performance.now() - lastDone.at < UNDO_DONE_MS;

  /**
   * Undoes or redoes one step on an image, open or not.
   * @param {string} image @param {typeof undo} step
   */
  function stepped(image, step) {
    const lane = lanes.get(image);
    const history = histories.get(image);
    if (!lane || !history || isApproved(lane.document)) return false;
    const before = lane.document;
    const next = step(history, before);
    histories.set(image, next.history);
    lane.change(next.document);
    onChanged(image, before, next.document);
    return true;
  }

  /** Takes "done and next" back: opens the image again and undoes its status. */
  function undoDone() {
    if (!lastDone || !canUndoDone()) return false;
    const { image } = lastDone;
    lastDone = null;
    if (!stepped(image, undo)) return false;
    opening.open(image);
    return true;
  }

  /** Whether the open image can't be changed: it is approved or deleted. */
  function isReadOnly() {
    const { lane, isGone } = opening.shown();
    return isGone || lane?.state.saving === "locked" || isApproved(lane?.document ?? null);
  }

  /**
   * Carries out the person's action at once; returns false if that is impossible. An action that
   * names an image applies to that image only.
   * @param {Action} action
   */
  function dispatch(action) {
    const { lane, image, phase } = opening.shown();
    if (action.type === "select") {
      selection = [...action.ids];
      onChange();
      return true;
    }
    if (action.image !== undefined && action.image !== image) return false;
    if (action.type === "undo" && !histories.get(image)?.undo.length) return undoDone();
    if (!lane || phase !== "ready" || isReadOnly()) return false;
    if (action.type === "undo") return stepped(image, undo);
    if (action.type === "redo") return stepped(image, redo);
    /** @type {Doc} */
    const before = opening.sized(lane.document);
    const after = edited(before, action);
    if (action.type === "resolve") lane.resolved(action.conflict);
    const history = recorded(histories.get(image) ?? EMPTY, before, after);
    if (history === histories.get(image) || after === before) {
      onChange();
      return false;
    }
    histories.set(image, history);
    if (action.type === "add" || action.type === "paste") {
      const old = new Set(before.rects.map((rect) => rect.id));
      selection = after.rects.map((rect) => rect.id).filter((id) => !old.has(id));
    }
    lane.change(after);
    onChanged(image, before, after);
    return true;
  }

  return {
    dispatch,
    undoDone,
    isReadOnly,
    /** Carries out the action that finishes the image, which `undoDone` takes back. @param {Action} action */
    finish(action) {
      const { image } = opening.shown();
      if (dispatch(action)) lastDone = { image, at: performance.now() };
    },
    /** Another image is open, and nothing on it is selected. */
    opened() {
      selection = [];
    },
    /** The IDs of the selected boxes that the document has. @param {Doc | null} document */
    selected(document) {
      const ids = new Set((document?.rects ?? []).map((rect) => rect.id));
      return selection.filter((id) => ids.has(id));
    },
    /** What can be undone from here; `undoDone` is the image whose "done" can be taken back. */
    steps() {
      const history = histories.get(opening.image()) ?? EMPTY;
      return {
        canUndo: history.undo.length > 0 || canUndoDone(),
        canRedo: history.redo.length > 0,
        undoDone: canUndoDone() ? lastDone?.image ?? null : null,
      };
    },
  };
}
