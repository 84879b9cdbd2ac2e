// The queue of a session over a server in memory that hands out images.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createServer, doc, rect, startSession } from "./fakes.js";

/** @typedef {import("../../../labeler/ui/workbench/session.js").Session} Session */

/**
 * A desk hands out `images` in their order, as long as they need work and nobody has them.
 * `others` maps images to the people who have them, `calls` is what was asked for.
 */
function createDesk(names = ["a", "b", "c", "d"]) {
  const server = createServer();
  for (const name of names) {
    server.put(name, doc([rect(`${name}0`)], "in_progress"));
    server.list.push({ image_id: name, image_path: name, status: "in_progress", rects: 1 });
  }
  /** @type {Map<string, string>} */
  const others = new Map();
  /** @type {string[]} */
  const calls = [];
  const needsWork = (/** @type {string} */ name) =>
    server.get(name).metadata?.status === "in_progress" && !others.has(name);

  /** @param {string} after */
  function free(after) {
    const from = names.indexOf(after) + 1;
    const round = [...names.slice(from), ...names.slice(0, from)];
    return round.filter((name) => name !== after && needsWork(name));
  }

  /** @type {typeof fetch} */
  const answer = async (input, init) => {
    const { pathname, searchParams } = new URL(String(input));
    if (/\/api\/images\/./.test(pathname) && server.mood === "fine") return new Response("bytes");
    if (!pathname.startsWith("/api/claims")) return await server.fetch(input, init);
    await Promise.resolve();
    const method = init?.method ?? "GET";
    const image = pathname.split("/")[3] ?? "";
    if (server.mood === "unreached") throw new TypeError("no network");
    if (method === "GET") return Response.json({ images: free(searchParams.get("after") ?? "") });
    const { after, prefer, order } = JSON.parse(String(init?.body ?? "{}"));
    calls.push(method === "POST" ? `${order} after ${after ?? "nothing"}` : `${method} ${image}`);
    if (method === "DELETE") return new Response(null, { status: 204 });
    if (method === "PUT") {
      const who = others.get(image);
      const error = { code: "claimed", message: `${who} has this image.` };
      return who ? Response.json({ error }, { status: 409 }) : granted(image);
    }
    const found = free(after ?? "");
    const next = prefer.find((/** @type {string} */ one) => found.includes(one)) ?? found[0];
    return next ? granted(next) : new Response(null, { status: 204 });
  };
  const granted = (/** @type {string} */ image_id) => Response.json({ image_id, lease_s: 300 });
  return { server, others, calls, answer };
}

/** @param {(desk: ReturnType<typeof createDesk>, session: Session) => Promise<void>} body */
async function scene(body) {
  const desk = createDesk();
  const session = startSession(desk.answer, { image: "c" });
  await until(() => session.state.phase === "ready");
  try {
    await body(desk, session);
  } finally {
    session.close();
  }
}

/** @param {Session} session @param {string} image */
const shows = (session, image) =>
  until(() => session.state.image === image && session.state.phase === "ready");

Deno.test("done and next goes from image to image until nothing is left", () =>
  scene(async (desk, session) => {
    assert.equal(await session.queue.next(), "a");
    await shows(session, "a");
    desk.others.set("b", "Ben");
    assert.equal(await session.done(), "c");
    await shows(session, "c");
    assert.equal(await session.skip("Blurred"), "d");
    await shows(session, "d");
    assert.equal(await session.nothingHere(), null);
    assert.equal(session.state.queue.phase, "empty");
    await until(() => session.state.save.state === "saved");
    const asked = ["nothing", "a", "c", "d"].map((one) => `returned after ${one}`);
    assert.deepEqual([...new Set(desk.calls)], asked);
    assert.equal(desk.server.get("c").metadata?.skip_reason, "Blurred");
    assert.deepEqual([desk.server.get("d").rects, desk.server.get("d").metadata?.status], [
      [],
      "done",
    ]);
    desk.others.delete("b");
    assert.equal(await session.queue.next(), "b");
  }));

Deno.test("what this tab has finished and not saved yet is not given to it again", () =>
  scene(async (desk, session) => {
    desk.others.set("b", "Ben").set("c", "Ben").set("d", "Ben");
    assert.equal(await session.queue.next(), "a");
    await shows(session, "a");
    desk.others.delete("b");
    assert.equal(await session.done(), "b");
    await shows(session, "b");
    // Both are finished here before the server hears of one of them.
    assert.equal(await session.done(), null);
    assert.equal(session.state.queue.phase, "empty");
  }));

Deno.test("an undo leads back to the image, and gives the next one back", () =>
  scene(async (desk, session) => {
    await session.queue.next();
    await shows(session, "a");
    await session.done();
    await shows(session, "b");
    assert.ok(session.undoDone());
    assert.equal(session.state.image, "a");
    assert.equal(session.state.status, "in_progress");
    await until(() => desk.calls.includes("DELETE b"));
    desk.others.set("a", "Ben");
    session.dispatch({ type: "delete", ids: ["a0"] });
    await until(() => session.state.queue.phase === "taken");
    assert.match(session.state.queue.who, /^Ben has/);
    await until(() => session.state.save.state === "saved");
    assert.deepEqual(desk.server.get("a").rects, []);
  }));

Deno.test("without a connection the queue goes on with what was fetched ahead", () =>
  scene(async (desk, session) => {
    await session.queue.next();
    await shows(session, "a");
    await until(() => desk.server.calls.filter(({ image }) => image === "b").length > 0);
    await pause(50);
    desk.server.mood = "unreached";
    assert.equal(await session.done(), "b");
    assert.equal(session.state.queue.phase, "offline");
    assert.equal(session.state.phase, "ready");
    session.dispatch({ type: "delete", ids: ["b0"] });
    desk.server.mood = "fine";
    await until(() => session.state.queue.phase === "held");
    assert.ok(desk.calls.includes("PUT b"));
  }));

Deno.test("the order is sent, and leaving the queue gives the image back", () =>
  scene(async (desk, session) => {
    session.queue.setOrder("newest");
    await session.queue.next();
    session.queue.stop();
    assert.equal(session.state.queue.phase, "off");
    await until(() => desk.calls.includes("DELETE a"));
    await shows(session, "a");
    assert.equal(await session.done(), "b");
    assert.deepEqual(desk.calls, ["newest after nothing", "DELETE a"]);
  }));
