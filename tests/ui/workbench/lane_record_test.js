// What the journal keeps of a lane whose tab dies, sleeps or is taken over, and whose disk is full:
// each box is there once, and nothing comes back.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { addRect, deleteRects } from "../../../labeler/ui/workbench/edits.js";
import { rect } from "./fakes.js";
import { ids, isSaved, scene, tab } from "./lane_scene.js";

/** @typedef {import("../../../labeler/ui/workbench/lane.js").Lane} Lane */

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
 * @param {import("./fakes.js").Server} server
 * @param {ReturnType<typeof import("./fakes.js").createMemoryJournal>} journal
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

Deno.test("tabs that are cut, killed and taken over at random keep every box once", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    await scene(({ server, journal }) => storm(seed, server, journal));
  }
});

/**
 * @param {number} seed @param {import("./fakes.js").Server} server
 * @param {ReturnType<typeof import("./fakes.js").createMemoryJournal>} journal
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
