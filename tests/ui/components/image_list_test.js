import assert from "node:assert/strict";
import { scrollNeeded, stepped, wordsFor } from "../../../labeler/ui/components/image_list.js";

/** @param {number} top @param {number} height */
const box = (top, height) => ({ left: 0, width: 10, top, height, bottom: top + height });
const LIST = box(100, 400);

Deno.test("a row that can be seen whole is left where it is", () => {
  for (const top of [100, 300, 460]) assert.equal(scrollNeeded(LIST, box(top, 40)), 0);
});

Deno.test("a row above, below or at the edge is brought to the middle", () => {
  for (const top of [-500, 99, 461, 900]) {
    assert.equal(top - scrollNeeded(LIST, box(top, 40)), 280);
  }
});

Deno.test("an icon is named by the words for its status, and nothing else is", () => {
  const words = { check_circle: "done" };
  assert.equal(wordsFor("check_circle icon", words), "done");
  for (const other of ["done", "search icon", "check_circle", null]) {
    assert.equal(wordsFor(other, words), null);
  }
});

Deno.test("arrows, Home and End lead through a list and stop at its ends", () => {
  /** @param {string} key @param {number} place */
  const from = (key, place) => stepped(key, place, 25);
  assert.deepEqual([from("ArrowDown", 3), from("ArrowDown", 24)], [4, 24]);
  assert.deepEqual([from("ArrowUp", 3), from("ArrowUp", 0)], [2, 0]);
  assert.deepEqual([from("Home", 7), from("End", 7)], [0, 24]);
  assert.deepEqual([from("Enter", 7), from("a", 7)], [null, null]);
});
