// The saving of one image as a table: for each state and event the next state and what to do. Pure.

/**
 * `saved`: the server has everything. `pending`: a change waits for its turn. `sending`: a PUT is on
 * its way. `offline`: no answer came. `failed`: the server could not. `refused`: it will not take
 * this content. `gone`: the image is deleted. `locked`: it is approved. `signedOut`: nobody, or
 * somebody else, is signed in. In the last six the work stays in the journal.
 * @typedef {"saved" | "pending" | "sending" | "offline" | "failed" | "refused" | "gone" | "locked"
 *   | "signedOut"} Saving
 */

/**
 * `dirty`: changed while a PUT was on its way. `failures`: tries without success since the last one.
 * @typedef {Readonly<{ saving: Saving, dirty: boolean, failures: number, message: string }>} State
 */

/**
 * `changed`: the person changed the document. `due`: its turn has come. `stored`: the server has
 * what was sent. `merged`: somebody else had written; what is wanted now holds both. `settled`:
 * after a merge nothing is left to send. `online`: the browser has a network again. `retry`: the
 * person asks.
 * @typedef {{ type: "changed" | "due" | "stored" | "merged" | "settled" | "online" | "retry" }
 *   | { type: "network" | "refused" | "gone" | "locked" | "signedOut", message: string }
 *   | { type: "unavailable", message: string, after: number }} SyncEvent
 */

/**
 * `turn`: send when the image may be written again. `now`: send at once. `later`: try again after
 * the wait. `send`: send it. `forget`: take it out of the journal.
 * @typedef {"turn" | "now" | "later" | "send" | "forget"} Effect
 * @typedef {{ to: Saving, effect?: Effect }} Row
 */

/** @type {State} */
export const SAVED = { saving: "saved", dirty: false, failures: 0, message: "" };

/** @type {Row} */
const SEND = { to: "sending", effect: "send" };
/** @type {Row} */
const AGAIN = { to: "pending", effect: "now" };
/** @type {Row} */
const CHANGED = { to: "pending", effect: "turn" };

/** @type {Record<Saving, { [Type in SyncEvent["type"]]?: Row }>} */
const TABLE = {
  saved: { changed: CHANGED },
  pending: { changed: { to: "pending" }, due: SEND, settled: { to: "saved", effect: "forget" } },
  sending: {
    changed: { to: "sending" },
    stored: { to: "saved", effect: "forget" },
    settled: { to: "saved", effect: "forget" },
    merged: AGAIN,
    network: { to: "offline", effect: "later" },
    unavailable: { to: "failed", effect: "later" },
    refused: { to: "refused" },
    gone: { to: "gone" },
    locked: { to: "locked" },
    signedOut: { to: "signedOut" },
  },
  offline: { changed: { to: "offline" }, due: SEND, online: AGAIN, retry: AGAIN },
  failed: { changed: { to: "failed" }, due: SEND, online: AGAIN, retry: AGAIN },
  refused: { changed: CHANGED, retry: AGAIN },
  gone: { changed: { to: "gone" }, retry: AGAIN },
  locked: { changed: { to: "locked" }, retry: AGAIN },
  signedOut: { changed: { to: "signedOut" }, online: AGAIN, retry: AGAIN },
};

/**
 * The next state, and what to do. An event that the state does not know changes nothing.
 * @param {State} state @param {SyncEvent} event @returns {{ state: State, effect?: Effect }}
 */
export function reduce(state, event) {
  const row = TABLE[state.saving][event.type];
  if (!row) return { state };
  if (state.saving !== "sending") {
    const waits = ["offline", "failed"].includes(row.to);
    const message = row.to === state.saving || waits ? state.message : "";
    return { state: { ...state, saving: row.to, message }, effect: row.effect };
  }
  if (event.type === "changed") return { state: { ...state, dirty: true } };
  const stuck = "message" in event;
  const failures = stuck ? state.failures + 1 : 0;
  const message = stuck ? event.message : "";
  const next = { saving: row.to, dirty: false, failures, message };
  // What was drawn meanwhile is sent after what has just been stored, or instead of what was
  // refused.
  if (state.dirty && (row.to === "saved" || row.to === "refused")) {
    return { state: { ...next, saving: "pending" }, effect: "turn" };
  }
  return { state: next, effect: row.effect };
}

/** Whether the person's work is on the server. @param {State} state */
export const isSaved = (state) => state.saving === "saved";

/**
 * What the person sees of it.
 * @param {Saving} saving @returns {"saved" | "pending" | "failed" | "offline"}
 */
export function shown(saving) {
  if (saving === "saved" || saving === "offline") return saving;
  return saving === "pending" || saving === "sending" ? "pending" : "failed";
}

/**
 * Milliseconds before the next try: 1, 2, 4, 8, then 15 s, or what the server asks for if longer.
 * @param {number} failures @param {number} asked @param {number} first
 */
export const backoff = (failures, asked, first = 1000) =>
  Math.max(asked, Math.min(first * 2 ** Math.max(0, failures - 1), 15 * first));
