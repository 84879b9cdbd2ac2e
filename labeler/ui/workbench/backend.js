// The calls to the HTTP API. Each resolves to a value that says what to do next. No call throws for
// a failure of the network or the server.

import { failure, read, UNREADABLE, written } from "./answers.js";
import { createCall } from "./call.js";
import { dumpDocument } from "./document.js";
import { CHANGE_TYPE, changeText } from "./document_change.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {{ image_id: string, image_path: string, status: string, rects: number, problem?: string }} Entry */
/**
 * `index` is the position of the first image among all `total` that match; both are null if the
 * server has not counted.
 * @typedef {{ type: "page", images: Entry[], next: string | null, previous: string | null,
 *   index: number | null, total: number | null }} Page
 */

/**
 * One state of a document: who saved it and when.
 * @typedef {{ version: string, saved_at: string | null, saved_by: string | null, status: string,
 *   rects: number }} Version
 */

/**
 * Why a call failed. `network`: no answer came; a write may have landed. `unavailable`: try again,
 * after `after` ms or later. `signedOut`: nobody, or somebody else, is signed in. `gone`: there is
 * no such image. `locked`: it is approved. `refused`: trying again will not help.
 * @typedef {{ type: "network" | "signedOut" | "gone" | "locked" | "refused", message: string }
 *   | { type: "unavailable", message: string, after: number }} Failure
 */

/**
 * `stored`: the document was written; null means exactly as it was sent. `changed`: somebody else
 * wrote first; null means that there is no document.
 * @typedef {{ type: "stored", document: Doc | null, etag: string }
 *   | { type: "changed", document: Doc | null, etag: string | null }
 *   | Failure} PutAnswer
 * @typedef {{ type: "document", document: Doc, etag: string } | { type: "same" }
 *   | Failure} GetAnswer
 */

/**
 * `takesChanges`: the server also takes a document as a change of the stored one.
 * @typedef {{ baseUrl: string, token: () => string, tokenHeader?: string, client: string,
 *   person: string, takesChanges?: boolean,
 *   renewToken: () => Promise<string | { token: string, person: string }>,
 *   fetch?: typeof fetch }} BackendOptions
 * @typedef {ReturnType<typeof createBackend>} Backend
 */

/** @param {BackendOptions} options */
export function createBackend(options) {
  const call = createCall(options);

  /** @param {string} image */
  const documentPath = (image) => `/api/annotations/${encodeURIComponent(image)}`;

  return {
    call,

    /**
     * The stored document; `same` if its ETag still is `etag`.
     * @param {string} image @param {string | null} [etag] @param {AbortSignal} [signal]
     * @returns {Promise<GetAnswer>}
     */
    async getDocument(image, etag = null, signal) {
      /** @type {Record<string, string>} */
      const headers = etag ? { "If-None-Match": etag } : {};
      const answer = await call(documentPath(image), { headers, signal, cache: "no-store" });
      if ("type" in answer) return answer;
      const { response, body } = answer;
      if (response.status === 304) return { type: "same" };
      if (response.status !== 200) return await failure(response, body);
      return read(await body.text(), response);
    },

    /**
     * Writes the document over the state that `etag` names; null means that there must be none.
     * `base` is the document in that state. If the server does not take a change of it, the whole
     * document is sent.
     * @param {string} image @param {Doc} wanted @param {string | null} etag @param {Doc} base
     * @returns {Promise<PutAnswer>}
     */
    async putDocument(image, wanted, etag, base) {
      /** @type {Record<string, string>} */
      const condition = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
      /** @param {string} type @param {string} body @returns {Promise<PutAnswer>} */
      const put = async (type, body) => {
        const headers = { "Content-Type": type, Prefer: "return=minimal", ...condition };
        const answer = await call(documentPath(image), { method: "PUT", headers, body });
        return "type" in answer ? answer : await written(answer.response, answer.body);
      };
      const change = etag && options.takesChanges ? changeText(base, wanted) : null;
      if (change !== null) {
        const answer = await put(CHANGE_TYPE, change);
        if (answer.type !== "refused") return answer;
      }
      return await put("application/json", dumpDocument(wanted));
    },

    /**
     * Asks the server to change the document that `etag` names.
     * @param {string} image @param {"review" | "restore"} what @param {object} how
     * @param {string} etag @returns {Promise<PutAnswer>}
     */
    async changeDocument(image, what, how, etag) {
      const headers = { "Content-Type": "application/json", "If-Match": etag };
      const init = { method: "POST", headers, body: JSON.stringify(how) };
      const answer = await call(`${documentPath(image)}/${what}`, init);
      return "type" in answer ? answer : await written(answer.response, answer.body);
    },

    /**
     * The states of the document, the newest first.
     * @param {string} image @returns {Promise<{ type: "versions", versions: Version[] } | Failure>}
     */
    async getVersions(image) {
      const answer = await call(`${documentPath(image)}/versions`, { cache: "no-store" });
      if ("type" in answer) return answer;
      if (answer.response.status !== 200) return await failure(answer.response, answer.body);
      try {
        return { type: "versions", versions: JSON.parse(await answer.body.text()).versions };
      } catch {
        return { type: "network", message: UNREADABLE };
      }
    },

    /**
     * The document as it was in `version`.
     * @param {string} image @param {string} version @returns {Promise<GetAnswer>}
     */
    async getVersion(image, version) {
      const answer = await call(
        `${documentPath(image)}?version=${encodeURIComponent(version)}`,
        {},
      );
      if ("type" in answer) return answer;
      if (answer.response.status !== 200) return await failure(answer.response, answer.body);
      return read(await answer.body.text(), answer.response);
    },

    /**
     * The image, or a copy of `width` pixels.
     * @param {string} image @param {number | null} width @param {AbortSignal} [signal]
     * @returns {Promise<{ type: "picture", blob: Blob } | Failure>}
     */
    async getPicture(image, width, signal) {
      const query = width ? `?width=${width}` : "";
      const answer = await call(`/api/images/${encodeURIComponent(image)}${query}`, { signal });
      if ("type" in answer) return answer;
      if (answer.response.status === 200) return { type: "picture", blob: answer.body };
      return await failure(answer.response, answer.body);
    },

    /**
     * Any other call. A failure also has the status of the answer.
     * @param {string} path @param {RequestInit} [init]
     * @returns {Promise<{ type: "answer", body: Blob } | (Failure & { status?: number })>}
     */
    async ask(path, init = {}) {
      const answer = await call(path, init);
      if ("type" in answer) return answer;
      const { response, body } = answer;
      if (response.ok) return { type: "answer", body };
      return { ...await failure(response, body), status: response.status };
    },

    /**
     * A page of the list of images.
     * @param {Record<string, string>} query
     * @returns {Promise<Page | Failure>}
     */
    async listImages(query) {
      const text = new URLSearchParams(query).toString();
      const answer = await call(`/api/images${text ? `?${text}` : ""}`, { cache: "no-store" });
      if ("type" in answer) return answer;
      if (answer.response.status !== 200) return await failure(answer.response, answer.body);
      try {
        const page = JSON.parse(await answer.body.text());
        const { images, next = null, previous = null, index = null, total = null } = page;
        return { type: "page", images, next, previous, index, total };
      } catch {
        return { type: "network", message: UNREADABLE };
      }
    },
  };
}
