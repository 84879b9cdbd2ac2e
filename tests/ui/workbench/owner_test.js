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
