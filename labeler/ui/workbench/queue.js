// Which image is next and which was before, in the list that the page shows.

/** @typedef {import("./backend.js").Entry} Entry */

const PAGE = 1000;

/**
 * The list of images with these filters, read page by page as far as somebody asks. It keeps what a
 * list shows of an image and no more.
 * @param {import("./backend.js").Backend} backend @param {Record<string, string>} filters
 */
export function createQueue(backend, filters) {
  /** @type {Entry[]} */
  const entries = [];
  /** @type {Map<string, number>} */
  const places = new Map();
  /** @type {string | null} */
  let after = "";
  /** @type {Promise<boolean> | null} */
  let reading = null;

  /** Whether another page came; false at the end of the list, or without a connection. */
  function more() {
    reading ??= read().finally(() => reading = null);
    return reading;
  }

  async function read() {
    if (after === null) return false;
    const query = { ...filters, limit: String(PAGE), ...(after ? { after } : {}) };
    const page = await backend.listImages(query);
    if (page.type !== "page") return false;
    for (const entry of page.images) {
      if (places.has(entry.image_id)) continue;
      places.set(entry.image_id, entries.length);
      entries.push(entry);
    }
    after = page.next;
    return true;
  }

  /** @param {string} image @returns {Promise<number>} its place, -1 where the list has it not */
  async function place(image) {
    while (!places.has(image) && await more());
    return places.get(image) ?? -1;
  }

  return {
    /**
     * The entry so many places after `image`, or null past the ends. An image that is not in the
     * list stands before its start.
     * @param {string} image @param {number} steps @returns {Promise<Entry | null>}
     */
    async step(image, steps) {
      const target = await place(image) + steps;
      while (entries.length <= target && await more());
      return entries[target] ?? null;
    },
    /** The same if it is known already. @param {string} image @param {number} steps */
    peek(image, steps) {
      const at = places.get(image);
      return at === undefined ? undefined : entries[at + steps];
    },
    /** @param {string} image @returns {Promise<Entry | null>} */
    async find(image) {
      return entries[await place(image)] ?? null;
    },
    /** What is known of the surroundings without asking. @param {string} image @param {number} reach */
    around(image, reach) {
      const at = places.get(image);
      if (at === undefined) return { neighbors: [], position: null };
      const neighbors = entries.slice(Math.max(0, at - reach), at + reach + 1);
      return { neighbors, position: { index: at, total: after === null ? entries.length : null } };
    },
    /** Note what this tab itself has changed. @param {string} image @param {string} status @param {number} rects */
    note(image, status, rects) {
      const at = places.get(image);
      if (at !== undefined) entries[at] = { ...entries[at], status, rects };
    },
  };
}
