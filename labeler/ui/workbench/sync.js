// Saving one image as a table: each state and event gives the next state and an effect. Pure.

/**
 * `saved`: the server has everything. `pending`: a change waits for its turn. `sending`: a PUT is
 * on its way. `offline`: no answer came. `failed`: the server could not save. `refused`: the server
 * rejects this content. `gone`: the image is deleted. `locked`: it is approved. `signedOut`:
 * nobody, or somebody else, is signed in. In the last six states the work stays in the journal.
 * @typedef {"saved" | "pending" | "sending" | "offline" | "failed" | "refused" | "gone" | "locked"
 *   | "signedOut"} Saving
 */

/**
 * `dirty`: changed while a PUT was on its way. `failures`: failed tries since the last success.
 * @typedef {Readonly<{ saving: Saving, dirty: boolean, failures: number, message: string }>} State
 */

/**
 * `changed`: the person changed the document. `due`: its turn has come. `stored`: the server has
 * the sent document. `merged`: somebody else had written; the wanted document now holds both.
 * `settled`: nothing is left to send after a merge. `online`: the browser has a network again.
 * `retry`: the person asked for a retry.
 * @typedef {{ type: "changed" | "due" | "stored" | "merged" | "settled" | "online" | "retry" }
 *   | { type: "network" | "refused" | "gone" | "locked" | "signedOut", message: string }
 *   | { type: "unavailable", message: string, after: number }} SyncEvent
 */

/**
 * `turn`: send when the image may be written again. `now`: send at once. `later`: try again after
 * the wait. `send`: send the document. `forget`: remove it from the journal.
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
 * The next state and the effect. An event that the state does not know changes nothing.
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
  // Changes made meanwhile are sent after the stored document, or in place of the refused one.
  if (state.dirty && (row.to === "saved" || row.to === "refused")) {
    return { state: { ...next, saving: "pending" }, effect: "turn" };
  }
  return { state: next, effect: row.effect };
}

/** Whether the person's work is on the server. @param {State} state */
export const isSaved = (state) => state.saving === "saved";

/**
 * The state that the person sees.
 * @param {Saving} saving @returns {"saved" | "pending" | "failed" | "offline"}
 */
export function shown(saving) {
  if (saving === "saved" || saving === "offline") return saving;
  return saving === "pending" || saving === "sending" ? "pending" : "failed";
}

/**
 * Milliseconds before the next try: 1, 2, 4, 8, then 15 s, or longer if the server asks for it.
 * @param {number} failures @param {number} asked
 */
export const backoff = (failures, asked) =>
  Math.max(asked, Math.min(1000 * 2 ** Math.max(0, failures - 1), 15_000));
