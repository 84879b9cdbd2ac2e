// Which tabs live, without Web Locks; and pictures within their budget.

import assert from "node:assert/strict";
import { createImages } from "../../../labeler/ui/workbench/images.js";
import { createOwner } from "../../../labeler/ui/workbench/owner.js";
import { createMemoryJournal, pause, until } from "./fakes.js";

Deno.test("a tab that stands still for long enough is gone, one that counts on is not", async () => {
  const journal = createMemoryJournal();
  const options = { locks: null, every: 4, looks: 8 };
  const looking = createOwner(journal, { ...options, id: "looking" });
  const living = createOwner(journal, { ...options, id: "living" });
  await journal.beat("dead", 7);
  assert.equal(await looking.isGone("dead"), false);
  assert.equal(await looking.isGone("never seen"), true);
  await pause(150);
  assert.equal(await looking.isGone("dead"), true);
  assert.equal(await looking.isGone("living"), false);
  living.close();
  await pause(5);
  assert.equal(await looking.isGone("living"), true);
  looking.close();
});

Deno.test("pictures ahead are decoded, those over the budget and those not wanted are closed", async () => {
  let open = 0;
  /** @type {any} */
  const decode = () => {
    open += 1;
    return Promise.resolve({ width: 100, height: 100, close: () => open -= 1 });
  };
  /** @type {any} */
  const backend = { getPicture: () => Promise.resolve({ type: "picture", blob: new Blob() }) };
  const images = createImages(backend, { decode, budget: 3 * 40_000 });
  images.want(["a", "b", "c", "d", "e"], []);
  await until(() => images.get("a") !== null && images.bytes() === 120_000);
  await pause(20);
  assert.ok(images.get("a"));
  assert.ok(images.bytes() <= 120_000);
  assert.equal(open, 3);
  images.want(["b"], ["a"]);
  await until(() => images.get("b") !== null);
  assert.ok(images.get("a"));
  assert.equal(open, 2);
  images.close();
  assert.equal(open, 0);
});

Deno.test("a picture that is slow to come has a small copy first, also if it was fetched ahead", async () => {
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
  let open = 0;
  /** @type {any} */
  const decode = () => {
    open += 1;
    return Promise.resolve({ width: 100, height: 100, close: () => open -= 1 });
  };
  const images = createImages(backend, { decode, slow: 5 });
  images.want(["a", "b"], []);
  await until(() => images.get("a") !== null);
  assert.equal(images.get("a")?.whole, false);
  assert.deepEqual(asked, ["a", "a small"]);
  whole.get("a")?.(null);
  await until(() => images.get("a")?.whole === true && asked.includes("b"));
  await pause(20);
  assert.ok(!asked.includes("b small"));
  images.want(["b"], ["a"]);
  images.want(["b"], ["a"]);
  await until(() => images.get("b") !== null);
  images.want(["b"], ["a"]);
  await pause(20);
  assert.deepEqual(asked, ["a", "a small", "b", "b small"]);
  whole.get("b")?.(null);
  await until(() => images.get("b")?.whole === true);
  assert.equal(open, 2);
  images.close();
  assert.equal(open, 0);
});
