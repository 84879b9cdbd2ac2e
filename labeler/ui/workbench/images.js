// Images, fetched and decoded ahead within a budget of bytes.

import { createDecoder } from "./decoder.js";

/**
 * An image with its smaller copies, largest first. `whole`: the first level is the image itself,
 * not a copy that came before it.
 * @typedef {{ levels: import("./levels.js").Level[], width: number, height: number,
 *   whole: boolean }} Picture
 * @typedef {{ controller: AbortController, picture: Picture | null, bytes: number,
 *   ready: Promise<Picture | Failure>, failure: Failure | null, hasCopy: boolean }} Load
 * @typedef {import("./backend.js").Failure} Failure
 */

const BUDGET = 768 * 2 ** 20;
/** In ms. If the image takes longer, a small copy is fetched and shown first. */
const SLOW_MS = 350;
const SMALL_WIDTH = 1024;

/**
 * @param {import("./backend.js").Backend} backend
 * @param {{ onChange?: (image: string) => void, budget?: number,
 *   decoder?: import("./decoder.js").Decoder }} [options]
 */
export function createImages(backend, options = {}) {
  const { onChange = () => {}, budget = BUDGET } = options;
  const decoder = options.decoder ?? createDecoder();
  /** In the order of last use. @type {Map<string, Load>} */
  const loads = new Map();
  /** @type {readonly string[]} */
  let wanted = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {string} image @returns {Load} */
  function start(image) {
    const controller = new AbortController();
    /** @type {Load} */
    const load = {
      controller,
      picture: null,
      bytes: 0,
      failure: null,
      hasCopy: false,
      ready: Promise.resolve(/** @type {Failure} */ ({ type: "network", message: "" })),
    };
    loads.set(image, load);
    load.ready = fetchWhole(image, load);
    return load;
  }

  /** @param {string} image @param {Load} load @returns {Promise<Picture | Failure>} */
  async function fetchWhole(image, load) {
    const answer = await backend.getPicture(image, null, load.controller.signal);
    if (answer.type !== "picture") return fail(image, load, answer);
    try {
      return place(image, load, pictureOf(await decoder.decode(answer.blob), true));
    } catch {
      const message = "This browser can't show the image.";
      return fail(image, load, { type: "refused", message });
    }
  }

  /** Fetches a copy of the open image if the image is still on its way. @param {string} image */
  async function fetchSmall(image) {
    const load = loads.get(image);
    if (!load || load.picture || load.failure || load.hasCopy) return;
    load.hasCopy = true;
    const answer = await backend.getPicture(image, SMALL_WIDTH, load.controller.signal);
    if (answer.type !== "picture" || load.picture) return;
    const levels = await decoder.decode(answer.blob).catch(() => null);
    if (!levels) return;
    const copy = pictureOf(levels, false);
    if (load.picture) closed(copy);
    else place(image, load, copy);
  }

  /** @param {string} image @param {Load} load @param {Picture} picture */
  function place(image, load, picture) {
    const old = load.picture;
    load.picture = picture;
    load.bytes = bytesOf(picture);
    if (loads.get(image) !== load) {
      closed(picture);
      return picture;
    }
    onChange(image);
    // Users of the copy paint the whole image from now on.
    if (old) closed(old);
    trim();
    return picture;
  }

  /** @param {string} image @param {Load} load @param {Failure} failure */
  function fail(image, load, failure) {
    load.failure = failure;
    if (loads.get(image) === load && !load.controller.signal.aborted) onChange(image);
    return failure;
  }

  /** @param {string} image */
  function drop(image) {
    const load = loads.get(image);
    loads.delete(image);
    load?.controller.abort();
    if (load?.picture) closed(load.picture);
  }

  /** Frees images over the budget: least recently used, then those ahead, never the open one. */
  function trim() {
    const sum = () => [...loads.values()].reduce((bytes, load) => bytes + load.bytes, 0);
    const byUse = [...loads.keys()].filter((image) => image !== wanted[0]);
    const ahead = wanted.slice(1).reverse();
    const order = [...byUse.filter((image) => !ahead.includes(image)), ...ahead];
    for (const image of order) {
      if (sum() <= budget) return;
      drop(image);
    }
  }

  return {
    /** The image if it is loaded. @param {string} image */
    get: (image) => loads.get(image)?.picture ?? null,
    /** Why the image could not be loaded. @param {string} image */
    failure: (image) => loads.get(image)?.failure ?? null,
    /**
     * Loads these images, the open one first, and keeps those in `kept`; all others are freed.
     * @param {readonly string[]} images @param {readonly string[]} kept
     */
    want(images, kept) {
      wanted = images;
      clearTimeout(timer);
      for (const image of [...loads.keys()]) {
        if (!images.includes(image) && !kept.includes(image)) drop(image);
      }
      const [open, ...ahead] = images;
      if (!open) return;
      timer = setTimeout(() => fetchSmall(open), SLOW_MS);
      load(open).then(async () => {
        for (const image of ahead) {
          if (wanted !== images) return;
          await load(image);
        }
      });
    },
    bytes: () => [...loads.values()].reduce((sum, load) => sum + load.bytes, 0),
    close() {
      clearTimeout(timer);
      for (const image of [...loads.keys()]) drop(image);
      decoder.close();
    },
  };

  /** @param {string} image */
  function load(image) {
    const found = loads.get(image);
    if (found?.failure) loads.delete(image);
    else if (found) {
      loads.delete(image);
      loads.set(image, found);
      return found.ready;
    }
    return start(image).ready;
  }
}

/** @param {Picture["levels"]} levels @param {boolean} whole @returns {Picture} */
function pictureOf(levels, whole) {
  const { width, height } = levels[0].bitmap;
  return { levels, width, height, whole };
}

/** @param {Picture} picture */
const bytesOf = (picture) =>
  picture.levels.reduce((sum, { bitmap }) => sum + bitmap.width * bitmap.height * 4, 0);

/** @param {Picture} picture */
function closed(picture) {
  for (const { bitmap } of picture.levels) bitmap.close();
}
