// Sending a file to be imported, and what comes back.

import assert from "node:assert/strict";
import {
  importAddress,
  importFile,
  linesOf,
  packed,
  Refused,
} from "../../../labeler/ui/components/importer_request.js";

/** What the server answers at the end; the page alone reads it. */
const REPORT = { format: "coco" };

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

Deno.test("an import that comes too early is sent again", async () => {
  const early = () => refusal(429, { error: { code: "too_many_calls", message: "Too many." } });
  const { outcome, heard } = await run([early(), lines({ report: REPORT })]);
  assert.deepEqual([outcome, heard], [REPORT, ["Too many.", 2000]]);
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
