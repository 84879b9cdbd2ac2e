// The items of a long list, loaded page by page around the part in sight.

const SIZE = 60;
const MOST = 40;
const AGAIN_MS = 2_000;

/**
 * `read` resolves to a page, or to null if there was no answer. Such a page is requested again, as
 * is the first page while its total is not known: then `found` says how many there are so far.
 * @template Item
 * @param {(offset: number, limit: number) => Promise<
 *   { items: Item[], total: number | null, found?: number } | null>} read
 * @param {() => void} changed
 */
export function createPages(read, changed) {
  /** In the order of last use. @type {Map<number, Item[] | null>} */
  let pages = new Map();
  let total = /** @type {number | null} */ (null);
  let found = /** @type {number | null} */ (null);
  let generation = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} number */
  async function load(number) {
    const of = generation;
    if (!pages.has(number)) pages.set(number, null);
    const page = await read(number * SIZE, SIZE);
    if (of !== generation) return;
    if (page) {
      total = page.total ?? page.items.length;
      found = page.total === null ? page.found ?? 0 : null;
      pages.delete(number);
      pages.set(number, page.items);
      for (const [oldest] of pages) {
        if (pages.size <= MOST) break;
        pages.delete(oldest);
      }
    } else if (pages.get(number) === null) pages.delete(number);
    if (!page || found !== null) {
      clearTimeout(timer);
      timer = setTimeout(again, AGAIN_MS);
    }
    changed();
  }

  /** Asks for the first page again before all is known, and has the others asked for by who shows them. */
  function again() {
    if (total === null || found !== null) load(0);
    changed();
  }

  return {
    /** The number of items, of those so far at first; null before there is an answer. */
    get total() {
      return total;
    },
    /** The number of items so far; null when all are known. */
    get found() {
      return found;
    },
    /** @param {number} index @returns {Item | undefined} */
    item: (index) => pages.get(Math.floor(index / SIZE))?.[index % SIZE],
    /** Loads the items from `first` to `last`. @param {number} first @param {number} last */
    want(first, last) {
      const until = Math.max(first, last - 1);
      for (let number = Math.floor(first / SIZE); number <= Math.floor(until / SIZE); number++) {
        if (!pages.has(number)) load(number);
      }
    },
    /** Begins another list and drops the one before. */
    begin() {
      generation += 1;
      pages = new Map();
      total = found = null;
      load(0);
    },
    /** Reads loaded items again. They stay in sight meanwhile. @param {number} first @param {number} last */
    refresh(first, last) {
      const [from, to] = [Math.floor(first / SIZE), Math.floor(Math.max(first, last - 1) / SIZE)];
      for (const number of [...pages.keys()]) {
        if (number < from || number > to) pages.delete(number);
      }
      for (let number = from; number <= to; number++) load(number);
    },
    end() {
      generation += 1;
      clearTimeout(timer);
    },
  };
}
