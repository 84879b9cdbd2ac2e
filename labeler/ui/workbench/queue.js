// Which image is next and which was before, in the list that the page shows.

/** @typedef {import("./backend.js").Entry} Entry */

const PAGE = 200;

/**
 * The part of the list around what was asked for, however long the list is: read around an image,
 * and further in either direction as far as somebody asks. It keeps what a list shows of an image
 * and no more.
 *
 * Of what it answers, undefined is not known yet, for want of a connection, and null is past the
 * ends of the list. What can't be opened is passed over.
 * @param {import("./backend.js").Backend} backend @param {Record<string, string>} filters
 */
export function createQueue(backend, filters) {
  /** Without gaps; the first has the place `first`, which others before it make smaller. @type {Entry[]} */
  let entries = [];
  let first = 0;
  /** @type {Map<string, number>} */
  let places = new Map();
  /** From where the list goes on in each direction; null at its ends. */
  let ends = {
    after: /** @type {string | null} */ (null),
    before: /** @type {string | null} */ (null),
  };
  /** Of the entry at place 0 among all; null where the server does not count them. @type {number | null} */
  let index = null;
  /** @type {number | null} */
  let total = null;
  /** One page is read at a time. */
  let reading = Promise.resolve(true);

  /**
   * Whether `read` brought something. It is called in its turn, when others may have read it already.
   * @param {() => Promise<boolean>} read @returns {Promise<boolean>}
   */
  const inTurn = (read) => reading = reading.then(read).catch(() => false);

  /** @param {Record<string, string>} query */
  const ask = (query) => backend.listImages({ ...filters, limit: String(PAGE), ...query });

  /** Begin anew around an image. An image that is not there stands before the start. @param {string} image */
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
    peek,
    /**
     * The entry so many places after `image`, or before it.
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
    /** What the list shows of the image; null where it is not in it. @param {string} image */
    async find(image) {
      if (!await inTurn(() => begin(image))) return undefined;
      return entries[(places.get(image) ?? NaN) - first] ?? null;
    },
    /** What is known of the surroundings without asking. @param {string} image @param {number} reach */
    around(image, reach) {
      const place = places.get(image);
      if (place === undefined) return { neighbors: [], position: null };
      const at = place - first;
      const neighbors = entries.slice(Math.max(0, at - reach), at + reach + 1);
      return { neighbors, position: index === null ? null : { index: index + place, total } };
    },
    /** Note what this tab itself has changed. @param {string} image @param {string} status @param {number} rects */
    note(image, status, rects) {
      const at = (places.get(image) ?? NaN) - first;
      if (entries[at]) entries[at] = { ...entries[at], status, rects };
    },
  };
}
