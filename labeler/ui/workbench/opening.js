// Which image is open, what is fetched ahead of it, and what stands around it in the list.

import { statusOf } from "./document.js";
import { createQueue } from "./queue.js";

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
  let queue = createQueue(backend, filters);
  /** What the page asked for last, until its list is here. @type {ReturnType<typeof createQueue>} */
  let nextQueue = queue;
  /** The last wish to go on. @type {object | null} */
  let wish = null;
  let image = "";
  /** In the order of opening. @type {string[]} */
  let visited = [];
  /** Why an image's document did not come. @type {Map<string, import("./backend.js").Failure>} */
  const failures = new Map();
  /** @type {Set<string>} */
  const gone = new Set();
  /** @type {Map<string, Promise<void>>} */
  const reading = new Map();
  /** What is opened next by something else than the list. @type {readonly string[]} */
  let expected = [];
  let closed = false;

  /** Open an image; what is open already is shown anew. @param {string} next */
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

  /** Fetch the open image and the next ones that are known. */
  function fetchAround() {
    const next = Array.from({ length: AHEAD }, (_, step) => queue.peek(image, step + 1)?.image_id);
    const listed = next.flatMap((one) => one ? [one] : []);
    const ahead = expected.length ? expected.filter((one) => one !== image) : listed;
    images.want([image, ...ahead], visited);
    if (lanes.get(image)) refresh(image);
    for (const one of [image, ...ahead]) if (!lanes.get(one)) read(one);
  }

  /** Learn what stands around the image in the list. @param {string} of */
  async function surround(of) {
    const asked = nextQueue;
    const found = await asked.step(of, AHEAD);
    if (closed || asked !== nextQueue) return;
    // Until then the list before serves: nobody stands still for want of a connection.
    if (found !== undefined) queue = asked;
    if (image !== of) return;
    fetchAround();
    onChange();
    await queue.step(of, -REACH);
    onChange();
  }

  /** Read the document of an image that has no lane, once at a time. @param {string} of */
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

  /** Ask again for what did not come for want of a connection. */
  function again() {
    if (image && (queue !== nextQueue || queue.peek(image, AHEAD) === undefined)) surround(image);
    const failure = failures.get(image) ?? images.failure(image);
    if (failure?.type !== "network" && failure?.type !== "unavailable") return;
    failures.delete(image);
    fetchAround();
  }

  /** An image that was listed and never labeled has no document yet. @param {string} of @param {import("./backend.js").Failure} answer */
  async function begin(of, answer) {
    const entry = await queue.find(of);
    if (!entry) {
      const message = "There is no connection to the server.";
      failures.set(of, entry === null ? answer : { type: "network", message });
      return;
    }
    const metadata = { image_path: entry.image_path, image_id: of, status: "unlabeled" };
    lanes.open(of, { rects: [], image_path: entry.image_path, metadata }, null);
  }

  /** Look whether somebody else has changed the image. @param {string} [of] */
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
   * Go so many images on in the list, without waiting for anything but the list. Where that can't
   * be read, it goes on when it can, unless something else is wished for meanwhile.
   * @param {number} steps @returns {Promise<string | null>} what is open now; null past the ends
   */
  async function go(steps) {
    const [from, mine] = [image, {}];
    wish = mine;
    for (;;) {
      const target = queue.peek(from, steps) ?? await queue.step(from, steps);
      if (target === null || image !== from || wish !== mine || closed) return null;
      if (target) {
        open(target.image_id);
        return target.image_id;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** The document with its picture's size where it lacks that. @param {Doc} document @returns {Doc} */
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
    const { neighbors, position } = queue.around(image, REACH);
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
   * The picture in the image's own size, also while only a small copy is here.
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
    /** Fetch these ahead instead of the next ones in the list; none: those again. @param {readonly string[]} next */
    expect(next) {
      expected = next;
      if (image && !closed) fetchAround();
    },
    /** Keep the list true to what this tab changed. @param {Lane} lane */
    note(lane) {
      queue.note(lane.image, statusOf(lane.document), lane.document.rects.length);
    },
    /** The boxes of the image that was open before, or stands before in the list. */
    async previousRects() {
      const before = visited.at(-2) ?? (await queue.step(image, -1))?.image_id;
      if (!before) return [];
      if (!lanes.get(before)) await read(before);
      return lanes.get(before)?.document.rects ?? [];
    },
    /** @param {Record<string, string>} next */
    setFilters(next) {
      filters = next;
      nextQueue = createQueue(backend, next);
      if (image) surround(image);
    },
    close() {
      closed = true;
      clearInterval(retrying);
      globalThis.removeEventListener?.("online", again);
    },
  };
}
