// What a tab keeps over a reload: its name and its image of the queue, but never for two tabs.

import assert from "node:assert/strict";
import { createTab } from "../../../labeler/ui/workbench/tab.js";

function browser() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  /** @type {Set<string>} */
  const held = new Set();
  const locks = /** @type {any} */ ({
    request(
      /** @type {string} */ name,
      /** @type {unknown} */ _options,
      /** @type {() => unknown} */ act,
    ) {
      if (held.has(name)) return Promise.reject(new DOMException("late", "TimeoutError"));
      held.add(name);
      act();
      return new Promise(() => {});
    },
  });
  const storage = {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  };
  return { storage, locks, kept, held };
}

Deno.test("after a reload the tab has its name and its image again", async () => {
  const { storage, locks, held } = browser();
  const first = createTab("here", { storage, locks });
  assert.equal(await first.ready, false);
  first.working("a");
  const { client } = first;
  held.clear(); // the page went away
  const again = createTab("here", { storage, locks });
  assert.equal(await again.ready, true);
  assert.deepEqual([again.client, again.image], [client, "a"]);
  again.working("");
  held.clear();
  const left = createTab("here", { storage, locks });
  assert.equal(await left.ready, true);
  assert.equal(left.image, "");
});

Deno.test("a tab that was duplicated has a name of its own, and is in no queue", async () => {
  const { storage, locks } = browser();
  const first = createTab("here", { storage, locks });
  await first.ready;
  first.working("a");
  const copy = createTab("here", { storage, locks });
  assert.equal(await copy.ready, false);
  assert.notEqual(copy.client, first.client);
});

Deno.test("without locks or storage each page load is a tab of its own", async () => {
  const { storage, kept } = browser();
  kept.set("labeler.tab.here", JSON.stringify({ client: "old", image: "a" }));
  const plain = createTab("here", { storage, locks: null });
  assert.equal(await plain.ready, false);
  assert.notEqual(plain.client, "old");
  const { locks } = browser();
  const broken = createTab("here", {
    storage: { getItem: () => "{", setItem: () => assert.fail("full") },
    locks,
  });
  assert.equal(await broken.ready, false);
});
