// What an answer of the server means. Nothing here throws.

import { parseDocument, parseJson } from "./document.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./backend.js").Failure} Failure */
/** @typedef {import("./backend.js").PutAnswer} PutAnswer */

export const UNREADABLE = "The server's answer could not be read.";
/** No answer of the server may keep the tab waiting for longer. */
const LONGEST_WAIT_MS = 120_000;

/** The result of a call that changes a document. @param {Response} response @param {Blob} body @returns {Promise<PutAnswer>} */
export async function written(response, body) {
  if (response.status === 200 || response.status === 201) {
    const [etag, applied] = ["ETag", "Preference-Applied"].map((name) =>
      response.headers.get(name)
    );
    if (etag && applied === "return=minimal") return { type: "stored", document: null, etag };
    const stored = read(await body.text(), response);
    return stored.type === "document" ? { ...stored, type: "stored" } : stored;
  }
  if (response.status !== 412) return await failure(response, body);
  try {
    const { document, etag: tag } = parseJson(await body.text());
    if (!document) return { type: "changed", document: null, etag: null };
    const parsed = parseDocument(JSON.stringify(document));
    return { type: "changed", document: parsed, etag: tag ?? response.headers.get("ETag") };
  } catch {
    return { type: "network", message: UNREADABLE };
  }
}

/**
 * @param {string} text @param {Response} response
 * @returns {{ type: "document", document: Doc, etag: string } | Failure}
 */
export function read(text, response) {
  const etag = response.headers.get("ETag");
  try {
    if (etag) return { type: "document", document: parseDocument(text), etag };
  } catch {
    // A proxy answered in the server's place.
  }
  return { type: "network", message: UNREADABLE };
}

/** @param {Response} response @param {Blob} body @returns {Promise<Failure>} */
export async function failure(response, body) {
  let message = "";
  try {
    message = JSON.parse(await body.text()).error.message;
  } catch {
    // A proxy's own page would not help a person.
  }
  message ||= `The server answered with error ${response.status}.`;
  const { status } = response;
  if (status === 404 || status === 410) return { type: "gone", message };
  if (status === 409) return { type: "locked", message };
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    return { type: "unavailable", message, after: askedToWait(response) };
  }
  return { type: "refused", message };
}

/** How long the server asks to wait, in ms. A date is ignored, because the clock here may be wrong. @param {Response} response */
export function askedToWait(response) {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(text) ? Math.min(Number(text) * 1000, LONGEST_WAIT_MS) : 0;
}
