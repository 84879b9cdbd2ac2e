import assert from "node:assert/strict";
import { MOST_TAGS, placedTags } from "../../../labeler/ui/workbench/tags.js";

/** @typedef {import("../../../labeler/ui/workbench/boxes.js").Area} Area */

const ROOM = { width: 1000, height: 800 };
/** @param {string} text */
const measure = (text) => 7 * text.length;
/** @param {Area} one @param {Area} other */
const meet = (one, other) =>
  one.left < other.left + other.width && other.left < one.left + one.width &&
  one.top < other.top + other.height && other.top < one.top + one.height;

/** @param {number} left @param {number} top @param {number} width @param {number} height */
const tagged = (left, top, width, height, text = "person", wins = false) => ({
  box: { left, top, width, height },
  text,
  wins,
});
/** @param {ReturnType<typeof tagged>[]} boxes */
const placed = (boxes) => placedTags(boxes, 11, 1, ROOM, measure);

/** Numbers that are the same in each run. @param {number} seed */
function* numbers(seed) {
  for (let state = seed;;) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state / 2147483648;
  }
}

Deno.test("no name lies over a small box, another name or the edge of the room", () => {
  const chance = numbers(7);
  const next = () => /** @type {number} */ (chance.next().value);
  for (let round = 0; round < 60; round++) {
    const boxes = Array.from({ length: 3 + round }, () => {
      const size = next() < 0.5 ? 4 + next() * 30 : 60 + next() * 300;
      return tagged(next() * 900, next() * 700, size, size * (0.5 + next()));
    });
    const small = boxes.filter(({ box }) => Math.min(box.width, box.height) < 45);
    const tags = placed(boxes);
    tags.forEach((tag, index) => {
      assert.ok(tag.left >= 0 && tag.left + tag.width <= ROOM.width);
      assert.ok(tag.top >= 0 && tag.top + tag.height <= ROOM.height);
      for (const { box } of small) {
        if (box !== boxes[tag.index].box) assert.ok(!meet(tag, box));
      }
      for (const other of tags.slice(index + 1)) assert.ok(!meet(tag, other));
    });
  }
});

Deno.test("a name is cut to its box, and goes where fewer than two letters have room", () => {
  assert.deepEqual(placed([tagged(100, 100, 200, 90)]).map(({ text }) => text), ["person"]);
  assert.deepEqual(placed([tagged(100, 100, 40, 90)]).map(({ text }) => text), ["per…"]);
  assert.deepEqual(placed([tagged(100, 100, 26, 90)]), []);
});

Deno.test("many boxes show the names of those alone that somebody points at or selected", () => {
  const many = Array.from(
    { length: MOST_TAGS + 1 },
    (_, index) => tagged(index % 40 * 25, Math.floor(index / 40) * 200, 20, 180),
  );
  assert.deepEqual(placed(many), []);
  many[3] = { ...many[3], wins: true };
  assert.deepEqual(placed(many).map(({ text, index }) => [text, index]), [["person", 3]]);
});

Deno.test("a tiny box that somebody points at shows all of its name", () => {
  const [tag] = placed([tagged(500, 500, 4, 4, "traffic light", true)]);
  assert.equal(tag.text, "traffic light");
});
