// The claim of one tab: when it is asked for, renewed, lost and given back.

import assert from "node:assert/strict";
import { OFF, reduce } from "../../../labeler/ui/workbench/claims.js";

/** @typedef {import("../../../labeler/ui/workbench/claims.js").ClaimEvent} ClaimEvent */
/** @typedef {import("../../../labeler/ui/workbench/claims.js").ClaimState} ClaimState */

const LEASE = 300_000;

/** The last state, and all effects in short. @param {ClaimEvent[]} events */
function after(...events) {
  /** @type {ClaimState} */
  let state = OFF;
  /** @type {string[]} */
  const done = [];
  for (const event of events) {
    const next = reduce(state, event);
    state = next.state;
    done.push(...next.effects.map((one) => "image" in one ? `${one.type} ${one.image}` : one.type));
  }
  return { phase: state.phase, image: state.image, done: done.join(", ") };
}

/** @type {(isFinished?: boolean) => ClaimEvent} */
const asked = (isFinished = false) => ({ type: "asked", isFinished });
/** @type {(image: string, at?: number) => ClaimEvent} */
const claimed = (image, at = 0) => ({ type: "claimed", image, lease: LEASE, at });
/** @type {(image: string, at: number) => ClaimEvent} */
const renewed = (image, at) => ({ type: "renewed", image, lease: LEASE, at });
/** @type {(at: number) => ClaimEvent} */
const tick = (at) => ({ type: "tick", at });
/** @type {(at: number) => ClaimEvent} */
const acted = (at) => ({ type: "acted", at });
/** @type {(image: string, at?: number) => ClaimEvent} */
const changed = (image, at = 0) => ({ type: "changed", image, at });
/** @type {(image: string) => ClaimEvent} */
const opened = (image) => ({ type: "opened", image });
/** @type {(image?: string) => ClaimEvent} */
const unreached = (image = "") => ({ type: "unreached", image, who: "No answer.", at: 0 });

Deno.test("outside of the queue nothing is claimed, renewed or given back", () => {
  const events = [opened("a"), changed("a"), acted(9e9), tick(9e9)];
  assert.deepEqual(after(...events, { type: "stop" }), { phase: "off", image: "", done: "" });
});

Deno.test("who finishes an image keeps its claim, and who leaves it gives it back", () => {
  const begun = [asked(), claimed("a"), opened("a")];
  assert.deepEqual(after(...begun), { phase: "held", image: "a", done: "ask" });
  assert.equal(after(...begun, asked(true), claimed("b"), opened("b")).done, "ask, ask");
  assert.equal(after(...begun, asked(), claimed("b"), opened("b")).done, "ask, ask, release a");
  assert.equal(after(...begun, { type: "stop" }).done, "ask, release a");
  assert.equal(after(...begun, asked(true), { type: "stop" }).done, "ask, ask");
});

Deno.test("an image that is opened by hand is claimed with the first change", () => {
  const by_hand = [asked(), claimed("a"), opened("a"), opened("x")];
  assert.deepEqual(after(...by_hand), { phase: "free", image: "x", done: "ask, release a" });
  assert.equal(after(...by_hand, acted(9e9), tick(9e9)).done, "ask, release a");
  const changing = [...by_hand, changed("x", 0), changed("x", 100), changed("other", 9e9)];
  assert.equal(after(...changing).done, "ask, release a, renew x");
  const held = after(...changing, renewed("x", 0), opened("y"));
  assert.deepEqual(held, { phase: "free", image: "y", done: "ask, release a, renew x, release x" });
  assert.equal(after(...by_hand, opened("y")).done, "ask, release a");
});

Deno.test("what is opened while the next image is asked for is not replaced by it", () => {
  const end = after(asked(), opened("x"), claimed("a"));
  assert.deepEqual(end, { phase: "free", image: "x", done: "ask, release a" });
  assert.equal(after(asked(), { type: "stop" }, claimed("a")).done, "ask, release a");
  assert.equal(after(asked(), asked(), claimed("a"), claimed("a")).done, "ask");
});

Deno.test("a claim is renewed while somebody works, and ends when nobody does", () => {
  const begun = [asked(), claimed("a"), opened("a")];
  assert.equal(after(...begun, acted(LEASE / 3 - 1), tick(LEASE / 3 - 1)).done, "ask");
  assert.equal(after(...begun, acted(1), tick(LEASE / 3), tick(LEASE / 2)).done, "ask, renew a");
  assert.equal(after(...begun, acted(LEASE / 2)).done, "ask, renew a");
  assert.equal(after(...begun, tick(LEASE / 2), tick(LEASE - 1)).done, "ask");
  assert.deepEqual(after(...begun, tick(LEASE)), { phase: "ended", image: "a", done: "ask" });
  const back = [...begun, tick(LEASE), tick(2 * LEASE), acted(3 * LEASE)];
  assert.deepEqual(after(...back), { phase: "ended", image: "a", done: "ask, renew a" });
  assert.equal(after(...back, renewed("a", 3 * LEASE)).phase, "held");
  assert.equal(after(...back, renewed("a", 3 * LEASE), tick(4 * LEASE - 1)).phase, "held");
});

Deno.test("an image that somebody else has is not given back, and asked for again later", () => {
  /** @type {ClaimEvent} */
  const taken = { type: "taken", image: "a", who: "Ben has it." };
  const lost = [asked(), claimed("a"), tick(LEASE), acted(LEASE), taken];
  assert.deepEqual(after(...lost), { phase: "taken", image: "a", done: "ask, renew a" });
  assert.equal(after(...lost, acted(LEASE + 14_999)).done, "ask, renew a");
  assert.equal(after(...lost, acted(LEASE + 15_000)).done, "ask, renew a, renew a");
  assert.equal(after(...lost, opened("b")).done, "ask, renew a");
  assert.equal(after(asked(), claimed("b"), taken).phase, "held");
});

Deno.test("when nothing is left, nothing is asked for until somebody does", () => {
  const empty = [
    asked(),
    claimed("a"),
    asked(true),
    /** @type {ClaimEvent} */ ({ type: "nothing" }),
  ];
  assert.deepEqual(after(...empty, acted(9e9), tick(9e9)), {
    phase: "empty",
    image: "a",
    done: "ask, ask",
  });
  assert.equal(after(...empty, asked(), claimed("b")).phase, "held");
});

Deno.test("a server that refuses ends the queue, and gives back what was held", () => {
  /** @type {ClaimEvent} */
  const refused = { type: "refused", who: "Not for you." };
  assert.deepEqual(after(asked(), refused), { phase: "off", image: "", done: "ask" });
  const held = [asked(), claimed("a"), asked(), refused];
  assert.equal(after(...held).done, "ask, ask, release a");
  assert.equal(
    reduce(reduce({ ...OFF, phase: "asking" }, refused).state, opened("b")).state.who,
    "",
  );
});

Deno.test("without a connection the queue goes on with what is here, and asks again", () => {
  const alone = [asked(), unreached()];
  assert.deepEqual(after(...alone, tick(2_999)), { phase: "offline", image: "", done: "ask" });
  assert.equal(after(...alone, tick(3_000), tick(6_000)).done, "ask, ask");
  const there = [asked(), claimed("a"), asked(true), unreached("b"), opened("b")];
  assert.deepEqual(after(...there), { phase: "offline", image: "b", done: "ask, ask" });
  assert.equal(after(...there, opened("c")).done, "ask, ask");
  const back = [...there, tick(3_000), tick(4_000)];
  assert.equal(after(...back).done, "ask, ask, renew b");
  assert.equal(after(...back, renewed("b", 3_000)).phase, "held");
  const stays = [asked(), claimed("a"), asked(true), unreached(), tick(3_000)];
  assert.deepEqual(after(...stays), { phase: "asking", image: "a", done: "ask, ask, ask" });
});

Deno.test("after a reload the tab renews its own claim and goes on in the queue", () => {
  const first = reduce(OFF, { type: "resumed", image: "a", at: 5 });
  assert.deepEqual(first.effects, [{ type: "renew", image: "a" }]);
  const opened = reduce(first.state, { type: "opened", image: "a" });
  assert.deepEqual(opened.effects, []);
  const held = reduce(opened.state, { type: "renewed", image: "a", lease: 100, at: 6 });
  assert.deepEqual([held.state.phase, held.state.until], ["held", 106]);
  const taken = reduce(opened.state, { type: "taken", image: "a", who: "Ben has it." });
  assert.deepEqual([taken.state.phase, taken.state.who], ["taken", "Ben has it."]);
  assert.equal(reduce(held.state, { type: "resumed", image: "b", at: 7 }).state, held.state);
});
