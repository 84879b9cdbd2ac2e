// The calls about the guide. Each resolves to a value that says what to do next.

import { failure } from "./answers.js";

/** @typedef {{ type: "guide", text: string, etag: string | null }} Stored */
/** @typedef {Stored | { type: "changed", text: string, etag: string | null } | import("./backend.js").Failure} GuideAnswer */

/** @param {import("./backend.js").Backend} backend */
export function createGuideCalls({ call }) {
  /** @param {RequestInit} init @returns {Promise<GuideAnswer>} */
  async function ask(init) {
    const answer = await call("/api/guide", { ...init, cache: "no-store" });
    if ("type" in answer) return answer;
    const { response, body } = answer;
    const isKnown = response.ok || response.status === 412;
    if (!isKnown) return await failure(response, body);
    try {
      const { text, etag = response.headers.get("ETag") } = JSON.parse(await body.text());
      return { type: response.ok ? "guide" : "changed", text, etag };
    } catch {
      return { type: "network", message: "The server's answer could not be read." };
    }
  }

  return {
    read: () => ask({}),
    /** Writes the text over the state that `etag` names; null means that there must be none. @param {string} text @param {string | null} etag */
    write(text, etag) {
      /** @type {Record<string, string>} */
      const condition = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
      const headers = { "Content-Type": "application/json", ...condition };
      return ask({ method: "PUT", headers, body: JSON.stringify({ text }) });
    },
    /**
     * Adds a picture to the guide. Resolves to why that failed, as text for a person, or "".
     * @param {string} name @param {Blob} file
     */
    async addPicture(name, file) {
      const answer = await call(`/api/guide/${encodeURIComponent(name)}`, {
        method: "PUT",
        body: file,
      });
      if ("type" in answer) return answer.message;
      return answer.response.ok ? "" : (await failure(answer.response, answer.body)).message;
    },
    /** An image of the guide; null if it can't be fetched. @param {string} name @returns {Promise<Blob | null>} */
    async picture(name) {
      const answer = await call(`/api/guide/${encodeURIComponent(name)}`, {});
      return "type" in answer || answer.response.status !== 200 ? null : answer.body;
    },
  };
}
