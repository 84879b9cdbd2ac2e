// What a report and its progress say.

import assert from "node:assert/strict";
import {
  isIdle,
  nameAndSize,
  progressText,
  reportWords,
} from "../../../labeler/ui/components/importer_report.js";

/** @typedef {import("../../../labeler/ui/components/importer_report.js").Report} Report */

/** @type {Report} */
const REPORT = {
  format: "coco",
  dry_run: true,
  added_images: 0,
  boxes: {},
  images: { imported: 0, kept: 0 },
  new_labels: [],
  problem_count: 0,
  problems: [],
};

Deno.test("a report says what would happen, and what has happened", () => {
  const counts = {
    added_images: 1,
    boxes: { cat: 1, dog: 1 },
    images: { imported: 1, unchanged: 2, kept: 0, left_out: 1 },
  };
  /** @param {boolean} dry_run */
  const said = (dry_run) =>
    reportWords({ ...REPORT, ...counts, dry_run }).counts.map(({ count, text }) =>
      `${count} ${text}`
    );
  assert.deepEqual(said(true), [
    "1 image will be added",
    "2 boxes will be imported",
    "1 image will get boxes",
    "2 images already have exactly these boxes",
    "1 image in the file will be left out",
  ]);
  assert.deepEqual(said(false), [
    "1 image was added",
    "2 boxes were imported",
    "1 image got boxes",
    "2 images already have exactly these boxes",
    "1 image in the file was left out",
  ]);
});

Deno.test("an empty report still says how many images get boxes", () => {
  const words = reportWords(REPORT);
  assert.deepEqual(words.counts, [
    { count: "0", text: "boxes will be imported" },
    { count: "0", text: "images will get boxes" },
  ]);
  assert.deepEqual([words.title, words.labels, words.head], ["Preview", "", ""]);
  assert.ok(isIdle(REPORT));
  assert.ok(!isIdle({ ...REPORT, added_images: 1 }));
  assert.ok(!isIdle({ ...REPORT, images: { imported: 1 } }));
  assert.ok(!isIdle({ ...REPORT, dry_run: false }));
});

Deno.test("problems name their file and place; beyond 2,000 they are only counted", () => {
  const many = Array(2001).fill({ file: "a.xml", place: "line 3", reason: "no box", fault: true });
  const words = reportWords({
    ...REPORT,
    problem_count: 2001,
    problems: [{ reason: "x" }, ...many],
  });
  assert.equal(words.problems.length, 2000);
  assert.deepEqual(words.problems.slice(0, 2), [
    { text: ": x", bad: false },
    { text: "a.xml: line 3: no box", bad: true },
  ]);
  const [all, most] = [2001, 2000].map((count) => count.toLocaleString());
  assert.equal(words.head, `Left out or changed (${all}): the first ${most} are listed`);
});

Deno.test("new labels are counted and named", () => {
  const { labels } = reportWords({ ...REPORT, new_labels: ["cat", "dog"] });
  assert.equal(labels, "New labels (2): cat, dog");
});

Deno.test("progress says what is being done and how far it is", () => {
  assert.equal(progressText({}), "Working …");
  assert.equal(progressText({ doing: "reading", done: 3 }), "Reading: 3 …");
  assert.equal(progressText({ doing: "reading", done: 3, total: 9 }), "Reading: 3 of 9 …");
  assert.equal(nameAndSize({ name: "a.zip", size: 1025 }), "a.zip (2 kB)");
  assert.equal(nameAndSize({ name: "a.zip", size: 1.5 * 2 ** 20 }), "a.zip (1.5 MB)");
});
