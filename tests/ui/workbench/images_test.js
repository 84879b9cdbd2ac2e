// Pictures ahead, within their budget, and copies of those that are slow to come.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createImages } from "../../../labeler/ui/workbench/images.js";

/** Pictures of 40,000 bytes each; `open` counts those that are not closed. */
function createCountingDecoder() {
  const decoder = {
    open: 0,
    isClosed: false,
    decode() {
      decoder.open += 1;
      const bitmap = /** @type {any} */ ({
        width: 100,
        height: 100,
        close: () => decoder.open -= 1,
      });
      return Promise.resolve([{ bitmap, scale: 1 }]);
    },
    close: () => void (decoder.isClosed = true),
  };
  return decoder;
}

Deno.test("images ahead are decoded, those over the budget and those not wanted are closed", async () => {
  const decoder = createCountingDecoder();
  /** @type {any} */
  const backend = { getPicture: () => Promise.resolve({ type: "picture", blob: new Blob() }) };
  const images = createImages(backend, { decoder, budget: 3 * 40_000 });
  images.want(["a", "b", "c", "d", "e"], []);
  await until(() => images.get("a") !== null && images.bytes() === 120_000);
  await pause(1000);
  assert.ok(images.get("a"));
  assert.ok(images.bytes() <= 120_000);
  assert.equal(decoder.open, 3);
  images.want(["b"], ["a"]);
  await until(() => images.get("b") !== null);
  assert.ok(images.get("a"));
  assert.equal(decoder.open, 2);
  images.close();
  assert.equal(decoder.open, 0);
  assert.ok(decoder.isClosed);
});

Deno.test("only the open image gets a small copy, not one that was left before it was time", async () => {
  /** @type {string[]} */
  const small = [];
  /** @type {any} */
  const backend = {
    getPicture(/** @type {string} */ image, /** @type {number | null} */ width) {
      if (width) small.push(image);
      return new Promise(() => {});
    },
  };
  const images = createImages(backend, { decoder: createCountingDecoder() });
  images.want(["a", "b"], []);
  images.want(["b"], ["a"]);
  await pause(1000);
  assert.deepEqual(small, ["b"]);
  images.want(["c"], ["a", "b"]);
  images.want([], ["a", "b", "c"]);
  await pause(1000);
  assert.deepEqual(small, ["b"]);
  images.close();
});

Deno.test("an image that is slow to come has a small copy first, also if it was fetched ahead", async () => {
  /** @type {string[]} */
  const asked = [];
  /** @type {Map<string, (answer: any) => void>} */
  const whole = new Map();
  /** @type {any} */
  const backend = {
    getPicture(/** @type {string} */ image, /** @type {number | null} */ width) {
      asked.push(width ? `${image} small` : image);
      const answer = { type: "picture", blob: new Blob() };
      if (width) return Promise.resolve(answer);
      return new Promise((resolve) => whole.set(image, () => resolve(answer)));
    },
  };
  const decoder = createCountingDecoder();
  const images = createImages(backend, { decoder });
  images.want(["a", "b"], []);
  await until(() => images.get("a") !== null);
  assert.equal(images.get("a")?.whole, false);
  assert.deepEqual(asked, ["a", "a small"]);
  whole.get("a")?.(null);
  await until(() => images.get("a")?.whole === true && asked.includes("b"));
  await pause(1000);
  assert.ok(!asked.includes("b small"));
  images.want(["b"], ["a"]);
  images.want(["b"], ["a"]);
  await until(() => images.get("b") !== null);
  images.want(["b"], ["a"]);
  await pause(1000);
  assert.deepEqual(asked, ["a", "a small", "b", "b small"]);
  whole.get("b")?.(null);
  await until(() => images.get("b")?.whole === true);
  assert.equal(decoder.open, 2);
  images.close();
  assert.equal(decoder.open, 0);
});
