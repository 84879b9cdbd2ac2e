// The document, its edits, its IDs and numbers.

import assert from "node:assert/strict";
import { dumpDocument, parseDocument, same } from "../../../labeler/ui/workbench/document.js";
import { edited } from "../../../labeler/ui/workbench/dispatch.js";
import { addRect, clipped, paste, withRects } from "../../../labeler/ui/workbench/edits.js";
import {
  derivedId,
  pythonFloat,
  randomId,
  sha256,
} from "../../../labeler/ui/workbench/identity.js";
import { doc, rect } from "./fakes.js";

Deno.test("a document survives digit by digit, and known keys come first", () => {
  const text = '{"x_id":9007199254740993,"rects":[{"id":"a","x":1.0,"left":150.0,"top":2e1,' +
    '"width":1,"height":1,"label":"é"}],"image_path":"a.jpg","x_e":1E400}';
  const dumped = dumpDocument(parseDocument(text));
  assert.equal(
    dumped,
    '{"rects":[{"left":150,"top":20,"width":1,"height":1,"label":"é","id":"a","x":1.0}],' +
      '"image_path":"a.jpg","x_id":9007199254740993,"x_e":1E400}',
  );
  assert.equal(dumpDocument(parseDocument(dumped)), dumped);
  assert.throws(() => parseDocument('{"rects": 1}'));
  assert.throws(() => parseDocument("<html>"));
});

Deno.test("values are equal as JSON", () => {
  assert.ok(same({ a: [1, null], b: {} }, { b: {}, a: [1, null] }));
  for (const [one, other] of [[1, true], [0, false], [null, undefined], [[], {}], [{}, { a: 1 }]]) {
    assert.ok(!same(one, other));
  }
});

Deno.test("boxes are cut to the image, turned the right way round, to 2 decimals", () => {
  const image = doc([]);
  const cut = (/** @type {number[]} */ [left, top, width, height]) =>
    Object.values(clipped({ left, top, width, height }, image));
  assert.deepEqual(cut([-10, -10, 5, 5]), [0, 0, 0, 0]);
  assert.deepEqual(cut([390, 290, 50, 50]), [390, 290, 10, 10]);
  assert.deepEqual(cut([50, 60, -20, -30]), [30, 30, 20, 30]);
  assert.deepEqual(cut([1.006, 0.1 + 0.2, 1 / 3, 2]), [1.01, 0.3, 0.33, 2]);
});

Deno.test("the status follows the rects as in the server", () => {
  /** @param {string} status @param {any[]} rects */
  const after = (status, rects) => withRects(doc([rect("a")], status), rects).metadata?.status;
  const moved = [rect("a", 11)];
  assert.deepEqual(
    ["in_progress", "done", "approved", "skipped", "returned"].map((s) => after(s, moved)),
    [
      "in_progress",
      "done",
      "done",
      "in_progress",
      "in_progress",
    ],
  );
  assert.deepEqual(["in_progress", "done", "skipped"].map((s) => after(s, [])), [
    "unlabeled",
    "done",
    "in_progress",
  ]);
  const same_ = doc([rect("a")], "skipped");
  assert.equal(withRects(same_, [rect("a")]), same_);
});

Deno.test("a pasted box gets an id of its own and lies within the image", () => {
  const pasted = paste(doc([rect("a")]), [rect("a", 395), rect("b", 5, { width: 900 })]);
  assert.equal(new Set(pasted.rects.map((one) => one.id)).size, 3);
  assert.deepEqual(pasted.rects.map((one) => [one.left, one.width]), [[10, 30], [370, 30], [
    0,
    400,
  ]]);
  const twice = addRect(doc([rect("a")]), rect("a"));
  assert.notEqual(twice.rects[1].id, "a");
});

Deno.test("an attribute that is false is not there", () => {
  const on = edited(doc([rect("a")]), {
    type: "attribute",
    ids: ["a"],
    name: "difficult",
    value: true,
  });
  assert.equal(on.rects[0].difficult, true);
  const off = edited(on, { type: "attribute", ids: ["a"], name: "difficult", value: false });
  assert.deepEqual(off.rects, [rect("a")]);
});

Deno.test("hashes, ids and numbers are those of the server", () => {
  /** @param {Uint8Array} bytes */
  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(
    hex(sha256(new TextEncoder().encode("abc"))),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  for (const length of [55, 56, 63, 64, 65, 1000]) {
    assert.equal(hex(sha256(new Uint8Array(length))).length, 64);
  }
  assert.match(randomId(), /^[0-9a-z]{8}$/);
  assert.match(derivedId("é"), /^[0-9a-z]{8}$/);
  const written = [0, -0, 1, 1.5, 1e-5, 1e-4, 1e15, 1e16, 1.25e22, -123.25].map(pythonFloat);
  assert.deepEqual(written, [
    "0.0",
    "-0.0",
    "1.0",
    "1.5",
    "1e-05",
    "0.0001",
    "1000000000000000.0",
    "1e+16",
    "1.25e+22",
    "-123.25",
  ]);
});
