import assert from "node:assert/strict";
import {
  ACTIONS,
  chordOf,
  chordsOf,
  clashes,
  digitOf,
  isFree,
  keysOf,
  PRESETS,
  readable,
} from "../../../labeler/ui/workbench/keymap.js";

/** @param {string} code @param {object} [more] */
const press = (code, more = {}) => ({
  code,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
});

const ONLY_LABELING = ["done", "nothing", "skip", "skipReason", "claim", "repeat"];
const ONLY_REVIEW = ["approve", "giveBack", "before"];

Deno.test("no preset gives one key to two actions, and each names every action", () => {
  for (const preset of Object.keys(PRESETS)) {
    for (
      const [isReview, missing] of /** @type {const} */ ([[false, ONLY_REVIEW], [
        true,
        ONLY_LABELING,
      ]])
    ) {
      const keys = keysOf(preset, {}, isReview);
      assert.deepEqual(clashes(keys), [], preset);
      const all = Object.keys(ACTIONS).filter((action) => !missing.includes(action));
      assert.deepEqual(Object.keys(keys).sort(), all.sort());
    }
  }
});

Deno.test("a reviewer approves with the key of done, returns with R, and goes on as before", () => {
  const chords = chordsOf(keysOf("labeler", {}, true));
  assert.deepEqual(["Enter", "KeyR", "KeyD", "KeyA", "KeyS"].map((key) => chords.get(key)), [
    "approve",
    "giveBack",
    "next",
    "previous",
    undefined,
  ]);
  assert.equal(chordsOf(keysOf("labelImg", {}, true)).get("Space"), "approve");
  assert.equal(chordsOf(keysOf("labelStudio", {}, true)).get("KeyR"), "giveBack");
  const own = keysOf("labeler", { approve: ["KeyP"], giveBack: ["KeyD"] }, true);
  assert.equal(chordsOf(own).get("KeyP"), "approve");
  assert.ok(clashes(own).some(([chord]) => chord === "KeyD"));
  assert.equal(chordsOf(keysOf("labeler", { approve: ["KeyD"] })).get("KeyD"), "next");
});

Deno.test("keys are told by their place, with Cmd as Ctrl", () => {
  const chords = chordsOf(keysOf("labeler"));
  assert.equal(chords.get(chordOf(press("KeyZ", { key: "я", ctrlKey: true }))), "undo");
  assert.equal(chords.get(chordOf(press("KeyZ", { metaKey: true, shiftKey: true }))), "redo");
  assert.equal(chords.get(chordOf(press("KeyF", { shiftKey: true }))), "actual");
  assert.equal(chords.get(chordOf(press("KeyD", { altKey: true }))), undefined);
});

Deno.test("the digits are labels in the order of the keyboard", () => {
  assert.deepEqual(["Digit1", "Digit9", "Digit0", "Numpad3"].map((code) => digitOf(press(code))), [
    0,
    8,
    9,
    2,
  ]);
  assert.equal(digitOf(press("Digit1", { ctrlKey: true })), null);
  assert.equal(digitOf(press("Digit1", { ctrlKey: true }), "cvat"), 0);
  assert.equal(digitOf(press("KeyD")), null);
});

Deno.test("own keys replace those of the preset, and a clash is found", () => {
  const keys = keysOf("labeler", { next: ["KeyS"] });
  assert.deepEqual(clashes(keys), [["KeyS", ["next", "skip"]]]);
  assert.ok(!chordsOf(keys).has("KeyD"));
  assert.ok(!isFree("Digit4") && !isFree("ArrowUp") && isFree("Ctrl+KeyG"));
  assert.ok(isFree("Shift+KeyJ") && isFree("Alt+Period") && !isFree("ShiftLeft"));
});

Deno.test("chords are shown as people write them", () => {
  assert.deepEqual(["Ctrl+Shift+KeyZ", "Slash", "Shift+Slash", "Escape"].map(readable), [
    "Ctrl+Shift+Z",
    "/",
    "?",
    "Esc",
  ]);
});
