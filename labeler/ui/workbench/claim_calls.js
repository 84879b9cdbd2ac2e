// The calls about claims. Each resolves to a value that says what to do next.

import { failure } from "./answers.js";

/** @typedef {import("./backend.js").Failure} Failure */
/** `person` is whose queue it is, where nobody signs in. @typedef {{ after: string, order: string, person: string }} Wish */
/**
 * `lease` is in milliseconds from when the call was sent. `taken`: somebody else has the image.
 * @typedef {{ type: "claimed", image: string, lease: number } | { type: "nothing" } | Failure} ClaimAnswer
 */

/** The lease, in ms, if the server does not name one. */
const LEASE_S = 300;

/** @param {import("./backend.js").Backend} backend */
export function createClaimCalls({ call }) {
  /** @param {string} image */
  const path = (image) => `/api/claims/${encodeURIComponent(image)}`;

  /** @param {string} path @param {RequestInit} init @returns {Promise<ClaimAnswer>} */
  async function ask(path, init) {
    const answer = await call(path, init);
    if ("type" in answer) return answer;
    const { response, body } = answer;
    if (response.status === 204) return { type: "nothing" };
    if (response.status !== 200) return await failure(response, body);
    try {
      const { image_id: image, lease_s: seconds = LEASE_S } = JSON.parse(await body.text());
      return { type: "claimed", image, lease: seconds * 1000 };
    } catch {
      return { type: "network", message: "The server's answer could not be read." };
    }
  }

  return {
    /** Claims the next image, or one of `prefer` if it is free. @param {Wish} wish @param {readonly string[]} prefer */
    next: ({ after, order, person }, prefer) =>
      ask("/api/claims", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ after: after || null, order, prefer, ...person && { person } }),
      }),
    /** @param {string} image */
    renew: (image) => ask(path(image), { method: "PUT" }),
    /** Gives the image back, even while the tab is closing. @param {string} image */
    release: (image) => ask(path(image), { method: "DELETE", keepalive: true }),
    /** Who else has the image; null for nobody, undefined if unknown. @param {string} image @returns {Promise<string | null | undefined>} */
    async holder(image) {
      const answer = await call(path(image), { cache: "no-store" });
      if ("type" in answer) return undefined;
      if (answer.response.status !== 200) return null;
      return await answer.body.text().then((text) => {
        const { by, own } = JSON.parse(text);
        return own || typeof by !== "string" ? null : by;
      }).catch(() => undefined);
    },
    /** The images that `next` would claim; empty if they are unknown. @param {Wish} wish @param {number} limit @returns {Promise<string[]>} */
    async ahead({ after, order, person }, limit) {
      const some = { order, limit: String(limit), ...after && { after }, ...person && { person } };
      const query = new URLSearchParams(some);
      const answer = await call(`/api/claims?${query}`, { cache: "no-store" });
      if ("type" in answer || answer.response.status !== 200) return [];
      return await answer.body.text().then((text) => JSON.parse(text).images).catch(() => []);
    },
  };
}
