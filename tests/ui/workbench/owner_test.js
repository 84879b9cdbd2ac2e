// Which tabs live, without Web Locks.

import assert from "node:assert/strict";
import { pause } from "../clock.js";
import { createOwner } from "../../../labeler/ui/workbench/owner.js";
import { createMemoryJournal } from "./fakes.js";

Deno.test("a tab that stands still for long enough is gone, one that counts on is not", async () => {
  const journal = createMemoryJournal();
  const options = { locks: null };
  const looking = createOwner(journal, { ...options, id: "looking" });
  const living = createOwner(journal, { ...options, id: "living" });
  await journal.beat("dead", 7);
  assert.equal(await looking.isGone("dead"), false);
  assert.equal(await looking.isGone("never seen"), true);
  while (!await looking.isGone("dead")) await pause(5);
  assert.equal(await looking.isGone("living"), false);
  living.close();
  while (!await looking.isGone("living")) await pause(5);
  looking.close();
});
