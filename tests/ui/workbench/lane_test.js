// What a lane does where a connection, a server or a browser goes wrong: nothing is lost, nothing is
// there twice.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { parseDocument } from "../../../labeler/ui/workbench/document.js";
import { addRect, deleteRects, resizeRects } from "../../../labeler/ui/workbench/edits.js";
import { doc, rect } from "./fakes.js";
import { ids, isSaved, scene, tab } from "./lane_scene.js";

Deno.test("a change is journaled, then sent, then forgotten by the journal", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    let recordsAtPut = -1;
    server.mood = () => {
      recordsAtPut = journal.records.size;
      return "fine";
    };
    lane.change(addRect(lane.document, rect("new")));
    assert.equal(lane.state.saving, "pending");
    await until(isSaved(lane));
    assert.equal(recordsAtPut, 1);
    assert.deepEqual(ids(server.get("i")), ["old", "new"]);
    await until(() => journal.records.size === 0);
    return one.close;
  }));

for (const isBrief of [true, false]) {
  Deno.test(`changes over a write are saved whether its answer has a body or not: ${!isBrief}`, () =>
    scene(async ({ server, journal }) => {
      server.isBrief = isBrief;
      const one = tab(server, journal);
      const lane = await one.open();
      server.mood = () => {
        server.mood = "fine";
        lane.change(addRect(lane.document, rect("newer", 50))); // while the first is on its way
        return "fine";
      };
      lane.change(addRect(lane.document, rect("new")));
      await until(() => server.puts().length > 0);
      await until(isSaved(lane));
      lane.change(deleteRects(lane.document, ["old"]));
      await until(isSaved(lane));
      assert.deepEqual(ids(server.get("i")), ["new", "newer"]);
      assert.deepEqual(ids(lane.document), ["new", "newer"]);
      assert.equal(lane.document.metadata?.saved_by, isBrief ? undefined : "ana");
      assert.deepEqual(server.puts().map(({ status }) => status), [200, 200, 200]);
      return one.close;
    }));
}

Deno.test("opening and changing nothing, or taking a change back at once, writes nothing", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    const before = lane.document;
    lane.change(addRect(before, rect("new")));
    lane.change(before);
    await until(isSaved(lane));
    assert.equal(server.puts().length, 0);
    await until(() => journal.records.size === 0);
    return one.close;
  }));

Deno.test("changes in a row are one write a second, the last state among them", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    for (let index = 0; index < 60; index++) {
      lane.change(addRect(lane.document, rect(`n${index}`)));
      await pause(40);
    }
    await until(isSaved(lane));
    assert.equal(server.get("i").rects.length, 61);
    // At once, and after each of the two seconds and a half.
    assert.equal(server.puts().length, 4);
    return one.close;
  }));

Deno.test("a write whose answer was lost is recognized as one's own", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    server.mood = "lost";
    lane.change(addRect(lane.document, rect("new")));
    await until(() => lane.state.saving === "offline");
    // The person goes on with the same box before the second try.
    lane.change(resizeRects(lane.document, new Map([["new", rect("new", 77)]])));
    server.mood = "fine";
    lane.online();
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old", "new"]);
    assert.equal(server.get("i").rects[1].left, 77);
    assert.deepEqual(lane.conflicts, []);
    return one.close;
  }));

Deno.test("boxes come back where somebody deleted the document", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    server.documents.delete("i");
    lane.change(addRect(lane.document, rect("new")));
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old", "new"]);
    return one.close;
  }));

Deno.test("a document that is away for a while keeps its boxes", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    const away = /** @type {any} */ (server.documents.get("i"));
    server.documents.delete("i");
    let puts = 0;
    server.mood = () => puts++ ? 503 : "fine"; // the first PUT finds no document
    lane.change(addRect(lane.document, rect("new")));
    await until(() => lane.state.saving === "failed");
    assert.deepEqual(ids(lane.document), ["old", "new"]);
    server.documents.set("i", away);
    server.mood = "fine";
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old", "new"]);
    assert.deepEqual(lane.conflicts, []);
    return one.close;
  }));

Deno.test("a box that landed unheard and was deleted afterwards does not stay", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    server.mood = "lost";
    lane.change(addRect(lane.document, rect("new")));
    await until(() => lane.state.saving === "offline");
    lane.change(deleteRects(lane.document, ["new"]));
    assert.notEqual(lane.state.saving, "saved");
    server.mood = "fine";
    lane.online();
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old"]);
    return one.close;
  }));

for (
  const [mood, saving, what] of /** @type {const} */ ([
    [404, "gone", "deleted"],
    [410, "gone", "deleted for good"],
    [409, "locked", "approved"],
    [422, "refused", "refused"],
    [403, "refused", "forbidden"],
    [500, "failed", "damaged"],
    [503, "failed", "not reachable"],
  ])
) {
  Deno.test(`work on an image that is ${what} stays in the journal, and its state is told`, () =>
    scene(async ({ server, journal }) => {
      const one = tab(server, journal);
      const lane = await one.open();
      server.mood = mood;
      lane.change(addRect(lane.document, rect("new")));
      await until(() => lane.state.saving === saving);
      assert.equal(lane.state.message, `error ${mood}`);
      const [record] = journal.records.values();
      assert.deepEqual(ids(parseDocument(record.wanted)), ["old", "new"]);
      server.mood = "fine";
      lane.resume();
      await until(isSaved(lane));
      assert.deepEqual(ids(server.get("i")), ["old", "new"]);
      return one.close;
    }));
}

Deno.test("the server's Retry-After is kept to", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    server.mood = 503;
    server.headers = { "Retry-After": "60" };
    lane.change(addRect(lane.document, rect("new")));
    await until(() => lane.state.saving === "failed");
    server.mood = "fine";
    await pause(59_000);
    assert.equal(server.puts().length, 1);
    await until(isSaved(lane));
    return one.close;
  }));

Deno.test("an expired token is renewed, and another person's is not used", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal, { renewed: "t2" });
    const lane = await one.open();
    const other = tab(server, journal, { owner: "o", person: "bo", renewed: "t2" });
    const foreign = await other.open();
    server.token = "t2";
    foreign.change(addRect(foreign.document, rect("bos")));
    await until(() => foreign.state.saving === "signedOut");
    assert.equal(server.puts().every((call) => call.status === 401), true);
    lane.change(addRect(lane.document, rect("new")));
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old", "new"]);
    await until(() => journal.records.size === 1);
    assert.equal([...journal.records.values()][0].person, "bo");
    return () => [one, other].forEach((each) => each.close());
  }));

Deno.test("what another person stored is merged, and a clash is reported with both versions", () =>
  scene(async ({ server, journal }) => {
    const one = tab(server, journal);
    const lane = await one.open();
    server.put("i", doc([rect("old", 50), rect("theirs")], "in_progress"));
    lane.change(resizeRects(lane.document, new Map([["old", rect("old", 60)]])));
    await until(isSaved(lane));
    const [conflict] = lane.conflicts;
    assert.equal(conflict.kind, "changed");
    assert.deepEqual(ids(server.get("i")), ["old", conflict.kept_as, "theirs"]);
    assert.deepEqual(server.get("i").rects.map((one) => one.left), [50, 60, 10]);
    return one.close;
  }));
