// Saves one image without losing work. Each change goes to the journal, then in a PUT that names its
// base, at most once a second. Others' writes are merged; own writes that landed are recognized.

import { parseDocument, same, sameWork } from "./document.js";
import { createLaneRecord } from "./lane_record.js";
import { merge, TooManyRects, withLanded } from "./merge.js";
import { backoff, isSaved, reduce, SAVED } from "./sync.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./journal.js").JournalRecord} JournalRecord */
/** @typedef {import("./merge.js").RectConflict} RectConflict */
/** @typedef {import("./sync.js").SyncEvent} SyncEvent */

/**
 * @typedef {{ journal: import("./journal.js").Journal, backend: import("./backend.js").Backend,
 *   owner: string, person: string,
 *   onOthers: (image: string, theirs: Doc) => void,
 *   notify: (lane: Lane) => void }} LaneContext
 * @typedef {ReturnType<typeof createLane>} Lane
 */

const MAX_TRIED = 32;
/** Milliseconds between two writes of one image. */
const INTERVAL_MS = 1000;

/**
 * The lane of an image. It starts from the stored `document` or from a journal record.
 * @param {LaneContext} context @param {string} image
 * @param {{ document: Doc, etag: string | null } | { record: JournalRecord }} start
 */
export function createLane(context, image, start) {
  const { backend, notify } = context;
  const found = "record" in start ? start.record : null;
  let state = SAVED;
  let base = "record" in start ? parseDocument(start.record.base) : start.document;
  let wanted = found ? parseDocument(found.wanted) : base;
  let etag = "record" in start ? start.record.etag : start.etag;
  let tried = found ? found.tried.map(parseDocument) : /** @type {Doc[]} */ ([]);
  let lastSent = -Infinity;
  let asked = 0;
  let closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let conflicts = /** @type {RectConflict[]} */ ([]);
  const record = createLaneRecord(context, image, {
    found,
    work: () => ({ base, wanted, etag, tried }),
    isSaved: () => isSaved(state),
    onTaken: (kept) => {
      base = kept ?? base;
      tried = [];
    },
  });

  /** @param {SyncEvent} event */
  function handle(event) {
    const next = reduce(state, event);
    state = next.state;
    const waits = {
      turn: () => Math.max(0, lastSent + INTERVAL_MS - performance.now()),
      now: () => 0,
      later: () => backoff(state.failures, asked),
    };
    if (next.effect === "send") send();
    else if (next.effect === "forget") record.forget();
    else if (next.effect) wait(waits[next.effect]());
    notify(lane);
  }

  /** @param {number} ms */
  function wait(ms) {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => handle({ type: "due" }), ms);
  }

  async function send() {
    await record.keep();
    await record.checkOwner();
    if (closed) return;
    if (!tried.length && sameWork(base, wanted)) {
      handle({ type: "settled" });
      return;
    }
    const sent = wanted;
    tried = [...tried, sent].slice(-MAX_TRIED);
    lastSent = performance.now();
    const answer = await backend.putDocument(image, sent, etag, base);
    asked = answer.type === "unavailable" ? answer.after : 0;
    if (answer.type === "stored") {
      stored(sent, answer.document, answer.etag);
      handle({ type: "stored" });
    } else if (answer.type === "changed") {
      await record.checkOwner();
      handle(mergedWith(answer.document, answer.etag));
    } else {
      // The server has answered that it did not write this. A lost answer says nothing.
      if (!["network", "unavailable"].includes(answer.type)) tried = tried.slice(0, -1);
      handle(answer);
    }
  }

  /** @param {Doc} sent @param {Doc | null} answered @param {string} tag */
  function stored(sent, answered, tag) {
    const document = answered ?? sent;
    wanted = wanted === sent ? document : merge(sent, wanted, document).document;
    base = document;
    etag = tag;
    tried = [];
  }

  /** Reports another person's write, unless it is a write of this tab that landed without an answer. @param {Doc} theirs */
  function heard(theirs) {
    if (!tried.some((own) => sameWork(own, theirs))) context.onOthers(image, theirs);
  }

  /** Merges another person's write. @param {Doc | null} answered @param {string | null} tag @returns {SyncEvent} */
  function mergedWith(answered, tag) {
    if (answered) heard(answered);
    const theirs = answered ?? base; // a deleted document is stored again, with all boxes
    try {
      const merged = merge(withLanded(base, tried, theirs), wanted, theirs);
      wanted = merged.document;
      conflicts = [...conflicts, ...merged.conflicts];
    } catch (error) {
      if (!(error instanceof TooManyRects)) throw error;
      return { type: "refused", message: error.message };
    }
    base = theirs;
    etag = tag;
    tried = [];
    return { type: sameWork(base, wanted) ? "settled" : "merged" };
  }

  const lane = {
    image,
    get document() {
      return wanted;
    },
    get base() {
      return base;
    },
    get etag() {
      return etag;
    },
    get state() {
      return state;
    },
    get conflicts() {
      return conflicts;
    },
    get unkept() {
      return record.unkept;
    },
    /** The person's next document; it is pending from now on. @param {Doc} doc */
    change(doc) {
      if (doc === wanted) return;
      wanted = doc;
      handle({ type: "changed" });
      record.keep();
    },
    /** Takes over the server's document from a read. @param {Doc} document @param {string} tag */
    refresh(document, tag) {
      if (tag === etag || state.saving === "sending") return;
      if (isSaved(state)) {
        heard(document);
        base = wanted = document;
        etag = tag;
        notify(lane);
        return;
      }
      const event = mergedWith(document, tag);
      if (event.type === "settled" && state.saving === "pending") handle(event);
      else notify(lane);
    },
    /** Resumes with a record, or after a failure. */
    resume() {
      handle({ type: isSaved(state) ? "changed" : "retry" });
    },
    online: () => handle({ type: "online" }),
    /** @param {RectConflict} conflict */
    resolved(conflict) {
      conflicts = conflicts.filter((other) => !same(other, conflict));
    },
    /** Ends the lane. The journal keeps unsaved work, and the next tab sends it. */
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
  return lane;
}
