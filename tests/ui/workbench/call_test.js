// A call that comes too early is made again.

import assert from "node:assert/strict";
import { createBackend } from "../../../labeler/ui/workbench/backend.js";
import { parseDocument } from "../../../labeler/ui/workbench/document.js";
import { doc } from "./fakes.js";

/** A backend whose server gives these answers. @param {Response[]} answers */
function backendOf(answers) {
  /** @type {RequestInit[]} */
  const sent = [];
  const backend = createBackend({
    baseUrl: "http://labeler",
    client: "tab",
    person: "",
    token: () => "",
    renewToken: () => Promise.resolve(""),
    fetch: (_, init) => {
      sent.push(init ?? {});
      return Promise.resolve(/** @type {Response} */ (answers.shift()));
    },
  });
  return { backend, sent };
}

/** @param {string} after */
const early = (after) =>
  Response.json({ error: { code: "too_many_calls", message: "Too often." } }, {
    status: 429,
    headers: { "Retry-After": after },
  });

Deno.test("a save that comes too early waits, and is stored", async () => {
  const stored = JSON.stringify(doc([]));
  const answers = [early("1"), early("0"), new Response(stored, { headers: { ETag: '"2"' } })];
  const { backend, sent } = backendOf(answers);
  const began = performance.now();
  const answer = await backend.putDocument("a", doc([]), '"1"', doc([]));
  assert.deepEqual(answer, { type: "stored", document: parseDocument(stored), etag: '"2"' });
  assert.equal(sent.length, 3);
  assert.ok(performance.now() - began >= 990);
  assert.deepEqual(sent.map(({ body }) => body), Array(3).fill(sent[0].body));
});

Deno.test("what always comes too early is told in the end, with the time to wait", async () => {
  const { backend, sent } = backendOf([...Array(4).fill(0).map(() => early("0")), early("7")]);
  const answer = await backend.getPicture("a", 128);
  assert.deepEqual(answer, { type: "unavailable", message: "Too often.", after: 7000 });
  assert.equal(sent.length, 5);
});
