// The list around an image: what is asked of the server, and what is known without it.

import assert from "node:assert/strict";
import { createBackend } from "../../../labeler/ui/workbench/backend.js";
import { createNeighbors } from "../../../labeler/ui/workbench/neighbors.js";
import { createServer } from "./fakes.js";

const HUGE = 100_000;

/** @param {number} count */
function open(count) {
  const server = createServer();
  server.list = Array.from({ length: count }, (_, number) => ({
    image_id: `i${number}`,
    image_path: `${number}.jpg`,
    status: "unlabeled",
    rects: 0,
  }));
  /** @type {URLSearchParams[]} */
  const asked = [];
  const backend = createBackend({
    baseUrl: "http://127.0.0.1",
    token: () => "t1",
    renewToken: () => Promise.resolve(""),
    client: "tests",
    person: "ana",
    fetch: (input, init) => {
      asked.push(new URL(String(input)).searchParams);
      return server.fetch(input, init);
    },
  });
  return { server, asked, list: createNeighbors(backend, { status: "unlabeled", find: "jpg" }) };
}

Deno.test("far down a long list, the neighbors of an image cost one call", async () => {
  const { list, asked } = open(HUGE);
  assert.equal((await list.step("i70000", 3))?.image_id, "i70003");
  assert.equal((await list.step("i70000", -3))?.image_id, "i69997");
  assert.deepEqual(list.around("i70000", 1).neighbors.map(({ image_id }) => image_id), [
    "i69999",
    "i70000",
    "i70001",
  ]);
  assert.deepEqual(list.around("i70000", 1).position, { index: 70000, total: HUGE });
  assert.equal(asked.length, 1);
  const { status, find, around } = Object.fromEntries(asked[0]);
  assert.deepEqual({ status, find, around }, {
    status: "unlabeled",
    find: "jpg",
    around: "i70000",
  });
});

Deno.test("a neighbor that is unknown because of a failure has the server's own words", async () => {
  const still = "The images are still being listed (5,123 so far). Try again in a moment.";
  let isListed = false;
  const backend = /** @type {any} */ ({
    listImages: () =>
      Promise.resolve(
        isListed
          ? { type: "page", images: [{ image_id: "a" }], next: null, previous: null }
          : { type: "unavailable", message: still, after: 2000 },
      ),
  });
  const list = createNeighbors(backend, {});
  assert.equal(await list.find("a"), undefined);
  assert.deepEqual(list.failure, { type: "unavailable", message: still, after: 2000 });
  isListed = true;
  assert.equal((await list.find("a"))?.image_id, "a");
  assert.equal(list.failure, null);
});

Deno.test("a walk in both directions meets each image once, to the ends and no further", async () => {
  const { list, asked } = open(1000);
  for (const [direction, end] of [[1, 999], [-1, 0]]) {
    let here = "i500";
    /** @type {string[]} */
    const met = [];
    for (;;) {
      /** @type {import("../../../labeler/ui/workbench/backend.js").Entry | null | undefined} */
      const entry = await list.step(here, direction);
      if (!entry) {
        assert.equal(entry, null);
        break;
      }
      met.push(here = entry.image_id);
      const index = 500 + direction * met.length;
      assert.equal(list.around(here, 3).position?.index, index);
    }
    const count = Math.abs(end - 500);
    assert.deepEqual(
      met,
      Array.from({ length: count }, (_, step) => `i${500 + direction * (step + 1)}`),
    );
    assert.equal(list.peek(here, direction), null);
  }
  assert.ok(asked.length < 10, `${asked.length} calls`);
});

Deno.test("another image far away begins the list anew around it", async () => {
  const { list, asked } = open(HUGE);
  await list.step("i10", 1);
  await list.step("i90000", 1);
  assert.equal(asked.length, 2);
  assert.equal(list.peek("i90000", 1)?.image_id, "i90001");
  assert.equal(list.peek("i10", 1), undefined);
});

Deno.test("without a connection nothing is called an end, and what is known stays", async () => {
  const { list, server } = open(1000);
  server.mood = "unreached";
  assert.equal(await list.step("i500", 1), undefined);
  assert.equal(await list.find("i500"), undefined);
  server.mood = "fine";
  assert.equal((await list.step("i500", 1))?.image_id, "i501");
  server.mood = 503;
  assert.equal((await list.step("i500", 2))?.image_id, "i502");
  assert.equal(await list.step("i500", 200), undefined);
  server.mood = "fine";
  assert.equal((await list.step("i500", 200))?.image_id, "i700");
});

Deno.test("many steps at the same time read each page once", async () => {
  const { list, asked } = open(1000);
  const steps = Array.from({ length: 20 }, (_, step) => list.step("i500", 150 + step));
  const found = (await Promise.all(steps)).map((entry) => entry?.image_id);
  assert.deepEqual(found, Array.from({ length: 20 }, (_, step) => `i${650 + step}`));
  assert.equal(asked.length, 2);
});

Deno.test("an image that can't be opened is passed over, and still counts", async () => {
  const { list, server } = open(10);
  Object.assign(server.list[4], { problem: "It is damaged." });
  assert.equal((await list.step("i3", 1))?.image_id, "i5");
  assert.equal((await list.step("i5", -1))?.image_id, "i3");
  assert.equal((await list.step("i3", 2))?.image_id, "i6");
  assert.equal(list.around("i5", 1).position?.index, 5);
});

Deno.test("an image that is not in the list stands before its start", async () => {
  const { list } = open(10);
  assert.equal((await list.step("gone", 1))?.image_id, "i0");
  assert.equal(await list.step("gone", -1), null);
  assert.equal(await list.find("gone"), null);
});

Deno.test("what this tab has changed shows, and only there", async () => {
  const { list } = open(10);
  await list.step("i5", 1);
  list.note("i6", "done", 4);
  list.note("i99", "done", 4);
  const { neighbors } = list.around("i5", 1);
  assert.deepEqual(neighbors.map(({ status, rects }) => [status, rects]), [
    ["unlabeled", 0],
    ["unlabeled", 0],
    ["done", 4],
  ]);
});
