// Comments: threads by place, and adding, resolving, undoing and merging them.

import assert from "node:assert/strict";
import {
  commentsOf,
  pinAt,
  placeOf,
  takesComments,
  threadsOf,
} from "../../../labeler/ui/workbench/comments.js";
import { edited } from "../../../labeler/ui/workbench/dispatch.js";
import { dumpDocument, parseDocument } from "../../../labeler/ui/workbench/document.js";
import { EMPTY, recorded, redo, undo } from "../../../labeler/ui/workbench/history.js";
import { doc, rect } from "./fakes.js";

/** @param {string} id @param {object} [more] @returns {any} */
const note = (id, more = {}) => ({
  id,
  text: `text ${id}`,
  by: "lee",
  at: "2026-01-02T03:04:05+00:00",
  ...more,
});

/** @param {any[]} comments @param {any[]} [rects] @returns {any} */
const noted = (comments, rects = [rect("r1")]) => ({ ...doc(rects, "returned"), comments });

Deno.test("comments with one pin are one thread, numbered by its first comment", () => {
  const document = noted([
    note("a", { x: 10, y: 20 }),
    note("b", { rect: "r1" }),
    note("c", { x: 10, y: 20, resolved: true }),
    note("d"),
    note("e", { rect: "gone", resolved: true }),
  ]);
  const found = threadsOf(document).map(({ key, number, comments, isResolved }) => [
    key,
    number,
    comments.map(({ id }) => id).join(""),
    isResolved,
  ]);
  assert.deepEqual(found, [
    ["at 10 20", 1, "ac", false],
    ["box r1", 2, "b", false],
    ["image", 3, "d", false],
    ["box gone", 4, "e", true],
  ]);
  const { left, top, width } = rect("r1");
  assert.deepEqual(threadsOf(document).map(placeOf), [
    { x: 10, y: 20 },
    { x: left + width, y: top },
    null,
    null,
  ]);
});

Deno.test("coordinates that the server writes with a point are the same place", () => {
  const text = dumpDocument(noted([note("a", { x: 10, y: 20.5 })]));
  const stored = parseDocument(text.replace('"x":10,', '"x":10.0,'));
  assert.deepEqual(threadsOf(stored).map(({ key }) => key), ["at 10 20.5"]);
});

Deno.test("what another program keeps under the key is no comment, and stays", () => {
  for (
    const comments of ["text", [1], [{ text: "no id" }], [note("a"), note("a")], { id: "a" }, [
      null,
    ]]
  ) {
    const document = noted(/** @type {any} */ (comments));
    assert.deepEqual(commentsOf(document), []);
    assert.deepEqual(threadsOf(document), []);
    assert.equal(takesComments(document), false);
    assert.equal(edited(document, { type: "comment", comment: note("b") }), document);
  }
  assert.equal(takesComments(null), false);
  assert.equal(takesComments(doc([], "done")), true);
});

Deno.test("a pin lies in the image and has 2 decimals", () => {
  const size = { width: 100, height: 50 };
  assert.deepEqual(pinAt({ x: 12.3456, y: -3 }, size), { x: 12.35, y: 0 });
  assert.deepEqual(pinAt({ x: 100.4, y: 50.4 }, size), { x: 100, y: 50 });
});

Deno.test("a comment without words is none, and a status stays what it is", () => {
  const before = noted([]);
  assert.equal(edited(before, { type: "comment", comment: note("a", { text: " \n" }) }), before);
  const after = edited(before, { type: "comment", comment: note("a", { text: " left \n" }) });
  assert.deepEqual(commentsOf(after), [note("a", { text: "left" })]);
  assert.equal(after.metadata?.status, "returned");
});

Deno.test("resolving names its comments, and says nothing where it changes nothing", () => {
  const before = noted([note("a"), note("b", { resolved: true }), note("c")]);
  /** @type {any} */
  const action = { type: "resolveComments", ids: ["a", "b"], isResolved: true };
  const after = edited(before, action);
  assert.deepEqual(commentsOf(after).map(({ resolved }) => resolved), [true, true, undefined]);
  assert.equal(edited(after, action), after);
  const again = edited(after, { ...action, isResolved: false });
  assert.deepEqual(commentsOf(again), [note("a"), note("b"), note("c")]);
});

Deno.test("undo and redo take comments back and forth, also after the server has signed them", () => {
  const start = doc([rect("r1")], "done");
  const added = edited(start, { type: "comment", comment: note("a", { by: "", at: "mine" }) });
  let history = recorded(EMPTY, start, added);
  const resolved = edited(added, { type: "resolveComments", ids: ["a"], isResolved: true });
  history = recorded(history, added, resolved);
  const signed = { ...resolved, comments: [note("a", { resolved: true })] };
  const one = undo(history, signed);
  assert.deepEqual(one.document.comments, [note("a")]);
  const two = undo(one.history, one.document);
  assert.equal(dumpDocument(two.document), dumpDocument(start));
  const three = redo(two.history, two.document);
  assert.deepEqual(commentsOf(three.document).map(({ id }) => id), ["a"]);
  assert.deepEqual(redo(three.history, three.document).document.comments?.[0].resolved, true);
});

Deno.test("an answer of somebody else is not taken back by undo", () => {
  const start = doc([rect("r1")], "done");
  const added = edited(start, { type: "comment", comment: note("a") });
  const history = recorded(EMPTY, start, added);
  const answered = { ...added, comments: [...commentsOf(added), note("b", { by: "kim" })] };
  assert.deepEqual(commentsOf(undo(history, answered).document), [note("b", { by: "kim" })]);
});
