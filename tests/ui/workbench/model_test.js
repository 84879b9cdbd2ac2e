// The pure parts of the data half: edits, history, ids, numbers, and the table of saving.

import assert from "node:assert/strict";
import {
  dumpDocument,
  parseDocument,
  reasonOf,
  same,
} from "../../../labeler/ui/workbench/document.js";
import { edited } from "../../../labeler/ui/workbench/dispatch.js";
import {
  addRect,
  clipped,
  paste,
  setStatus,
  withRects,
} from "../../../labeler/ui/workbench/edits.js";
import { EMPTY, recorded, redo, undo } from "../../../labeler/ui/workbench/history.js";
import {
  derivedId,
  pythonFloat,
  randomId,
  sha256,
} from "../../../labeler/ui/workbench/identity.js";
import { backoff, reduce, SAVED, shown } from "../../../labeler/ui/workbench/sync.js";
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

/** @param {number} seed */
function chances(seed) {
  let chance = seed;
  return (/** @type {number} */ below) =>
    Math.floor(((chance = (chance * 48271) % 2147483647) / 2147483647) * below);
}

/** @param {import("./fakes.js").Doc} document @param {(below: number) => number} random @param {string} fresh */
function randomEdit(document, random, fresh) {
  const ids = document.rects.map((one) => one.id).filter(() => random(2));
  const rects = ids.map(() => ({ ...rect("", random(400)), width: random(50) }));
  const edits = /** @type {any[]} */ ([
    { type: "add", rect: rect(fresh, random(390)) },
    { type: "change", ids, rects },
    { type: "delete", ids },
    { type: "label", ids, label: ["cat", "dog"][random(2)] },
    { type: "attribute", ids, name: "truncated", value: random(2) === 1 },
    { type: "status", status: ["done", "skipped", "in_progress"][random(3)] },
  ]);
  return edited(document, edits[random(edits.length)]);
}

Deno.test("any steps are undone to the start and redone to the end", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = chances(seed);
    let document = doc([rect("a"), rect("b", 50), rect("c", 90)], "in_progress");
    const start = document;
    let history = EMPTY;
    for (let step = 0; step < 30; step++) {
      const next = randomEdit(document, random, `n${step}`);
      history = recorded(history, document, next);
      document = next;
    }
    const end = document;
    const steps = history.undo.length;
    for (let step = 0; step < steps; step++) ({ history, document } = undo(history, document));
    assert.deepEqual(document, start, `seed ${seed}`);
    for (let step = 0; step < steps; step++) ({ history, document } = redo(history, document));
    assert.deepEqual(document, end, `seed ${seed}`);
  }
});

Deno.test("undo takes back my steps and never what another person did", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = chances(seed);
    let document = doc([rect("a"), rect("b", 50)], "in_progress");
    let history = EMPTY;
    /** @type {any[]} */
    const theirs = [];
    for (let step = 0; step < 12; step++) {
      if (random(3) === 0) {
        const added = rect(`t${step}`, random(300));
        theirs.push(added);
        document = withRects(document, [added, ...document.rects]);
      } else {
        const mine = edited(document, { type: "add", rect: rect(`m${step}`) });
        history = recorded(history, document, mine);
        document = mine;
      }
    }
    while (history.undo.length) ({ history, document } = undo(history, document));
    assert.deepEqual(
      document.rects,
      [...theirs.toReversed(), rect("a"), rect("b", 50)],
      `seed ${seed}`,
    );
  }
});

Deno.test("an undo that would take another person's change with it leaves that", () => {
  const start = doc([], "unlabeled");
  const drawn = addRect(start, rect("a"));
  const history = recorded(EMPTY, start, drawn);
  const renamed = withRects(drawn, [rect("a", 10, { label: "theirs" })]);
  const undone = undo(history, renamed);
  assert.deepEqual(undone.document.rects, renamed.rects);
  assert.equal(undone.document.metadata?.status, "in_progress");
  const beside = withRects(drawn, [rect("a"), rect("theirs")]);
  const { document } = undo(history, beside);
  assert.deepEqual(document.rects, [rect("theirs")]);
  assert.equal(document.metadata?.status, "in_progress");
});

Deno.test("the history holds 500 steps and more", () => {
  let document = doc([]);
  let history = EMPTY;
  for (let step = 0; step < 600; step++) {
    const next = setStatus(addRect(document, rect(`n${step}`)), "in_progress");
    history = recorded(history, document, next);
    document = next;
  }
  for (let step = 0; step < 600; step++) ({ history, document } = undo(history, document));
  assert.deepEqual(document.rects, []);
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

Deno.test("saving: no event of any state claims that something is saved which is not", () => {
  const states = [
    "pending",
    "sending",
    "offline",
    "failed",
    "refused",
    "gone",
    "locked",
    "signedOut",
  ];
  const events = [
    "changed",
    "due",
    "merged",
    "online",
    "retry",
    "network",
    "refused",
    "gone",
    "locked",
  ];
  for (const saving of /** @type {any[]} */ (states)) {
    for (const type of /** @type {any[]} */ ([...events, "signedOut", "unavailable"])) {
      const next = reduce({ ...SAVED, saving }, { type, message: "why", after: 0 });
      assert.notEqual(next.state.saving, "saved", `${saving} ${type}`);
    }
  }
  const sending = { ...SAVED, saving: /** @type {const} */ ("sending"), dirty: true };
  assert.equal(reduce(sending, { type: "stored" }).state.saving, "pending");
  assert.equal(reduce({ ...sending, dirty: false }, { type: "stored" }).state.saving, "saved");
  assert.deepEqual(
    ["saved", "pending", "sending", "offline", "failed", "gone"].map(
      (one) => shown(/** @type {any} */ (one)),
    ),
    ["saved", "pending", "pending", "offline", "failed", "failed"],
  );
  assert.deepEqual([1, 2, 3, 4, 5, 9].map((count) => backoff(count, 0)), [
    1000,
    2000,
    4000,
    8000,
    15000,
    15000,
  ]);
  assert.equal(backoff(1, 60_000), 60_000);
});

Deno.test("a reason to skip goes with the status, and comes back with an undo", () => {
  const skipped = setStatus(doc([], "unlabeled"), "skipped", "Blurred");
  assert.equal(reasonOf(skipped), "Blurred");
  assert.equal(setStatus(skipped, "skipped"), skipped);
  assert.equal(reasonOf(setStatus(skipped, "skipped", "Dark")), "Dark");
  const again = edited(skipped, { type: "status", status: "in_progress" });
  assert.deepEqual(again.metadata, { status: "in_progress" });
  const undone = undo(recorded(EMPTY, skipped, again), again);
  assert.deepEqual(undone.document.metadata, skipped.metadata);
  assert.deepEqual(redo(undone.history, undone.document).document.metadata, again.metadata);
});

Deno.test("nothing here takes all boxes away, and one undo brings them back", () => {
  const labeled = doc([rect("a"), rect("b")], "in_progress");
  const nothing = edited(labeled, { type: "nothing" });
  assert.deepEqual([nothing.rects, nothing.metadata?.status], [[], "done"]);
  assert.deepEqual(undo(recorded(EMPTY, labeled, nothing), nothing).document, labeled);
  assert.equal(edited(nothing, { type: "nothing" }), nothing);
});
