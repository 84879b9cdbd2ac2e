// Pictures decoded in a worker, and here where the worker fails.

import assert from "node:assert/strict";
import { pause } from "../clock.js";
import { createDecoder } from "../../../labeler/ui/workbench/decoder.js";
import { decodedLevels } from "../../../labeler/ui/workbench/levels.js";

/** @typedef {{ width: number, height: number, closed: boolean, close: () => void }} Bitmap */

/** @param {number} width @param {number} height @returns {Bitmap} */
function bitmap(width, height) {
  const made = { width, height, closed: false, close: () => void (made.closed = true) };
  return made;
}

/** A blob of that many bytes becomes a picture that wide. @type {any} */
const decode = (/** @type {any} */ source, /** @type {any} */ options) =>
  Promise.resolve(
    options
      ? bitmap(options.resizeWidth, options.resizeHeight)
      : bitmap(source.size, source.size / 2),
  );

/** @param {number} width */
const blob = (width) => new Blob([new Uint8Array(width)]);
/** @param {import("../../../labeler/ui/workbench/levels.js").Level[]} levels */
const sizes = (levels) =>
  levels.map(({ bitmap: { width, height }, scale }) => [width, height, scale]);

/** A worker that answers as the test says. */
function createFakeWorker() {
  const worker = {
    /** @type {((event: any) => void) | null} */
    onmessage: null,
    /** @type {(() => void) | null} */
    onerror: null,
    /** @type {any[]} */
    asked: [],
    isEnded: false,
    postMessage: (/** @type {any} */ message) => worker.asked.push(message),
    terminate: () => void (worker.isEnded = true),
    say: (/** @type {any} */ data) => worker.onmessage?.({ data }),
  };
  return worker;
}

/** @param {ReturnType<typeof createFakeWorker>} worker */
const decoderWith = (worker) => createDecoder(() => /** @type {any} */ (worker), decode);

Deno.test("each copy has half the size of the one before, down to what a screen shows", async () => {
  assert.deepEqual(sizes(await decodedLevels(blob(4001), decode)), [
    [4001, 2000.5, 1],
    [2001, 1001, 2001 / 4001],
    [1001, 501, 1001 / 4001],
    [501, 251, 501 / 4001],
  ]);
  assert.deepEqual(sizes(await decodedLevels(blob(600), decode)), [[600, 300, 1]]);
});

Deno.test("the worker's answers reach whoever asked, in any order", async () => {
  const worker = createFakeWorker();
  const decoder = decoderWith(worker);
  worker.say({ ready: true });
  const [one, two] = [decoder.decode(blob(10)), decoder.decode(blob(20))];
  await pause();
  const [first, second] = worker.asked;
  worker.say({ id: second.id, levels: [{ bitmap: bitmap(2, 2), scale: 1 }] });
  worker.say({ id: first.id, levels: null });
  assert.deepEqual(sizes(await two), [[2, 2, 1]]);
  await assert.rejects(one);
  decoder.close();
  assert.ok(worker.isEnded);
});

Deno.test("a worker that breaks off, never starts or can't be made changes no result", async () => {
  const broken = createFakeWorker();
  const decoder = decoderWith(broken);
  broken.say({ ready: true });
  const asked = decoder.decode(blob(40));
  await pause();
  assert.equal(broken.asked.length, 1);
  broken.onerror?.();
  assert.deepEqual(sizes(await asked), [[40, 20, 1]]);
  assert.deepEqual(sizes(await decoder.decode(blob(60))), [[60, 30, 1]]);
  assert.equal(broken.asked.length, 1);

  const silent = createFakeWorker();
  assert.deepEqual(sizes(await decoderWith(silent).decode(blob(80))), [[80, 40, 1]]);
  assert.equal(silent.asked.length, 0);

  const none = createDecoder(() => {
    throw new Error("There are no workers here.");
  }, decode);
  assert.deepEqual(sizes(await none.decode(blob(20))), [[20, 10, 1]]);
});

Deno.test("what comes after the end is closed, and what was on its way fails", async () => {
  const worker = createFakeWorker();
  const decoder = decoderWith(worker);
  worker.say({ ready: true });
  const asked = decoder.decode(blob(10));
  await pause();
  decoder.close();
  await assert.rejects(asked);
  const late = bitmap(1, 1);
  worker.say({ id: worker.asked[0].id, levels: [{ bitmap: late, scale: 1 }] });
  assert.ok(late.closed);
});
