// The open image, the images fetched ahead, and its neighbors in the list.

import { statusOf } from "./document.js";
import { createNeighbors } from "./neighbors.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./lane.js").Lane} Lane */

const AHEAD = 3;
const BEHIND = 3;
const REACH = 4;
const RETRY_MS = 3_000;

/**
 * @param {{ backend: import("./backend.js").Backend,
 *   lanes: ReturnType<typeof import("./lanes.js").createLanes>,
 *   images: ReturnType<typeof import("./images.js").createImages>,
 *   filters: Record<string, string>, onChange: () => void,
 *   onOpen: (image: string) => void }} options
 */
export function createOpening({ backend, lanes, images, filters, onChange, onOpen }) {
  let list = createNeighbors(backend, filters);
  /** The list that the page asked for last, until it is loaded. @type {ReturnType<typeof createNeighbors>} */
  let nextList = list;
  /** The last request to go on. @type {object | null} */
  let wish = null;
  let image = "";
  /** In the order of opening. @type {string[]} */
  let visited = [];
  /** Why an image's document could not be loaded. @type {Map<string, import("./backend.js").Failure>} */
  const failures = new Map();
  /** @type {Set<string>} */
  const gone = new Set();
  /** @type {Map<string, Promise<void>>} */
  const reading = new Map();
  /** Images that something other than the list opens next. @type {readonly string[]} */
  let expected = [];
  let closed = false;

  /** Opens an image; an image that is open already is shown again. @param {string} next */
  function open(next) {
    if (next === image && !failures.has(next) && !images.failure(next)) return;
    image = next;
    visited = [...visited.filter((one) => one !== next), next].slice(-BEHIND - 1);
    failures.delete(next);
    onOpen(next);
    fetchAround();
    onChange();
    surround(next);
  }

  /** Fetches the open image and the known next ones. */
  function fetchAround() {
    const next = Array.from({ length: AHEAD }, (_, step) => list.peek(image, step + 1)?.image_id);
    const listed = next.flatMap((one) => one ? [one] : []);
    const ahead = expected.length ? expected.filter((one) => one !== image) : listed;
    images.want([image, ...ahead], visited);
    if (lanes.get(image)) refresh(image);
    for (const one of [image, ...ahead]) if (!lanes.get(one)) read(one);
  }

  /** Reads the neighbors of the image in the list. @param {string} of */
  async function surround(of) {
    const asked = nextList;
    const found = await asked.step(of, AHEAD);
    if (closed || asked !== nextList) return;
    // Until then the previous list is used, so that nobody has to wait for a connection.
    if (found !== undefined) list = asked;
    if (image !== of) return;
    fetchAround();
    onChange();
    await list.step(of, -REACH);
    onChange();
  }

  /** Reads the document of an image without a lane, once at a time. @param {string} of */
  function read(of) {
    const found = reading.get(of);
    if (found) return found;
    const started = load(of).finally(() => {
      reading.delete(of);
      if (!closed) onChange();
    });
    reading.set(of, started);
    return started;
  }

  /** @param {string} of */
  async function load(of) {
    await lanes.ready;
    if (lanes.get(of)) return;
    const answer = await backend.getDocument(of);
    if (closed) return;
    if (answer.type === "document") {
      lanes.open(of, answer.document, answer.etag);
      failures.delete(of);
    } else if (answer.type === "gone") {
      await begin(of, answer);
    } else if (answer.type !== "same") {
      failures.set(of, answer);
    }
  }

  /** Reads the list again, and whether the open image still exists. */
  function reload() {
    nextList = createNeighbors(backend, filters);
    if (!image) return;
    surround(image);
    refresh();
  }

  /** Requests again what failed for lack of a connection. */
  function again() {
    if (image && (list !== nextList || list.peek(image, AHEAD) === undefined)) surround(image);
    const failure = failures.get(image) ?? images.failure(image);
    if (failure?.type !== "network" && failure?.type !== "unavailable") return;
    failures.delete(image);
    fetchAround();
  }

  /** A listed image that was never labeled has no document yet. @param {string} of @param {import("./backend.js").Failure} answer */
  async function begin(of, answer) {
    const entry = await list.find(of);
    if (!entry) {
      failures.set(of, entry === undefined && list.failure || answer);
      return;
    }
    const metadata = { image_path: entry.image_path, image_id: of, status: "unlabeled" };
    lanes.open(of, { rects: [], image_path: entry.image_path, metadata }, null);
  }

  /** Checks whether somebody else has changed the image. @param {string} [of] */
  async function refresh(of = image) {
    const lane = lanes.get(of);
    if (!lane || of !== image) return;
    const answer = await backend.getDocument(of, lane.etag);
    if (closed) return;
    if (answer.type === "document") lane.refresh(answer.document, answer.etag);
    const isGone = answer.type === "gone" && lane.etag !== null;
    if (isGone === gone.has(of)) return;
    if (isGone) gone.add(of);
    else gone.delete(of);
    onChange();
  }

  /**
   * Goes `steps` images on in the list, and waits only for the list. If the list can't be read, it
   * goes on as soon as it can, unless another image is requested meanwhile.
   * @param {number} steps @returns {Promise<string | null>} the image that is open now; null past the ends
   */
  async function go(steps) {
    const [from, mine] = [image, {}];
    wish = mine;
    for (;;) {
      let target = list.peek(from, steps) ?? await list.step(from, steps);
      // The image may be at the end of the previous list only.
      if (target === null && list !== nextList) target = await nextList.step(from, steps);
      if (target === null || image !== from || wish !== mine || closed) return null;
      if (target) {
        open(target.image_id);
        return target.image_id;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** The document, with the size of its image if that was missing. @param {Doc} document @returns {Doc} */
  function sized(document) {
    const picture = images.get(image);
    if (document.image_width || document.image_height || !picture?.whole) return document;
    return { ...document, image_width: picture.width, image_height: picture.height };
  }

  function shown() {
    const lane = image ? lanes.get(image) : null;
    const bitmap = lane && shownBitmap(lane.document);
    const failure = failures.get(image) ?? (bitmap ? null : images.failure(image));
    const failed = failure && !(lane && bitmap);
    const { neighbors, position } = list.around(image, REACH);
    return {
      image,
      lane,
      bitmap,
      phase: failed ? "error" : lane && bitmap ? "ready" : "loading",
      error: failed ? failure.message : gone.has(image) ? "This image was deleted." : undefined,
      isGone: gone.has(image),
      listedLabel: filters.label ?? "",
      neighbors,
      position,
    };
  }

  /**
   * The image at its own size, even while only a small copy is loaded.
   * @param {Doc} document @returns {import("./images.js").Picture | null}
   */
  function shownBitmap(document) {
    const picture = images.get(image);
    if (!picture) return null;
    if (picture.whole) return picture;
    const { image_width: width, image_height: height } = document;
    if (!width || !height) return null;
    const levels = picture.levels.map(({ bitmap }) => ({ bitmap, scale: bitmap.width / width }));
    return { levels, width, height, whole: false };
  }

  const retrying = setInterval(again, RETRY_MS);
  globalThis.addEventListener?.("online", again);

  return {
    open,
    image: () => image,
    go,
    refresh,
    shown,
    sized,
    /** Fetches these ahead instead of the next ones in the list; an empty list ends that. @param {readonly string[]} next */
    expect(next) {
      expected = next;
      if (image && !closed) fetchAround();
    },
    /** Updates the list with a change of this tab. @param {Lane} lane */
    note(lane) {
      list.note(lane.image, statusOf(lane.document), lane.document.rects.length);
    },
    /** The boxes of the image that was open before, or that comes before in the list. */
    async previousRects() {
      const before = visited.at(-2) ?? (await list.step(image, -1))?.image_id;
      if (!before) return [];
      if (!lanes.get(before)) await read(before);
      return lanes.get(before)?.document.rects ?? [];
    },
    /** @param {Record<string, string>} next */
    setFilters(next) {
      filters = next;
      reload();
    },
    reload,
    close() {
      closed = true;
      clearInterval(retrying);
      globalThis.removeEventListener?.("online", again);
    },
  };
}
