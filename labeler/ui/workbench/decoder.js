// Decodes images in a worker, or here if there is none.

import { decodedLevels } from "./levels.js";
import { inTime } from "./time.js";

/** @typedef {import("./levels.js").Level} Level */
/** @typedef {{ decode: (blob: Blob) => Promise<Level[]>, close: () => void }} Decoder */
/** @typedef {{ blob: Blob, resolve: (levels: Level[] | Promise<Level[]>) => void, reject: (error: Error) => void }} Waiting */

/** In ms. A worker that takes longer to start is given up. */
const START_MS = 500;

/**
 * Decodes blobs to their levels. If a worker can't be created, does not start or breaks off, only
 * the place of the work changes.
 * @param {() => Worker} [makeWorker] @param {import("./levels.js").Decode} [decode]
 * @returns {Decoder}
 */
export function createDecoder(makeWorker = moduleWorker, decode = globalThis.createImageBitmap) {
  /** @type {Map<number, Waiting>} */
  const waiting = new Map();
  let count = 0;
  let isReady = false;
  /** @type {() => void} */
  let started = () => {};
  const start = new Promise((resolve) => started = () => resolve(null));
  const patience = inTime(start, START_MS).catch(() => {});
  /** @type {Worker | null} */
  let worker = null;
  try {
    worker = makeWorker();
    worker.onmessage = ({ data }) => data.ready ? ready() : answered(data);
    worker.onerror = worker.onmessageerror = broken;
  } catch {
    broken();
  }

  function ready() {
    isReady = true;
    started();
  }

  /** @param {{ id: number, levels: Level[] | null }} answer */
  function answered({ id, levels }) {
    const found = waiting.get(id);
    waiting.delete(id);
    if (levels && found) found.resolve(levels);
    else if (levels) { for (const { bitmap } of levels) bitmap.close(); }
    else found?.reject(new Error("The worker could not decode the picture."));
  }

  function broken() {
    worker?.terminate();
    worker = null;
    isReady = false;
    started();
    for (const { blob, resolve } of waiting.values()) resolve(decodedLevels(blob, decode));
    waiting.clear();
  }

  return {
    async decode(blob) {
      await patience;
      if (!worker || !isReady) return await decodedLevels(blob, decode);
      const id = count += 1;
      const [to, answer] = [
        worker,
        /** @type {Promise<Level[]>} */ (
          new Promise((resolve, reject) => waiting.set(id, { blob, resolve, reject }))
        ),
      ];
      to.postMessage({ id, blob });
      return await answer;
    },
    /** Ends all decoding; decodings that are running fail. */
    close() {
      worker?.terminate();
      worker = null;
      for (const { reject } of waiting.values()) reject(new Error("The workbench is closed."));
      waiting.clear();
      started();
    },
  };
}

const moduleWorker = () =>
  new Worker(new URL("./decoder_worker.js", import.meta.url), { type: "module" });
