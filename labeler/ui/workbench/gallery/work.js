// Changes to many images, each by a call that names the version it replaces.

import { setLabel, setStatus } from "../edits.js";
import { normalized } from "../document.js";
import { createTrashCalls } from "../trash_calls.js";

/** @typedef {import("../backend.js").Backend} Backend */
/** @typedef {import("../document.js").Doc} Doc */
/** @typedef {{ image_id: string, image_path: string, etag: string | null }} Image */

const TRIES = 5;
const AT_ONCE = 4;

/**
 * Changes the document of an image. If somebody else was faster, their document is changed. An
 * image without a document gets one.
 * @param {Backend} backend @param {string} image @param {(document: Doc) => Doc} change
 * @returns {Promise<string>} why it could not be done, or nothing
 */
export async function changeDocument(backend, image, change) {
  const found = await backend.getDocument(image);
  /** @type {{ document: Doc, etag: string | null }} */
  let state;
  if (found.type === "document") state = found;
  else if (found.type === "gone") state = { document: normalized({ rects: [] }), etag: null };
  else return "message" in found ? found.message : "";
  for (let tries = 0; tries < TRIES; tries++) {
    const wanted = change(state.document);
    if (wanted === state.document) return "";
    const answer = await backend.putDocument(image, wanted, state.etag, state.document);
    if (answer.type === "stored") return "";
    if (answer.type !== "changed") return answer.message;
    state = { document: answer.document ?? normalized({ rects: [] }), etag: answer.etag };
  }
  return "It keeps being changed by others. Try again.";
}

/**
 * Calls `work` for each item, a few at once, and collects the failures.
 * @template Item
 * @param {Item[]} items @param {(item: Item) => Promise<string>} work
 * @param {(done: number) => void} progress
 */
export async function forEach(items, work, progress) {
  /** @type {{ item: Item, why: string }[]} */
  const failed = [];
  const left = [...items];
  let done = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const why = await work(item);
      if (why) failed.push({ item, why });
      progress(++done);
    }
  }));
  return failed;
}

/** @param {Backend} backend @param {string} status @returns {(image: Image) => Promise<string>} */
export const giveStatus = (backend, status) => ({ image_id }) =>
  changeDocument(backend, image_id, (document) => setStatus(document, status));

/** Puts an image into the queue of that person, or with "" into nobody's. @param {Backend} backend @param {string} person @returns {(image: Image) => Promise<string>} */
export const assignTo = (backend, person) => async ({ image_id }) => {
  const answer = await backend.ask(`/api/annotations/${encodeURIComponent(image_id)}/assign`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "If-Match": "*" },
    body: JSON.stringify({ person: person || null }),
  });
  return answer.type === "answer" ? "" : answer.message;
};

/** Moves an image to the trash, in the version that the person saw. @param {Backend} backend @returns {(image: Image) => Promise<string>} */
export const throwAway = (backend) => ({ image_id, etag }) =>
  createTrashCalls(backend).remove(image_id, etag);

/**
 * Gives boxes of one image another label.
 * @param {Backend} backend @param {string} image @param {string[]} ids @param {string} label
 */
export const relabel = (backend, image, ids, label) =>
  changeDocument(backend, image, (document) => setLabel(document, ids, label));
