// A change holds what differs and nothing else; where it could not be exact, there is none.

import assert from "node:assert/strict";
import { createBackend } from "../../../labeler/ui/workbench/backend.js";
import { parseDocument } from "../../../labeler/ui/workbench/document.js";
import { changed, changeText } from "../../../labeler/ui/workbench/document_change.js";
import { createServer, doc, rect } from "./fakes.js";

/** @typedef {import("../../../labeler/ui/workbench/document.js").Doc} Doc */

const many = doc(Array.from({ length: 60 }, (_, n) => rect(`box${n}`, n)), "in_progress");
const note = { id: "c1", text: "look" };
/** @param {Doc} one @param {object} more @returns {Doc} */
const and = (one, more) => ({ ...one, ...more });

Deno.test("a change names what differs, and the rest stays as it is stored", () => {
  const [first, second, ...rest] = many.rects;
  const added = rect("new", 7.25, { occluded: true });
  const wanted = and(many, {
    rects: [first, { ...second, left: 99.5 }, ...rest.slice(1), added],
    metadata: { status: "done" },
    comments: [note],
  });
  const text = /** @type {string} */ (changeText(many, wanted));
  const { id: _, ...told } = added;
  assert.deepEqual(JSON.parse(text), {
    rects: { box2: null, box1: { left: 99.5 }, new: told },
    metadata: { status: "done" },
    comments: { c1: { text: "look" } },
  });
  assert.ok(text.length < 260, text);
  assert.deepEqual(changed(many, JSON.parse(text)), wanted);
});

Deno.test("an attribute that is taken away is null, and a number keeps its digits", () => {
  const base = parseDocument(
    '{"rects": [{"left": 1, "top": 1, "width": 5, "height": 5, "label": "a", "id": "a", ' +
      '"difficult": true}], "image_path": "a.jpg"}',
  );
  const { difficult: _, ...plain } = base.rects[0];
  const exact = parseDocument('{"rects": [], "image_path": "a.jpg", "x": 1e400}').x;
  const wanted = and(base, { rects: [plain], x: exact });
  assert.equal(changeText(base, wanted), '{"x":1e400,"rects":{"a":{"difficult":null}}}');
});

Deno.test("what a change can't say exactly is sent whole", () => {
  const none = [
    and(many, { rects: [...many.rects].reverse() }),
    and(many, { rects: many.rects.map((one) => ({ ...one, score: null })) }),
    and(many, { rects: [...many.rects, { ...rect("x"), id: undefined }] }),
    and(many, { rects: [...many.rects, many.rects[0]] }),
    and(many, { rects: [...many.rects, rect("zz"), rect("7")] }),
    and(many, { comments: "text of another program" }),
    and(many, { metadata: null }),
    doc(many.rects.map((one, n) => ({ ...rect(`other${n}`, one.left), top: 3 }))),
  ];
  for (const wanted of none) assert.equal(changeText(many, wanted), null);
  assert.equal(changeText(and(many, { comments: [note] }), many), null);
  assert.equal(
    changeText(and(many, { comments: "text" }), and(many, { comments: "text", x: 1 })),
    '{"x":1}',
  );
});

Deno.test("a save of one box of sixty takes a few bytes; a server that takes no changes gets all", async () => {
  const server = createServer();
  const options = {
    baseUrl: "http://x",
    token: () => "t1",
    renewToken: () => Promise.resolve(""),
    client: "tab",
    person: "ana",
    fetch: server.fetch,
  };
  const wanted = and(many, { rects: [...many.rects, rect("new")] });
  for (
    const [takesChanges, isOld, sizes] of /** @type {[boolean, boolean, number[]][]} */ ([
      [true, false, [0]],
      [true, true, [0, 1]],
      [false, false, [1]],
    ])
  ) {
    server.put("i", many);
    server.isOld = isOld;
    server.calls.length = 0;
    const backend = createBackend({ ...options, takesChanges });
    const found = await backend.getDocument("i");
    assert.equal(found.type, "document");
    if (found.type !== "document") continue;
    const answer = await backend.putDocument("i", wanted, found.etag, found.document);
    assert.equal(answer.type, "stored");
    assert.deepEqual(server.puts().map(({ body }) => body.length > 200 ? 1 : 0), sizes);
    assert.deepEqual(server.get("i").rects, wanted.rects);
  }
});

Deno.test("a document that is not stored yet is sent whole", async () => {
  const server = createServer();
  const backend = createBackend({
    baseUrl: "http://x",
    token: () => "t1",
    renewToken: () => Promise.resolve(""),
    client: "tab",
    person: "ana",
    takesChanges: true,
    fetch: server.fetch,
  });
  assert.equal((await backend.putDocument("new", many, null, doc([]))).type, "stored");
  assert.deepEqual(server.get("new").rects, many.rects);
});
