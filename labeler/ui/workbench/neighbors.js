// The next and the previous image in the list that the page shows.

/** @typedef {import("./backend.js").Entry} Entry */

const PAGE = 200;

/**
 * The part of the list around an image, however long the list is. It is read around an image, and
 * extended in either direction as far as somebody asks. It keeps only the fields that a list shows.
 *
 * An answer of undefined means unknown because a call failed, as `failure` says; null means past the
 * ends of the list. Images that can't be opened are skipped.
 * @param {import("./backend.js").Backend} backend @param {Record<string, string>} filters
 */
export function createNeighbors(backend, filters) {
  /** Without gaps. The first entry has the place `first`, which decreases with entries before it. @type {Entry[]} */
  let entries = [];
  let first = 0;
  /** @type {Map<string, number>} */
  let places = new Map();
  /** Where the list continues in each direction; null at its ends. */
  let ends = {
    after: /** @type {string | null} */ (null),
    before: /** @type {string | null} */ (null),
  };
  /** The index of the entry at place 0 among all; null if the server does not count them. @type {number | null} */
  let index = null;
  /** @type {number | null} */
  let total = null;
  /** @type {import("./backend.js").Failure | null} */
  let failure = null;
  /** One page is read at a time. */
  let reading = Promise.resolve(true);

  /**
   * Whether `read` loaded something. It is called in its turn, when others may have loaded it
   * already.
   * @param {() => Promise<boolean>} read @returns {Promise<boolean>}
   */
  const inTurn = (read) => reading = reading.then(read).catch(() => false);

  /** @param {Record<string, string>} query */
  async function ask(query) {
    const page = await backend.listImages({ ...filters, limit: String(PAGE), ...query });
    failure = page.type === "page" ? null : page;
    return page;
  }

  /** Begins again around an image. An image that does not exist has a place before the start. @param {string} image */
  async function begin(image) {
    if (places.has(image)) return true;
    const around = await ask({ around: image });
    const page = around.type === "gone" ? await ask({}) : around;
    if (page.type !== "page") return false;
    entries = page.images;
    first = 0;
    places = new Map(entries.map(({ image_id }, place) => [image_id, place]));
    if (around.type === "gone") places.set(image, -1);
    ends = { after: page.next, before: page.previous };
    ({ index, total } = page);
    return places.has(image);
  }

  /** @param {"after" | "before"} side @param {string} from */
  async function extend(side, from) {
    if (ends[side] !== from) return true;
    const page = await ask({ [side]: from });
    if (page.type !== "page") return false;
    const added = page.images.filter(({ image_id }) => !places.has(image_id));
    if (side === "after") entries.push(...added);
    else {
      entries.unshift(...added);
      first -= added.length;
    }
    const start = side === "after" ? first + entries.length - added.length : first;
    added.forEach(({ image_id }, place) => places.set(image_id, start + place));
    ends = { ...ends, [side]: side === "after" ? page.next : page.previous };
    return true;
  }

  /** @param {string} image @param {number} steps @returns {Entry | null | undefined} */
  function peek(image, steps) {
    const place = places.get(image);
    if (place === undefined) return undefined;
    const direction = Math.sign(steps);
    for (let [at, left] = [place - first, Math.abs(steps)];;) {
      if (left === 0) return entries[at];
      at += direction;
      const entry = entries[at];
      if (!entry) return ends[direction > 0 ? "after" : "before"] === null ? null : undefined;
      if (!entry.problem) left -= 1;
    }
  }

  return {
    /** Why the last call failed; null if it did not. */
    get failure() {
      return failure;
    },
    peek,
    /**
     * The entry `steps` places after `image`, or before it if negative.
     * @param {string} image @param {number} steps @returns {Promise<Entry | null | undefined>}
     */
    async step(image, steps) {
      const side = steps > 0 ? "after" : "before";
      while (await inTurn(() => begin(image))) {
        const found = peek(image, steps);
        const from = ends[side];
        if (found !== undefined || from === null) return found;
        if (!await inTurn(() => extend(side, from))) return undefined;
      }
      return undefined;
    },
    /** The image's entry in the list; null if it has none. @param {string} image */
    async find(image) {
      if (!await inTurn(() => begin(image))) return undefined;
      return entries[(places.get(image) ?? NaN) - first] ?? null;
    },
    /** The known neighbors of the image, without a request. @param {string} image @param {number} reach */
    around(image, reach) {
      const place = places.get(image);
      if (place === undefined) return { neighbors: [], position: null };
      const at = place - first;
      const neighbors = entries.slice(Math.max(0, at - reach), at + reach + 1);
      return { neighbors, position: index === null ? null : { index: index + place, total } };
    },
    /** Notes a change that this tab has made. @param {string} image @param {string} status @param {number} rects */
    note(image, status, rects) {
      const at = (places.get(image) ?? NaN) - first;
      if (entries[at]) entries[at] = { ...entries[at], status, rects };
    },
  };
}
