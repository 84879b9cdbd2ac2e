import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { copyFor } from "../../../labeler/ui/workbench/gallery/crops.js";
import { inSight, layOut, placeOf, stepped } from "../../../labeler/ui/workbench/gallery/layout.js";
import { createPages } from "../../../labeler/ui/workbench/gallery/pages.js";
import { listQuery, wantedBy } from "../../../labeler/ui/workbench/gallery/query.js";
import { changeDocument, forEach, relabel } from "../../../labeler/ui/workbench/gallery/work.js";
import { setStatus } from "../../../labeler/ui/workbench/edits.js";
import { dumpDocument, parseDocument } from "../../../labeler/ui/workbench/document.js";

Deno.test("the address says what is shown, and what makes no sense in it is ignored", () => {
  assert.deepEqual(
    wantedBy("?view=gallery&find=a%26b&boxes=1-5&since=2026-05-01&sort=-saved&show=crops"),
    { find: "a&b", boxes: "1-5", since: "2026-05-01", sort: "-saved", show: "crops" },
  );
  assert.deepEqual(wantedBy("?boxes=x&since=monday&sort=size&warning=odd&show=all&status="), {});
});

Deno.test("a page of the list asks for the filters and nothing else", () => {
  const query = listQuery({ person: "ana", warning: "tiny", show: "crops" }, 60, 60);
  assert.equal(query, "offset=60&limit=60&person=ana&warning=tiny");
});

Deno.test("cards fill the room, and only those in sight are elements", () => {
  const layout = layOut(1000, 100_000, 150, 0.75, 44);
  assert.deepEqual([layout.columns, layout.width], [6, 160]);
  assert.ok(6 * (layout.width + 8) - 8 <= 1000);
  assert.equal(layout.height, Math.ceil(100_000 / 6) * layout.rowHeight);
  const { first, last } = inSight(layout, 500_000, 800, 100_000, 2);
  assert.ok(last - first < 80);
  assert.ok(placeOf(layout, first).top <= 500_000);
  assert.ok(placeOf(layout, last).top >= 500_800);
  assert.deepEqual(inSight(layout, 0, 800, 3, 2), { first: 0, last: 3 });
  assert.deepEqual(inSight(layout, 1e9, 800, 100, 2), { first: 100, last: 100 });
  assert.equal(layOut(100, 10, 150, 1, 0).columns, 1);
});

Deno.test("keys lead from card to card and not past the ends", () => {
  assert.equal(stepped("ArrowDown", 2, 6, 4, 100), 8);
  assert.equal(stepped("ArrowLeft", 0, 6, 4, 100), 0);
  assert.equal(stepped("PageDown", 90, 6, 4, 100), 99);
  assert.equal(stepped("End", 0, 6, 4, 100), 99);
  assert.equal(stepped("a", 0, 6, 4, 100), null);
  assert.equal(stepped("End", 0, 6, 4, 0), null);
});

Deno.test("pages are asked for once, and a list of before brings nothing", async () => {
  /** @type {number[]} */
  const asked = [];
  const pages = createPages((offset, limit) => {
    asked.push(offset);
    const items = Array.from({ length: limit }, (_, at) => `${asked.length} ${offset + at}`);
    return Promise.resolve({ items, total: 1000 });
  }, () => {});
  pages.begin();
  pages.begin();
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(pages.total, 1000);
  assert.equal(pages.item(3), "2 3");
  pages.want(50, 70);
  pages.want(50, 70);
  assert.deepEqual(asked, [0, 0, 60]);
  pages.end();
});

Deno.test("the first page is asked for again until all are counted, and after a failure", async () => {
  const answers = [
    null,
    { items: ["a", "b"], total: null, found: 5000 },
    { items: ["a", "b"], total: null, found: 9000 },
    { items: ["a", "b"], total: 90_000 },
  ];
  /** @type {number[]} */
  const asked = [];
  /** @type {(number | null)[][]} */
  const seen = [];
  const pages = createPages((offset) => {
    asked.push(offset);
    return Promise.resolve(answers[asked.length - 1]);
  }, () => seen.push([pages.total, pages.found]));
  pages.begin();
  await until(() => pages.total === 90_000);
  await pause(60_000);
  const different = seen.filter((one, at) => String(one) !== String(seen[at - 1]));
  assert.deepEqual(different, [[null, null], [2, 5000], [2, 9000], [90_000, null]]);
  assert.deepEqual(asked, [0, 0, 0, 0]);
  pages.end();
});

Deno.test("a crop comes from a copy in which it is sharp", () => {
  const crop = { image_id: "a", image_path: "a", image_width: 4000, image_height: 3000 };
  const rect = { id: "r", left: 0, top: 0, label: "car" };
  assert.equal(copyFor({ ...crop, rect: { ...rect, width: 2000, height: 500 } }), 512);
  assert.equal(copyFor({ ...crop, rect: { ...rect, width: 600, height: 500 } }), 1024);
  assert.equal(copyFor({ ...crop, rect: { ...rect, width: 20, height: 20 } }), null);
});

/** A backend with one document, which `others` change before the next write. @param {string | null} text */
function backendWith(text) {
  const state = { text, number: 1, others: /** @type {string[]} */ ([]) };
  const etag = () => `"${state.number}"`;
  return {
    state,
    getDocument: () =>
      Promise.resolve(
        state.text === null
          ? { type: "gone", message: "There is no document." }
          : { type: "document", document: parseDocument(state.text), etag: etag() },
      ),
    putDocument(
      /** @type {string} */ _image,
      /** @type {import("../../../labeler/ui/workbench/document.js").Doc} */ sent,
      /** @type {string | null} */ over,
    ) {
      const theirs = state.others.shift();
      if (theirs !== undefined) [state.text, state.number] = [theirs, state.number + 1];
      const now = state.text === null ? null : etag();
      if (over !== now) {
        const document = state.text === null ? null : parseDocument(state.text);
        return Promise.resolve({ type: "changed", document, etag: now });
      }
      [state.text, state.number] = [dumpDocument(sent), state.number + 1];
      return Promise.resolve({ type: "stored", document: null, etag: etag() });
    },
  };
}

const box = (/** @type {string} */ id, /** @type {string} */ label) =>
  `{"left": 1, "top": 1, "width": 5, "height": 5, "label": "${label}", "id": "${id}"}`;
const text = (/** @type {string[]} */ ...boxes) =>
  `{"rects": [${boxes}], "image_path": "a.jpg", "x_own": 1e400, "metadata": {"status": "done"}}`;

Deno.test("another label is given to what somebody else has made of the document meanwhile", async () => {
  const backend = backendWith(text(box("a", "car"), box("b", "car")));
  backend.state.others = [text(box("c", "dog"), box("a", "car"))];
  const why = await relabel(/** @type {any} */ (backend), "image", ["a", "b"], "bus");
  assert.equal(why, "");
  const stored = backend.state.text ?? "";
  assert.deepEqual(
    parseDocument(stored).rects.map(({ id, label }) => [id, label]),
    [["c", "dog"], ["a", "bus"]],
  );
  assert.ok(stored.includes('"x_own":1e400'));
  assert.ok(stored.includes('"status":"done"'));
});

Deno.test("an image without a document gets one, and nothing is written for nothing", async () => {
  const none = backendWith(null);
  const skip = (/** @type {any} */ document) => setStatus(document, "skipped");
  assert.equal(await changeDocument(/** @type {any} */ (none), "image", skip), "");
  assert.equal(none.state.text, '{"rects":[],"metadata":{"status":"skipped"}}');
  const same = backendWith(text());
  const done = (/** @type {any} */ document) => setStatus(document, "done");
  assert.equal(await changeDocument(/** @type {any} */ (same), "image", done), "");
  assert.equal(same.state.number, 1);
});

Deno.test("what fails is told, and the rest is done", async () => {
  /** @type {number[]} */
  const progress = [];
  const failed = await forEach(
    [1, 2, 3, 4, 5, 6],
    (item) => Promise.resolve(item % 2 ? "" : `no ${item}`),
    (done) => progress.push(done),
  );
  assert.deepEqual(failed.map(({ why }) => why).sort(), ["no 2", "no 4", "no 6"]);
  assert.deepEqual(progress, [1, 2, 3, 4, 5, 6]);
});
