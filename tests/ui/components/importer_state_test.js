// What the importer does when: looking first, then importing.

import assert from "node:assert/strict";
import { EMPTY, isRunning, reduceImporter } from "../../../labeler/ui/components/importer_state.js";

/** @typedef {import("../../../labeler/ui/components/importer_state.js").ImporterEvent} ImporterEvent */

const [A, B, C] = ["a", "b", "c"].map((name) => new File([], name));
/** @param {File} file @returns {ImporterEvent} */
const chosen = (file) => ({ type: "chosen", file });
/** @type {ImporterEvent} */
const ENDED = { type: "ended" };
/** @type {ImporterEvent} */
const AGREED = { type: "agreed" };
/** @type {ImporterEvent} */
const CHANGED = { type: "changed" };

/** What the events have the view do, and where it ends. @param {ImporterEvent[]} events */
function after(...events) {
  /** @type {(string | undefined)[]} */
  const effects = [];
  let state = EMPTY;
  for (const event of events) {
    const step = reduceImporter(state, event);
    state = step.state;
    effects.push(step.effect && `${step.effect} ${state.file?.name}`);
  }
  return { effects, state };
}

Deno.test("a file is looked at, and imported when the person agrees", () => {
  const { effects, state } = after(chosen(A), ENDED, AGREED, ENDED);
  assert.deepEqual(effects, ["look a", undefined, "import a", undefined]);
  assert.deepEqual(state, { phase: "shown", file: A, waiting: null });
});

Deno.test("another choice of format looks again, but not during a run or without a file", () => {
  assert.deepEqual(after(CHANGED, AGREED, ENDED).state, EMPTY);
  const { effects } = after(chosen(A), CHANGED, AGREED, ENDED, CHANGED);
  assert.deepEqual(effects, ["look a", undefined, undefined, undefined, "look a"]);
});

Deno.test("of the files that are chosen during a dry run, the last one is looked at next", () => {
  const { effects, state } = after(chosen(A), chosen(B), chosen(C), ENDED);
  assert.deepEqual(effects, ["look a", "wait a", "wait a", "look c"]);
  assert.deepEqual(state, { phase: "looking", file: C, waiting: null });
});

Deno.test("a file that is chosen during an import is refused", () => {
  const { effects, state } = after(chosen(A), ENDED, AGREED, chosen(B));
  assert.equal(effects.at(-1), "refuse a");
  assert.deepEqual(state, { phase: "importing", file: A, waiting: null });
});

Deno.test("a run is under way while looking and importing", () => {
  assert.deepEqual(
    [after(), after(chosen(A)), after(chosen(A), ENDED), after(chosen(A), ENDED, AGREED)]
      .map(({ state }) => isRunning(state)),
    [false, true, false, true],
  );
});
