import assert from "node:assert/strict";
import {
  fetchAhead,
  importsOf,
  partsNamed,
} from "../../../labeler/ui/components/presence_files.js";
import { HERE, reducePresence, waits } from "../../../labeler/ui/components/presence_state.js";

/** @typedef {import("../../../labeler/ui/components/presence_state.js").PresenceEvent} PresenceEvent */
/** @typedef {import("../../../labeler/ui/components/presence_state.js").State} State */

/** @param {(PresenceEvent["type"] | boolean)[]} names a boolean stands for "ran" */
function after(...names) {
  let state = HERE;
  /** @type {readonly string[]} */
  let effects = [];
  for (const name of names) {
    const event = typeof name === "boolean"
      ? /** @type {const} */ ({ type: "ran", running: name })
      : /** @type {PresenceEvent} */ ({ type: name });
    ({ state, effects } = reducePresence(state, event));
  }
  return { ...state, effects };
}

Deno.test("a tab that is left alone closes its connection, and opens it at a key", () => {
  assert.equal(after("letGo").connection, "pausing");
  assert.deepEqual(after("letGo").effects, ["terminate"]);
  const paused = after("letGo", "lost");
  assert.deepEqual([paused.connection, paused.covered], ["paused", true]);
  assert.deepEqual(paused.effects, ["stopWaiting", "cover"]);
  const opening = after("letGo", "lost", "input");
  assert.deepEqual([opening.connection, opening.covered], ["away", true]);
  assert.deepEqual(opening.effects, ["restart"]);
  const back = after("letGo", "lost", "input", "found", true, false, "drawn", "settled");
  assert.deepEqual([back.connection, back.covered], ["here", false]);
  assert.deepEqual(back.effects, ["touch", "uncover", "news"]);
});

Deno.test("a client that keeps the connection is let be", () => {
  const { connection, effects } = after("letGo", "unheard");
  assert.deepEqual([connection, effects], ["here", ["touch"]]);
  assert.equal(after("letGo", "lost", "unheard").connection, "paused");
});

Deno.test("a connection that is back at once is not told", () => {
  const { connection, effects } = after("lost", "found", false, "drawn", "settled");
  assert.equal(connection, "here");
  assert.deepEqual(effects, ["touch", "uncover"]);
});

Deno.test("a connection that stays away is told, and so is that it is back", () => {
  assert.deepEqual(after("lost", "late").effects, ["tellAway"]);
  assert.deepEqual(after("lost", "found", "late").effects, ["tellAway"]);
  const back = after("lost", "late", "found", "drawn", "settled");
  assert.deepEqual([back.told, back.effects], [false, ["touch", "uncover", "news"]]);
});

Deno.test("a connection that is lost again begins anew", () => {
  const again = after("lost", "late", "found", true, "lost");
  assert.deepEqual([again.connection, again.told], ["away", true]);
  assert.deepEqual([again.running, again.effects], [false, ["stopWaiting", "tellLater"]]);
  assert.equal(after("lost", "found", "drawn", "lost", "found").drawn, false);
});

Deno.test("a page that was paused and is lost again stays covered until it is back", () => {
  const { connection, covered } = after("letGo", "lost", "input", "lost", "found");
  assert.deepEqual([connection, covered], ["back", true]);
  assert.equal(after("letGo", "lost", "lost").connection, "paused");
});

Deno.test("keys and runs change nothing while the tab is connected", () => {
  for (const name of /** @type {const} */ (["input", "found", "late", "unheard", "settled"])) {
    const { connection, effects } = after(name);
    assert.deepEqual([connection, effects], ["here", []], name);
  }
  assert.deepEqual(after(true).effects, []);
  assert.equal(after(true).running, true);
});

Deno.test("whatever comes in whatever order, a found connection can settle", () => {
  const names =
    /** @type {const} */ (["letGo", "unheard", "lost", "found", "input", "late", "drawn"]);
  /** @type {PresenceEvent["type"][][]} */
  let runs = [[]];
  for (let length = 0; length < 4; length += 1) {
    runs = runs.flatMap((run) => names.map((name) => [...run, name]));
    for (const run of runs) {
      assert.equal(after(...run, "lost", "found", "settled").connection, "here", run.join());
    }
  }
});

Deno.test("a tab settles soon after the page was drawn, and asks for a run where none comes", () => {
  /** @param {Partial<State>} more */
  const of = (more) => waits({ ...HERE, connection: "back", ...more });
  assert.deepEqual(of({}), { settled: 12000, ask: 300 });
  assert.deepEqual(of({ running: true }), { settled: 12000, ask: null });
  assert.deepEqual(of({ drawn: true, running: true }), { settled: 12000, ask: null });
  assert.deepEqual(of({ drawn: true }), { settled: 150, ask: null });
});

Deno.test("the page's parts are fetched with all that they import, each once", async () => {
  const base = "http://host/static/js/";
  /** @type {Record<string, string>} */
  const files = {
    "index.1.js": 'a("./Toast.x-1.js");b("./Slider.y.js","./Slider.z.js");c("./Other.q.js")',
    "Slider.y.js": 'import{a}from"./shared.js";import"./index.1.js"',
    "Slider.z.js": 'import {b} from "./shared.js"',
    "shared.js": 'import "./deep.js"',
  };
  /** @type {string[]} */
  const read = [];
  await fetchAhead(`${base}index.1.js`, (url) => {
    const name = url.slice(base.length);
    read.push(name);
    return Promise.resolve(files[name] ?? "");
  });
  assert.deepEqual(read, [
    ...["index.1.js", "Slider.y.js", "shared.js", "deep.js", "Slider.z.js", "Toast.x-1.js"],
  ]);
  assert.deepEqual(partsNamed(""), []);
  assert.deepEqual(importsOf('export*from"./a.js";import("./b.js")'), ["./a.js"]);
});
