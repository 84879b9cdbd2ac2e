// The counts of the progress bar: from the statistics, and from what was finished in this browser.

import assert from "node:assert/strict";
import { until } from "../clock.js";
import { createProgress, progressOf } from "../../../labeler/ui/workbench/progress.js";

const ROWS = [
  { status: "done", person: "ana", assigned: null, images: 3 },
  { status: "approved", person: "ana", assigned: "ben", images: 1 },
  { status: "skipped", person: "ben", assigned: null, images: 2 },
  { status: "returned", person: "ana", assigned: "ana", images: 1 },
  { status: "unlabeled", person: null, assigned: "ben", images: 4 },
  { status: "unlabeled", person: null, assigned: null, images: 5 },
];

function storage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
  };
}

/** @param {ReturnType<typeof storage>} kept @param {string} name */
async function loaded(kept, name) {
  const body = new Blob([JSON.stringify({ counts: ROWS })]);
  const backend = /** @type {any} */ ({ ask: () => Promise.resolve({ type: "answer", body }) });
  /** @type {() => void} */
  let heard = () => {};
  const news = new Promise((resolve) => heard = () => resolve(true));
  const progress = createProgress({
    backend,
    name,
    place: "here",
    storage: kept,
    onChange: () => heard(),
  });
  assert.deepEqual(progress.counts, null);
  await news;
  return progress;
}

Deno.test("what everybody has finished, and what one person has", () => {
  assert.deepEqual(progressOf(ROWS, "ana", 9), {
    total: 16,
    finished: 6,
    mine: 4,
    queues: ["ana", "ben"],
  });
  assert.deepEqual(progressOf(ROWS, "eve", 9).mine, 0);
  assert.deepEqual(progressOf([], "", 9), { total: 0, finished: 0, mine: 9, queues: [] });
});

Deno.test("a finished image counts at once, and no more when that is taken back", async () => {
  const progress = await loaded(storage(), "ana");
  progress.changed("a", "in_progress", "done");
  assert.deepEqual([progress.counts?.mine, progress.counts?.finished], [5, 7]);
  progress.changed("a", "done", "skipped");
  assert.deepEqual([progress.counts?.mine, progress.counts?.finished], [5, 7]);
  progress.changed("a", "skipped", "in_progress");
  assert.deepEqual([progress.counts?.mine, progress.counts?.finished], [4, 6]);
  progress.close();
});

Deno.test("where nobody is named, the browser remembers what was finished in it", async () => {
  const kept = storage();
  const first = await loaded(kept, "");
  assert.deepEqual(first.counts?.mine, 0);
  for (const image of ["a", "b", "c"]) first.changed(image, "unlabeled", "done");
  first.changed("b", "done", "in_progress");
  assert.deepEqual([first.counts?.mine, first.counts?.finished], [2, 8]);
  first.close();
  const second = await loaded(kept, "");
  assert.deepEqual([second.counts?.mine, second.counts?.finished], [2, 6]);
  second.changed("c", "done", "in_progress");
  assert.deepEqual(second.counts?.mine, 1);
  second.close();
  kept.setItem("labeler.finished.here", "{broken");
  const third = await loaded(kept, "");
  assert.deepEqual(third.counts?.mine, 0);
  third.close();
});

Deno.test("counts that are not known yet are asked for again soon", async () => {
  const body = new Blob([JSON.stringify({ counts: ROWS })]);
  const answers = [
    { type: "unavailable", message: "The images are still being listed.", after: 2000 },
    { type: "unavailable", message: "The images are still being listed.", after: 0 },
    { type: "answer", body },
  ];
  const began = Date.now();
  const backend = /** @type {any} */ ({ ask: () => Promise.resolve(answers.shift()) });
  const progress = createProgress({ backend, name: "ana", place: "here", onChange: () => {} });
  await until(() => progress.counts !== null);
  assert.equal(Date.now() - began, 4000);
  progress.close();
});
