// The labeling of images one after another: joins the open image, the person's changes and saving to
// one state. Independent of the page, which subscribes and dispatches the person's actions.

import { createBackend } from "./backend.js";
import { NEEDS_WORK, reasonOf, statusOf } from "./document.js";
import { createEditor } from "./editor.js";
import { randomId } from "./identity.js";
import { createImages } from "./images.js";
import { createLanes } from "./lanes.js";
import { createOpening } from "./opening.js";
import { createPast } from "./past.js";
import { createPresence } from "./presence.js";
import { createProgress } from "./progress.js";
import { createRecords } from "./records.js";
import { createWorkQueue } from "./work_queue.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./dispatch.js").Action} Action */

/**
 * @typedef {import("./backend.js").BackendOptions & {
 *   name?: string, tab?: ReturnType<typeof import("./tab.js").createTab>, image?: string, filters?: Record<string, string>, labels?: readonly Label[],
 *   storage?: IDBFactory, locks?: LockManager | null, budget?: number,
 *   decoder?: import("./decoder.js").Decoder }} Options
 * @typedef {import("./label_set.js").Label} Label
 * @typedef {ReturnType<typeof createSession>} Session
 */

const REFRESH_MS = 3_000;

/** @param {Options} options */
export function createSession(options) {
  const backend = createBackend(options);
  /** @type {Set<(state: any) => void>} */
  const listeners = new Set();
  let labels = options.labels ?? [];
  /** @type {any} */
  let state = null;

  const lanes = createLanes({
    ...options,
    backend,
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
      editor.opened();
      queue.opened(image);
    },
  });
  const editor = createEditor({
    lanes,
    opening,
    onChange: emit,
    onChanged(image, before, after) {
      progress.changed(image, statusOf(before), statusOf(after));
      queue.changed(image);
    },
  });
  const queue = createWorkQueue({
    backend,
    open: opening.open,
    fetchAhead: opening.expect,
    isReady: (image) => Boolean(lanes.get(image) && images.get(image)?.whole),
    saving: lanes.saving,
    image: opening.image,
    tab: options.tab,
    onChange: emit,
  });

  const records = createRecords({ backend, shown: opening.shown, listeners });
  const past = createPast(backend, () => emit());
  const progress = createProgress({
    backend,
    name: options.name ?? options.person,
    place: options.baseUrl,
    storage: globalThis.localStorage,
    onChange: emit,
  });
  const presence = createPresence({
    ...options,
    backend,
    image: opening.image,
    needsWork: () => NEEDS_WORK.includes(state.status),
    onChange: emit,
  });

  function emit() {
    state = build();
    for (const listener of listeners) listener(state);
  }

  function build() {
    const shown = opening.shown();
    /** @type {Doc | null} */
    const document = shown.lane?.document ?? null;
    return Object.freeze({
      image: shown.image,
      doc: document,
      base: shown.lane?.base ?? null,
      etag: shown.lane?.etag ?? null,
      status: document ? statusOf(document) : "unlabeled",
      reason: document ? reasonOf(document) : "",
      selection: editor.selected(document),
      phase: shown.phase,
      error: shown.error,
      save: lanes.summary(),
      conflicts: shown.lane?.conflicts ?? [],
      labels,
      neighbors: shown.neighbors,
      position: shown.position,
      listedLabel: shown.listedLabel,
      ...editor.steps(),
      readOnly: editor.isReadOnly(),
      bitmap: shown.bitmap,
      foreign: lanes.foreign(),
      queue: queue.state,
      others: presence.others(),
    });
  }

  /** @param {Action} action @param {boolean} goOn */
  async function finish(action, goOn) {
    const image = opening.image();
    editor.finish(action);
    return goOn ? await next(!NEEDS_WORK.includes(state.status)) : image;
  }

  /** Goes on in the queue or in the list. @param {boolean} isFinished whether the image needs no more work */
  const next = (isFinished) => queue.isOn ? queue.next(isFinished) : opening.go(1);

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
    dispatch: editor.dispatch,
    undoDone: editor.undoDone,
    /** @param {string} image */
    open: (image) => opening.open(image),
    /** The ID of the image that is open now, or null at the end of the list. */
    next: () => opening.go(1),
    previous: () => opening.go(-1),
    done: ({ next = true } = {}) => finish({ type: "status", status: "done" }, next),
    /** Deletes all boxes and finishes the image: it shows nothing of interest. */
    nothingHere: () => finish({ type: "nothing" }, true),
    /** @param {string} [reason] is kept with the image */
    skip: (reason) => finish({ type: "status", status: "skipped", reason }, true),
    queue,
    previousImageRects: () => opening.previousRects(),
    /** Adds a comment; the server signs it. @param {string} text @param {import("./comments.js").Pin} pin */
    comment: (text, pin) =>
      editor.dispatch({
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
    /** Moves the open image into the trash and opens the next one; resolves to why not, or "". */
    async remove() {
      const image = opening.image();
      const why = await records.remove();
      if (why) return why;
      if (opening.image() === image) await next(true) ?? await opening.go(-1);
      opening.reload();
      return "";
    },
    /** Brings an image back from the trash and opens it; resolves to why not, or "". @param {string} image */
    async takeOutOfTrash(image) {
      const why = await records.bringBack(image);
      if (why) return why;
      opening.open(image);
      opening.reload();
      return "";
    },
    past,
    progress,
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
      progress.close();
      listeners.clear();
      opening.close();
      images.close();
      lanes.close();
    },
  };
}
