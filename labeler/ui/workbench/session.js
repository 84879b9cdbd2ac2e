// The labeling of images one after another: the open image, the person's changes, and saving.
// Independent of the page, which subscribes and dispatches the person's actions.

import { createBackend } from "./backend.js";
import { NEEDS_WORK, reasonOf, statusOf } from "./document.js";
import { edited } from "./dispatch.js";
import { EMPTY, recorded, redo, undo } from "./history.js";
import { randomId } from "./identity.js";
import { createImages } from "./images.js";
import { createLanes } from "./lanes.js";
import { createOpening } from "./opening.js";
import { createPast } from "./past.js";
import { createPresence } from "./presence.js";
import { createRecords, isApproved } from "./records.js";
import { createWorkQueue } from "./work_queue.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./dispatch.js").Action} Action */

/**
 * @typedef {import("./backend.js").BackendOptions & {
 *   image?: string, filters?: Record<string, string>, labels?: readonly Label[], now?: () => number,
 *   storage?: IDBFactory, locks?: LockManager | null, budget?: number,
 *   timing?: Partial<import("./lane.js").Timing>, decoder?: import("./decoder.js").Decoder }} Options
 * @typedef {import("./label_set.js").Label} Label
 * @typedef {ReturnType<typeof createSession>} Session
 */

/** How long, in ms, "done and next" can be taken back from the next image. */
export const UNDO_DONE_MS = 10_000;
const REFRESH_MS = 3_000;

/** @param {Options} options */
export function createSession(options) {
  const now = options.now ?? (() => performance.now());
  const backend = createBackend(options);
  /** @type {Set<(state: any) => void>} */
  const listeners = new Set();
  /** @type {Map<string, import("./history.js").History>} */
  const histories = new Map();
  let labels = options.labels ?? [];
  /** @type {readonly string[]} */
  let selection = [];
  /** @type {{ image: string, at: number } | null} */
  let lastDone = null;
  /** @type {any} */
  let state = null;

  const lanes = createLanes({
    ...options,
    backend,
    now,
    onChange: (lane) => {
      opening.note(lane);
      emit();
    },
    onLanded: (image) => opening.refresh(image),
    onForeign: () => emit(),
    onOthers: (image, theirs) => presence.heard(image, String(theirs.metadata?.saved_by ?? "")),
  });
  const images = createImages(backend, { ...options, onChange: () => emit() });
  const opening = createOpening({
    backend,
    lanes,
    images,
    filters: options.filters ?? {},
    onChange: emit,
    onOpen: (image) => {
      selection = [];
      queue.opened(image);
    },
  });
  const queue = createWorkQueue({
    backend,
    open: opening.open,
    fetchAhead: opening.expect,
    isReady: (image) => Boolean(lanes.get(image) && images.get(image)?.whole),
    saving: lanes.saving,
    onChange: emit,
  });

  const records = createRecords({ backend, shown: opening.shown, listeners });
  const past = createPast(backend, () => emit());
  const presence = createPresence({ ...options, backend, image: opening.image, onChange: emit });

  function emit() {
    state = build();
    for (const listener of listeners) listener(state);
  }

  function build() {
    const shown = opening.shown();
    /** @type {Doc | null} */
    const document = shown.lane?.document ?? null;
    const history = histories.get(shown.image) ?? EMPTY;
    const ids = new Set((document?.rects ?? []).map((/** @type {Rect} */ rect) => rect.id));
    const isLocked = shown.lane?.state.saving === "locked" ||
      isApproved(document);
    return Object.freeze({
      image: shown.image,
      doc: document,
      base: shown.lane?.base ?? null,
      etag: shown.lane?.etag ?? null,
      status: document ? statusOf(document) : "unlabeled",
      reason: document ? reasonOf(document) : "",
      selection: selection.filter((id) => ids.has(id)),
      phase: shown.phase,
      error: shown.error,
      save: lanes.summary(),
      conflicts: shown.lane?.conflicts ?? [],
      labels,
      neighbors: shown.neighbors,
      position: shown.position,
      listedLabel: shown.listedLabel,
      canUndo: history.undo.length > 0 || canUndoDone(),
      canRedo: history.redo.length > 0,
      readOnly: isLocked || shown.isGone,
      bitmap: shown.bitmap,
      undoDone: canUndoDone() ? lastDone?.image ?? null : null,
      foreign: lanes.foreign(),
      queue: queue.state,
      others: presence.others(),
    });
  }

  const canUndoDone = () => lastDone !== null && now() - lastDone.at < UNDO_DONE_MS;

  /**
   * Undoes or redoes one step on an image, open or not.
   * @param {string} image @param {typeof undo} step
   */
  function stepped(image, step) {
    const lane = lanes.get(image);
    const history = histories.get(image);
    if (!lane || !history || isApproved(lane.document)) return false;
    const next = step(history, lane.document);
    histories.set(image, next.history);
    lane.change(next.document);
    queue.changed(image);
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

  /**
   * Carries out the person's action at once; returns false if that is impossible. An action that
   * names an image applies to that image only.
   * @param {Action} action
   */
  function dispatch(action) {
    const { lane, image, phase } = opening.shown();
    if (action.type === "select") {
      selection = [...action.ids];
      emit();
      return true;
    }
    if (action.image !== undefined && action.image !== image) return false;
    if (action.type === "undo" && !histories.get(image)?.undo.length) return undoDone();
    if (!lane || phase !== "ready" || state?.readOnly) return false;
    if (action.type === "undo") return stepped(image, undo);
    if (action.type === "redo") return stepped(image, redo);
    const before = opening.sized(lane.document);
    const after = edited(before, action);
    if (action.type === "resolve") lane.resolved(action.conflict);
    const history = recorded(histories.get(image) ?? EMPTY, before, after);
    if (history === histories.get(image) || after === before) {
      emit();
      return false;
    }
    histories.set(image, history);
    if (action.type === "add" || action.type === "paste") {
      const old = new Set(before.rects.map((rect) => rect.id));
      selection = after.rects.map((rect) => rect.id).filter((id) => !old.has(id));
    }
    lane.change(after);
    queue.changed(image);
    return true;
  }

  /** @param {Action} finish @param {boolean} goOn */
  async function close_(finish, goOn) {
    const { image } = opening.shown();
    if (dispatch(finish)) lastDone = { image, at: now() };
    if (!goOn) return image;
    return !queue.isOn ? await opening.go(1) : await queue.next(!NEEDS_WORK.includes(state.status));
  }

  const refreshing = setInterval(() => {
    if (globalThis.document?.visibilityState !== "hidden") opening.refresh();
  }, REFRESH_MS);
  state = build();
  if (options.image) opening.open(options.image);

  return {
    get state() {
      return state;
    },
    /** @param {(state: any) => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch,
    undoDone,
    /** @param {string} image */
    open: (image) => opening.open(image),
    /** The ID of the image that is open now, or null at the end of the list. */
    next: () => opening.go(1),
    previous: () => opening.go(-1),
    done: ({ next = true } = {}) => close_({ type: "status", status: "done" }, next),
    /** Deletes all boxes and finishes the image: it shows nothing of interest. */
    nothingHere: () => close_({ type: "nothing" }, true),
    /** @param {string} [reason] is kept with the image */
    skip: (reason) => close_({ type: "status", status: "skipped", reason }, true),
    queue,
    previousImageRects: () => opening.previousRects(),
    /** Adds a comment; the server signs it. @param {string} text @param {import("./comments.js").Pin} pin */
    comment: (text, pin) =>
      dispatch({
        type: "comment",
        comment: {
          id: randomId(),
          text,
          by: options.person,
          at: new Date().toISOString(),
          ...pin,
        },
      }),
    review: records.review,
    restore: records.restore,
    past,
    /** Takes over all labels of the project. @param {readonly Label[]} next */
    setLabels(next) {
      labels = next;
      emit();
    },
    /** @param {Record<string, string>} filters */
    setFilters: (filters) => opening.setFilters(filters),
    /** Retries what failed, such as after a new sign-in. */
    retry: () => lanes.retry(),
    /** @param {string} person */
    adoptFrom: (person) => lanes.adoptFrom(person),
    close() {
      clearInterval(refreshing);
      queue.close();
      presence.close();
      listeners.clear();
      opening.close();
      images.close();
      lanes.close();
    },
  };
}
