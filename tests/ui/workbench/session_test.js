// A session over a server in memory: opening, going on, undo, and what the page is told.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createServer, doc, rect, startSession } from "./fakes.js";

/** @typedef {import("./fakes.js").Server} Server */
/** @typedef {import("../../../labeler/ui/workbench/session.js").Session} Session */

/** @param {Server} server @param {object} [more] */
const start = (server, more) =>
  startSession(
    (input, init) =>
      /\/api\/images\/./.test(String(input)) && server.mood === "fine"
        ? Promise.resolve(new Response("bytes"))
        : server.fetch(input, init),
    { image: "a", ...more },
  );

/** @param {(server: Server, session: Session) => Promise<void>} body @param {object} [more] */
async function scene(body, more = {}) {
  const server = createServer();
  for (const name of ["a", "b", "c", "d", "e"]) {
    server.put(name, doc([rect(`${name}0`)], "in_progress"));
    server.list.push({
      image_id: name,
      image_path: `${name}.jpg`,
      status: "in_progress",
      rects: 1,
    });
  }
  server.list.push({ image_id: "new", image_path: "new.jpg", status: "unlabeled", rects: 0 });
  const session = start(server, more);
  await until(() => session.state.phase === "ready");
  try {
    await body(server, session);
  } finally {
    session.close();
  }
}

/** Until these images and the list are here. @param {Server} server @param {Session} session */
async function fetched(server, session, images = ["b", "c", "d"]) {
  await until(() => session.state.position !== null);
  await until(() => images.every((name) => server.calls.some(({ image }) => image === name)));
  await pause(); // what was answered is read
}

/** @param {any} document @returns {string[]} */
const ids = (document) => document.rects.map((/** @type {any} */ one) => one.id);

Deno.test("a box drawn right before going on lands on its image, and the next one is at once ready", () =>
  scene(async (server, session) => {
    await fetched(server, session);
    session.dispatch({ type: "add", rect: rect("drawn") });
    assert.equal(session.state.save.state, "pending");
    session.next();
    assert.equal(session.state.image, "b");
    assert.equal(session.state.phase, "ready");
    assert.deepEqual(ids(session.state.doc), ["b0"]);
    await until(() => session.state.save.state === "saved");
    assert.deepEqual(ids(server.get("a")), ["a0", "drawn"]);
    assert.deepEqual(ids(server.get("b")), ["b0"]);
    assert.equal(server.puts().length, 1);
  }));

Deno.test("an action that is meant for another image is not done", () =>
  scene((_, session) => {
    assert.equal(session.dispatch({ type: "delete", ids: ["a0"], image: "b" }), false);
    assert.deepEqual(ids(session.state.doc), ["a0"]);
    return Promise.resolve();
  }));

Deno.test("listeners hear each change once, and the state is frozen", () =>
  scene(async (_, session) => {
    await pause(30);
    let heard = 0;
    const end = session.subscribe(() => heard++);
    session.dispatch({ type: "select", ids: ["a0", "nowhere"] });
    assert.deepEqual(session.state.selection, ["a0"]);
    assert.equal(heard, 1);
    end();
    session.dispatch({ type: "select", ids: [] });
    assert.equal(heard, 1);
    assert.throws(() => session.state.image = "x");
  }));

Deno.test("undo and redo of everything save, and end where they began", () =>
  scene(async (server, session) => {
    const actions = /** @type {any[]} */ ([
      { type: "add", rect: rect("n") },
      { type: "change", ids: ["n"], rects: [{ left: 390, top: 1, width: 30, height: 5 }] },
      { type: "label", ids: ["n", "a0"], label: "dog" },
      { type: "attribute", ids: ["n"], name: "occluded", value: true },
      { type: "paste", rects: [rect("x", 50)] },
      { type: "status", status: "done" },
      { type: "delete", ids: ["a0"] },
    ]);
    const before = session.state.doc;
    for (const action of actions) assert.equal(session.dispatch(action), true, action.type);
    const after = session.state.doc;
    assert.equal(after.rects[0].left + after.rects[0].width, 400);
    await until(() => session.state.save.state === "saved");
    for (const _ of actions) assert.equal(session.dispatch({ type: "undo" }), true);
    assert.equal(session.state.canUndo, false);
    assert.deepEqual(session.state.doc.rects, before.rects);
    assert.equal(session.state.status, "in_progress");
    await until(() => session.state.save.state === "saved");
    assert.deepEqual(ids(server.get("a")), ["a0"]);
    for (const _ of actions) session.dispatch({ type: "redo" });
    assert.deepEqual(session.state.doc.rects, after.rects);
    await until(() => session.state.save.state === "saved");
    assert.equal(server.get("a").metadata?.status, "done");
  }));

Deno.test("what another person's merge brought is not undone", () =>
  scene(async (server, session) => {
    server.put("a", doc([rect("a0", 10, { label: "dog" }), rect("theirs")], "in_progress"));
    session.dispatch({ type: "change", ids: ["a0"], rects: [rect("a0", 55)] });
    await until(() => session.state.save.state === "saved");
    assert.deepEqual(ids(session.state.doc), ["a0", "theirs"]);
    session.dispatch({ type: "undo" });
    await until(() => session.state.save.state === "saved");
    assert.deepEqual(server.get("a").rects, [rect("a0", 10, { label: "dog" }), rect("theirs")]);
  }));

Deno.test("done and next can be taken back from the next image, for ten seconds", () => {
  return scene(async (server, session) => {
    await session.done();
    assert.equal(session.state.image, "b");
    assert.equal(session.state.undoDone, "a");
    session.dispatch({ type: "undo" });
    assert.equal(session.state.image, "a");
    assert.equal(session.state.status, "in_progress");
    await session.done();
    await pause(10_000);
    assert.equal(session.dispatch({ type: "undo" }), false);
    await until(() => session.state.save.state === "saved");
    assert.equal(server.get("a").metadata?.status, "done");
  });
});

Deno.test("an image that was listed and never labeled is created by its first box", () =>
  scene(async (server, session) => {
    session.open("new");
    await until(() => session.state.phase === "ready");
    assert.equal(session.state.status, "unlabeled");
    session.dispatch({ type: "add", rect: rect("n", 390) });
    await until(() => session.state.save.state === "saved");
    assert.equal(server.puts().at(-1)?.status, 201);
    const { image_path, image_width, metadata, rects } = server.get("new");
    assert.deepEqual([image_path, image_width, metadata?.status], ["new.jpg", 400, "in_progress"]);
    assert.equal(rects[0].left + rects[0].width, 400);
  }));

Deno.test("work goes on without a connection over images that are here, and is counted", () =>
  scene(async (server, session) => {
    await fetched(server, session);
    server.mood = "unreached";
    session.dispatch({ type: "add", rect: rect("n1") });
    session.next();
    session.dispatch({ type: "add", rect: rect("n2") });
    await until(() => session.state.save.state === "offline");
    assert.equal(session.state.save.count, 2);
    assert.match(session.state.save.message, /can't keep a copy/);
    server.mood = "fine";
    await until(() => session.state.save.state === "saved");
    assert.deepEqual([ids(server.get("a")), ids(server.get("b"))], [["a0", "n1"], ["b0", "n2"]]);
  }));

Deno.test("the list before serves until the one with other filters is here", () =>
  scene(async (server, session) => {
    await fetched(server, session);
    server.mood = "unreached";
    session.setFilters({ status: "in_progress" });
    await pause(20);
    assert.equal(session.state.position?.index, 0);
    assert.equal(await session.next(), "b");
    server.mood = "fine";
    server.list = server.list.filter(({ image_id }) => image_id !== "c");
    session.setFilters({ status: "in_progress" });
    await until(() => session.state.position?.total === 5);
    assert.equal(await session.next(), "d");
  }));

Deno.test("the end of the list before is not the end of the one that is on its way", () =>
  scene(async (server, session) => {
    await fetched(server, session);
    const all = server.list;
    server.list = all.slice(0, 1);
    session.setFilters({ status: "done" });
    await until(() => session.state.position?.total === 1);
    assert.equal(await session.next(), null);
    server.list = all;
    session.setFilters({});
    assert.equal(await session.next(), "b");
    session.setFilters({});
    session.open("new");
    assert.equal(await session.next(), null);
  }));

Deno.test("boxes of the previous image come from memory or from the server", () =>
  scene(async (_, session) => {
    assert.deepEqual(await session.previousImageRects(), []);
    session.open("d");
    await until(() => session.state.phase === "ready");
    assert.deepEqual(ids({ rects: await session.previousImageRects() }), ["a0"]);
  }));

Deno.test("an image that is not there is an error that says so", () =>
  scene(async (_, session) => {
    session.open("nowhere");
    await until(() => session.state.phase === "error");
    assert.equal(session.state.error, "error 404");
    assert.equal(session.dispatch({ type: "add", rect: rect("n") }), false);
    session.open("b");
    await until(() => session.state.phase === "ready");
  }));
