// Thumbnails for the strip of neighbors; the last ones are kept.

import { tokenHeaders } from "./call.js";

const WIDTH = 128;
const MOST = 64;

/**
 * `address` returns an address that the browser holds itself, so it contains no token.
 * @param {{ baseUrl: string, token: () => string, tokenHeader?: string, client: string }} options
 */
export function createThumbnails({ baseUrl, token, tokenHeader, client }) {
  /** @type {Map<string, Promise<string>>} */
  const kept = new Map();

  /** @param {string} id */
  async function fetched(id) {
    const path = `api/images/${encodeURIComponent(id)}?width=${WIDTH}`;
    const headers = Object.fromEntries(tokenHeaders(token(), tokenHeader));
    headers["X-Labeler-Client"] = client;
    const answer = await fetch(`${baseUrl.replace(/\/$/, "")}/${path}`, { headers });
    if (!answer.ok) throw new Error(`There is no small copy: ${answer.status}.`);
    return URL.createObjectURL(await answer.blob());
  }

  /** @param {Promise<string> | undefined} one */
  const revoke = (one) => one?.then((address) => URL.revokeObjectURL(address), () => {});
  return {
    /** @param {string} id */
    address(id) {
      const found = kept.get(id) ?? fetched(id);
      kept.delete(id);
      kept.set(id, found);
      found.catch(() => kept.delete(id));
      const [oldest] = kept.keys();
      if (kept.size > MOST) {
        revoke(kept.get(oldest));
        kept.delete(oldest);
      }
      return found;
    },
    end() {
      for (const one of kept.values()) revoke(one);
      kept.clear();
    },
  };
}
