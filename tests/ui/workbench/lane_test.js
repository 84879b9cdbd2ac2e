// What a lane does where a connection, a server, a browser or another tab goes wrong: nothing is
// lost, nothing comes back, nothing is there twice.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createBackend } from "../../../labeler/ui/workbench/backend.js";
import { parseDocument } from "../../../labeler/ui/workbench/document.js";
import { addRect, deleteRects, resizeRects } from "../../../labeler/ui/workbench/edits.js";
import { createLane } from "../../../labeler/ui/workbench/lane.js";
import { createMemoryJournal, createServer, doc, rect } from "./fakes.js";

/** @typedef {import("../../../labeler/ui/workbench/lane.js").Lane} Lane */

/**
 * A tab over the server and the journal.
 * @param {ReturnType<typeof createServer>} server
 * @param {ReturnType<typeof createMemoryJournal>} journal
 */
function tab(
  server,
  journal,
  { owner = "tab", person = "ana", renewed = "t1" } = {},
) {
  const backend = createBackend({
    baseUrl: "http://x",
    token: () => "t1",
    renewToken: () => Promise.resolve({ token: renewed, person: "ana" }),
    client: owner,
    person,
    takesChanges: true,
    fetch: server.fetch,
  });
  /** @type {import("../../../labeler/ui/workbench/lane.js").LaneContext} */
  const context = {
    journal,
    backend,
    owner,
    person,
    onOthers: () => {},
    notify: () => {},
  };
  /** @type {Lane[]} */
  const lanes = [];
  return {
    async open(image = "i") {
      const answer = await backend.getDocument(image);
      if (answer.type !== "document") throw new Error(answer.type);
      lanes.push(createLane(context, image, answer));
      return /** @type {Lane} */ (lanes.at(-1));
    },
    /** @param {string} from */
    async recover(from) {
      for (const record of await journal.list()) {
        const taken = await journal.take(record.key, from, owner);
        if (!taken) continue;
        const lane = createLane(context, taken.image, { record: taken });
        lanes.push(lane);
        lane.resume();
      }
      return lanes;
    },
    close: () => lanes.forEach((lane) => lane.close()),
  };
}

/** @param {import("../../../labeler/ui/workbench/document.js").Doc} document */
const ids = (document) => document.rects.map((one) => one.id);
/** @param {Lane} lane */
const isSaved = (lane) => () => lane.state.saving === "saved";

/** @param {(parts: { server: ReturnType<typeof createServer>, journal: ReturnType<typeof createMemoryJournal> }) => Promise<() => void>} body */
async function scene(body) {
  const server = createServer();
  server.put("i", doc([rect("old")], "in_progress"));
  const journal = createMemoryJournal();
  (await body({ server, journal }))();
}

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

for (const mood of /** @type {const} */ (["fine", "lost", "unreached", 503])) {
  Deno.test(`a tab that dies after a PUT (${mood}) leaves its work to another one, once`, () =>
    scene(async ({ server, journal }) => {
      const one = tab(server, journal, { owner: "dead" });
      const lane = await one.open();
      server.mood = mood;
      lane.change(addRect(lane.document, rect("new")));
      await until(() => journal.records.size === 1);
      if (mood !== "fine") await until(() => ["offline", "failed"].includes(lane.state.saving));
      one.close();
      const record = structuredClone([...journal.records.values()]);
      await pause(10);
      journal.records.clear();
      record.forEach((left) => journal.records.set(left.key, left));
      server.mood = "fine";
      const [two, three] = ["two", "three"].map((owner) => tab(server, journal, { owner }));
      const lanes = (await Promise.all([two.recover("dead"), three.recover("dead")])).flat();
      assert.equal(lanes.length, 1);
      await until(isSaved(lanes[0]));
      assert.deepEqual(ids(server.get("i")), ["old", "new"]);
      return () => [two, three].forEach((each) => each.close());
    }));
}

/**
 * The lane of a tab that slept while another one took its work over, saved it and deleted it again.
 * @param {ReturnType<typeof createServer>} server
 * @param {ReturnType<typeof createMemoryJournal>} journal
 */
async function sleeping(server, journal) {
  const asleep = tab(server, journal, { owner: "asleep" });
  const lane = await asleep.open();
  server.mood = "unreached";
  lane.change(addRect(lane.document, rect("new")));
  await until(() => lane.state.failures === 5); // the next try is far away
  const other = tab(server, journal, { owner: "other" });
  server.mood = "fine";
  const [recovered] = await other.recover("asleep");
  await until(isSaved(recovered));
  recovered.change(deleteRects(recovered.document, ["new"]));
  await until(isSaved(recovered));
  assert.deepEqual(ids(server.get("i")), ["old"]);
  return { lane, close: () => [asleep, other].forEach((each) => each.close()) };
}

Deno.test("a tab that wakes after another one took its work does not bring back what was deleted", () =>
  scene(async ({ server, journal }) => {
    const { lane, close } = await sleeping(server, journal);
    lane.change(addRect(lane.document, rect("later")));
    lane.online();
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old", "later"]);
    return close;
  }));

Deno.test("a tab that wakes after another one took its work and has nothing new sends nothing", () =>
  scene(async ({ server, journal }) => {
    const { lane, close } = await sleeping(server, journal);
    const puts = server.puts().length;
    lane.online();
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old"]);
    assert.equal(server.puts().length, puts);
    return close;
  }));

Deno.test("a full disk is told, and the change is sent all the same", () =>
  scene(async ({ server, journal }) => {
    journal.isFull = true;
    const one = tab(server, journal);
    const lane = await one.open();
    server.mood = 503;
    lane.change(addRect(lane.document, rect("new")));
    await until(() => lane.state.saving === "failed");
    assert.equal(lane.unkept, true);
    server.mood = "fine";
    await until(isSaved(lane));
    assert.deepEqual(ids(server.get("i")), ["old", "new"]);
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

Deno.test("tabs that are cut, killed and taken over at random keep every box once", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    await scene(({ server, journal }) => storm(seed, server, journal));
  }
});

/**
 * @param {number} seed @param {ReturnType<typeof createServer>} server
 * @param {ReturnType<typeof createMemoryJournal>} journal
 */
async function storm(seed, server, journal) {
  let chance = seed;
  const random = () => (chance = (chance * 48271) % 2147483647) / 2147483647;
  const drawn = new Set(["old"]);
  /** @type {ReturnType<typeof tab>[]} */
  const all = [];
  /** @type {Map<Lane, Set<string>>} */
  const mine = new Map();
  let number = 0;
  /** @type {import("./fakes.js").Mood[]} */
  const moods = ["fine", "fine", "fine", "lost", "unreached", 503, 408];
  for (let life = 0; life < 4; life++) {
    server.mood = "fine";
    const tabs = [0, 1].map((index) => tab(server, journal, { owner: `${life}-${index}` }));
    all.push(...tabs);
    const lanes = await Promise.all(tabs.map((one) => one.open()));
    for (const before of all) await tabs[0].recover(`${life - 1}-${all.indexOf(before) % 2}`);
    server.mood = () => moods[Math.floor(random() * moods.length)];
    for (let step = 0; step < 8; step++) {
      const lane = lanes[Math.floor(random() * 2)];
      const id = `b${number++}`;
      // Of its own: a box whose write was not answered comes back if another tab deletes it.
      const own = lane.document.rects.filter((one) => mine.get(lane)?.has(one.id));
      if (random() < 0.25 && own.length) {
        const gone = own[Math.floor(random() * own.length)].id;
        drawn.delete(gone);
        lane.change(deleteRects(lane.document, [gone]));
      } else {
        drawn.add(id);
        mine.set(lane, new Set([...(mine.get(lane) ?? []), id]));
        lane.change(addRect(lane.document, rect(id)));
      }
      await pause(Math.floor(random() * 2500));
    }
    // A change counts as kept once it is in the journal.
    await pause(15);
    tabs.forEach((one) => one.close());
    await pause(10);
  }
  server.mood = "fine";
  const last = tab(server, journal, { owner: "last" });
  for (const owner of ["3-0", "3-1"]) await last.recover(owner);
  await until(() => journal.records.size === 0);
  assert.deepEqual([...ids(server.get("i"))].sort(), [...drawn].sort(), `seed ${seed}`);
  return last.close;
}
