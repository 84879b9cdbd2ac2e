import assert from "node:assert/strict";
import {
  isIdle,
  nameAndSize,
  progressText,
  reportWords,
} from "../../../labeler/ui/components/importer_report.js";
import {
  importAddress,
  importFile,
  linesOf,
  packed,
  Refused,
} from "../../../labeler/ui/components/importer_request.js";
import { EMPTY, isRunning, reduceImporter } from "../../../labeler/ui/components/importer_state.js";

/** @typedef {import("../../../labeler/ui/components/importer_state.js").ImporterEvent} ImporterEvent */
/** @typedef {import("../../../labeler/ui/components/importer_report.js").Report} Report */

const [A, B, C] = ["a", "b", "c"].map((name) => new File([], name));
/** @param {File} file @returns {ImporterEvent} */
const chosen = (file) => ({ type: "chosen", file });
/** @type {ImporterEvent} */
const ENDED = { type: "ended" };
/** @type {ImporterEvent} */
const AGREED = { type: "agreed" };
/** @type {ImporterEvent} */
const CHANGED = { type: "changed" };

/** What the events have the view do, and where it ends. @param {ImporterEvent[]} events */
function after(...events) {
  /** @type {(string | undefined)[]} */
  const effects = [];
  let state = EMPTY;
  for (const event of events) {
    const step = reduceImporter(state, event);
    state = step.state;
    effects.push(step.effect && `${step.effect} ${state.file?.name}`);
  }
  return { effects, state };
}

Deno.test("a file is looked at, and imported when the person agrees", () => {
  const { effects, state } = after(chosen(A), ENDED, AGREED, ENDED);
  assert.deepEqual(effects, ["look a", undefined, "import a", undefined]);
  assert.deepEqual(state, { phase: "shown", file: A, waiting: null });
});

Deno.test("another choice of format looks again, but not during a run or without a file", () => {
  assert.deepEqual(after(CHANGED, AGREED, ENDED).state, EMPTY);
  const { effects } = after(chosen(A), CHANGED, AGREED, ENDED, CHANGED);
  assert.deepEqual(effects, ["look a", undefined, undefined, undefined, "look a"]);
});

Deno.test("of the files that are chosen during a dry run, the last one is looked at next", () => {
  const { effects, state } = after(chosen(A), chosen(B), chosen(C), ENDED);
  assert.deepEqual(effects, ["look a", "wait a", "wait a", "look c"]);
  assert.deepEqual(state, { phase: "looking", file: C, waiting: null });
});

Deno.test("a file that is chosen during an import is refused", () => {
  const { effects, state } = after(chosen(A), ENDED, AGREED, chosen(B));
  assert.equal(effects.at(-1), "refuse a");
  assert.deepEqual(state, { phase: "importing", file: A, waiting: null });
});

Deno.test("a run is under way while looking and importing", () => {
  assert.deepEqual(
    [after(), after(chosen(A)), after(chosen(A), ENDED), after(chosen(A), ENDED, AGREED)]
      .map(({ state }) => isRunning(state)),
    [false, true, false, true],
  );
});

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

Deno.test("large text is packed; archives and small files are sent as they are", async () => {
  const large = new Blob(["x".repeat(2 ** 20)]);
  const sent = await packed(large);
  assert.ok(sent.size < large.size / 10);
  const unpacked = sent.stream().pipeThrough(new DecompressionStream("gzip"));
  assert.equal((await new Response(unpacked).text()).length, large.size);
  for (const same of [new Blob(["PK", "x".repeat(2 ** 20)]), new Blob(["x"])]) {
    assert.equal(await packed(same), same);
  }
});

/** @param {Uint8Array<ArrayBuffer>[]} chunks */
const streamOf = (...chunks) => new Blob(chunks).stream();
const ENCODER = new TextEncoder();

Deno.test("lines are read across chunks, also where one ends within a letter", async () => {
  const bytes = ENCODER.encode('{"doing":"lädt"}\n{"done":2}\n{"cut');
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const lines = [];
  for await (const line of linesOf(stream)) lines.push(line);
  assert.deepEqual(lines, [{ doing: "lädt" }, { done: 2 }]);
});

/**
 * Import a file with these answers, in turn.
 * @param {Response[]} answers
 * @param {boolean} [renewed]
 */
async function run(answers, renewed = false) {
  /** @type {unknown[]} */
  const heard = [];
  const means = {
    send: () => Promise.resolve(answers.shift() ?? new Response(null, { status: 500 })),
    renew: () => Promise.resolve(renewed),
    pause: (/** @type {number} */ ms) => Promise.resolve(void heard.push(ms)),
    tell: (/** @type {{ doing?: string }} */ { doing }) => void heard.push(doing),
    wait: (/** @type {string} */ message) => void heard.push(message),
  };
  const outcome = await importFile(means).catch((error) => error.message);
  return { outcome, heard };
}

/** @param {object[]} lines */
const lines = (...lines) =>
  new Response(streamOf(ENCODER.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))));
/** @param {number} status @param {object} body */
const refusal = (status, body) => Response.json(body, { status });

Deno.test("an import tells how far it is and brings its report", async () => {
  const { outcome, heard } = await run([lines({ doing: "reading" }, { report: REPORT })]);
  assert.deepEqual([outcome, heard], [REPORT, ["reading"]]);
});

Deno.test("an import waits for the one that runs", async () => {
  const busy = () => refusal(409, { error: { code: "busy", message: "Another import runs." } });
  const { outcome, heard } = await run([busy(), busy(), lines({ report: REPORT })]);
  assert.deepEqual(outcome, REPORT);
  assert.deepEqual(heard, ["Another import runs.", 2000, "Another import runs.", 2000]);
});

Deno.test("an import with an old token is sent again with a fresh one", async () => {
  const old = () => refusal(401, { error: { message: "Expired." } });
  assert.deepEqual((await run([old(), lines({ report: REPORT })], true)).outcome, REPORT);
  assert.equal((await run([old(), lines({ report: REPORT })])).outcome, "Expired.");
});

Deno.test("an import that fails says why", async () => {
  assert.equal((await run([lines({ error: { message: "No." } })])).outcome, "No.");
  assert.match((await run([lines({ doing: "reading" })])).outcome, /connection was cut/);
  assert.equal(
    (await run([new Response("x", { status: 502 })])).outcome,
    "The server answered 502.",
  );
});

Deno.test("an address names what is asked, and the classes that were typed", () => {
  const asked = { format: "yolo", existing: "keep", status: "in_progress", dryRun: true };
  const base = "api/imports?format=yolo&existing=keep&status=in_progress&dry_run=1";
  assert.equal(importAddress({ ...asked, names: " \n" }), base);
  const named = importAddress({ ...asked, names: "cat \n\ndog, small\n\n" });
  assert.equal(named, `${base}&class_name=cat&class_name=&class_name=dog%2C+small`);
});

Deno.test("a refusal says why, at once or in the last line", async () => {
  const error = { code: "class_names_missing", message: "Type their names" };
  const means = {
    renew: () => Promise.resolve(false),
    pause: () => Promise.resolve(),
    tell: () => {},
    wait: () => {},
  };
  for (
    const answer of [
      new Response(JSON.stringify({ error }), { status: 422 }),
      new Response(`${JSON.stringify({ doing: "reading" })}\n${JSON.stringify({ error })}\n`),
    ]
  ) {
    await assert.rejects(
      importFile({ ...means, send: () => Promise.resolve(answer) }),
      (found) => found instanceof Refused && found.code === error.code,
    );
  }
});
