// What differs between two states, what the server does to a document, and reading earlier states.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createBackend } from "../../../labeler/ui/workbench/backend.js";
import { createPast } from "../../../labeler/ui/workbench/past.js";
import { differenceOf, wordsOf } from "../../../labeler/ui/workbench/versions.js";
import { doc, rect } from "./fakes.js";

/** @param {readonly { id: string }[]} rects */
const ids = (rects) => rects.map(({ id }) => id).join("");

Deno.test("boxes are told apart by id: those that came, went, changed and stayed", () => {
  const before = doc([rect("a"), rect("b"), rect("c")], "in_progress");
  const after = doc([rect("a"), rect("b", 99), rect("d", 5, { label: "dog" })], "done");
  const found = differenceOf(before, after);
  assert.deepEqual([found.added, found.removed, found.kept].map(ids), ["d", "c", "a"]);
  assert.deepEqual(found.changed.map(({ before: was, after: is }) => [was.left, is.left]), [[
    10,
    99,
  ]]);
  assert.equal(found.status, "done");
  assert.equal(wordsOf(found, (label) => label), "+ dog 1, ~ cat 1, − cat 1");
});

Deno.test("boxes without ids are not all new and gone, and equal states differ in nothing", () => {
  const bare = doc([{ ...rect("x") }, { ...rect("y", 50) }], "done");
  for (const one of bare.rects) delete (/** @type {any} */ (one)).id;
  const found = differenceOf(bare, structuredClone(bare));
  assert.equal(found.kept.length, 2);
  assert.deepEqual([found.added, found.removed, found.changed, found.status], [[], [], [], ""]);
  assert.equal(wordsOf(found, (label) => label), "");
});

Deno.test("the first state added all that it has, under the names of today", () => {
  const one = { id: "n", text: "look", by: "lee", at: "" };
  const first = {
    ...doc([rect("a"), rect("b"), rect("c", 1, { label: "auto" })], "done"),
    comments: [one],
  };
  const found = differenceOf(null, first);
  assert.equal(
    wordsOf(found, (label) => label === "auto" ? "car" : label),
    "+ car 1, + cat 2, 1 note",
  );
});

/** A server with the states v3, v2 and v1, of which v1 is not kept any more. */
function serving() {
  /** @type {string[]} */
  const asked = [];
  const versions = ["v3", "v2", "v1"].map((version, index) => ({
    version,
    saved_at: null,
    saved_by: "kim",
    status: "done",
    rects: 3 - index,
  }));
  /** @type {typeof fetch} */
  const send = async (input) => {
    await pause(1);
    const path = String(input).replace("http://x/api/annotations/", "");
    asked.push(path);
    if (path === "a/versions") return new Response(JSON.stringify({ versions }));
    const version = path.split("?version=")[1];
    if (version === "v1") return new Response("{}", { status: 404 });
    const body = JSON.stringify(doc([rect(version)], "done"));
    return new Response(body, { headers: { ETag: `"${version}"` } });
  };
  const backend = createBackend({
    baseUrl: "http://x",
    token: () => "",
    client: "c",
    person: "kim",
    renewToken: () => Promise.resolve(""),
    fetch: send,
  });
  return { asked, backend };
}

Deno.test("earlier states are read once each, and one that is dropped is left out", async () => {
  const { asked, backend } = serving();
  const past = createPast(backend, () => {});
  past.look("a", '"v3"');
  await until(() => asked.length === 4);
  await pause(5);
  assert.deepEqual(past.rows().versions.map(({ version }) => version), ["v3", "v2", "v1"]);
  const pair = past.pair("v3");
  assert.deepEqual([ids(pair.after?.rects ?? []), ids(pair.before?.rects ?? [])], ["v3", "v2"]);
  assert.equal(past.pair("v2").before, undefined);
  past.look("a", '"v3"');
  past.look("a", '"v4"');
  await until(() => asked.length === 5);
  assert.deepEqual(asked.slice(4), ["a/versions"]);
});

Deno.test("a verdict names the state that was seen, and a conflict brings the other one", async () => {
  /** @type {any[]} */
  const calls = [];
  const { backend } = serving();
  const reviewed = createBackend({
    baseUrl: "http://x",
    token: () => "",
    client: "c",
    person: "lee",
    renewToken: () => Promise.resolve(""),
    fetch: (input, init) => {
      calls.push([String(input), new Headers(init?.headers).get("If-Match"), init?.body]);
      const theirs = { document: doc([rect("t")], "done"), etag: '"2"' };
      return Promise.resolve(new Response(JSON.stringify(theirs), { status: 412 }));
    },
  });
  const answer = await reviewed.changeDocument("a b", "review", { verdict: "approve" }, '"1"');
  assert.deepEqual(calls, [[
    "http://x/api/annotations/a%20b/review",
    '"1"',
    '{"verdict":"approve"}',
  ]]);
  assert.equal(answer.type, "changed");
  assert.equal(answer.type === "changed" && answer.etag, '"2"');
  assert.equal((await backend.getVersion("a", "v1")).type, "gone");
});

Deno.test("what the labeler left is known by their name, and without names by the status", async () => {
  const list = [
    { version: "5", saved_by: "rob", status: "approved" },
    { version: "4", saved_by: "rob", status: "done" },
    { version: "3", saved_by: "lea", status: "done" },
    { version: "2", saved_by: "lea", status: "done" },
    { version: "1", saved_by: "lea", status: "in_progress" },
  ];
  const backend = /** @type {any} */ ({
    getVersions: () => Promise.resolve({ type: "versions", versions: list }),
    getVersion: () => Promise.resolve({ type: "document", document: doc([]), etag: "x" }),
  });
  const past = createPast(backend, () => {});
  const named = (/** @type {object} */ metadata) => past.left({ ...doc([]), metadata });
  assert.equal(named({ labeled_by: "lea" }), "");
  past.look("a", "x");
  await until(() => past.rows().versions.length > 0);
  assert.equal(named({ labeled_by: "lea", saved_by: "rob" }), "3");
  assert.equal(named({ saved_by: "rob" }), "5");
  assert.equal(named({}), "2");
});
