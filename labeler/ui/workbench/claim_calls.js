// The calls about claims, each answered by a value that says what to do next.

import { failure } from "./answers.js";

/** @typedef {import("./backend.js").Failure} Failure */
/** @typedef {{ after: string, order: string }} Wish */
/**
 * `lease` is in milliseconds, from when the call was sent. `taken`: somebody else has the image.
 * @typedef {{ type: "claimed", image: string, lease: number } | { type: "nothing" } | Failure} ClaimAnswer
 */

/** What a server that does not tell is taken to grant. */
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
    /** Claim the next image, one of `prefer` if it is free. @param {Wish} wish @param {readonly string[]} prefer */
    next: ({ after, order }, prefer) =>
      ask("/api/claims", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ after: after || null, order, prefer }),
      }),
    /** @param {string} image */
    renew: (image) => ask(path(image), { method: "PUT" }),
    /** Give the image back, also while the tab is closed. @param {string} image */
    release: (image) => ask(path(image), { method: "DELETE", keepalive: true }),
    /** Who else has the image: null nobody, undefined not known. @param {string} image @returns {Promise<string | null | undefined>} */
    async holder(image) {
      const answer = await call(path(image), { cache: "no-store" });
      if ("type" in answer) return undefined;
      if (answer.response.status !== 200) return null;
      return await answer.body.text().then((text) => {
        const { by, own } = JSON.parse(text);
        return own || typeof by !== "string" ? null : by;
      }).catch(() => undefined);
    },
    /** The images that `next` would claim; none where they can't be told. @param {Wish} wish @param {number} limit @returns {Promise<string[]>} */
    async ahead({ after, order }, limit) {
      const query = new URLSearchParams({ order, limit: String(limit), ...after ? { after } : {} });
      const answer = await call(`/api/claims?${query}`, { cache: "no-store" });
      if ("type" in answer || answer.response.status !== 200) return [];
      return await answer.body.text().then((text) => JSON.parse(text).images).catch(() => []);
    },
  };
}
