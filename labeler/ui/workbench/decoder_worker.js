// A worker that decodes images and makes their smaller copies, so that neither blocks the page. It
// posts `ready` once, and then answers each `{ id, blob }`.

import { decodedLevels } from "./levels.js";

/** @typedef {MessageEvent<{ id: number, blob: Blob }>} Asked */
/**
 * The parts of a worker's scope that the type checker does not know.
 * @typedef {{ postMessage: (message: object, transfer?: Transferable[]) => void,
 *   onmessage: ((event: Asked) => void) | null }} Scope
 */

const scope = /** @type {Scope} */ (/** @type {unknown} */ (globalThis));

scope.onmessage = async (/** @type {Asked} */ event) => {
  const { id, blob } = event.data;
  try {
    const levels = await decodedLevels(blob, createImageBitmap);
    scope.postMessage({ id, levels }, levels.map(({ bitmap }) => bitmap));
  } catch {
    scope.postMessage({ id, levels: null });
  }
};
scope.postMessage({ ready: true });
