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

Deno.test("no preset gives one key to two actions, and each names every action", () => {
  for (const preset of Object.keys(PRESETS)) {
    assert.deepEqual(clashes(keysOf(preset)), [], preset);
    assert.deepEqual(Object.keys(keysOf(preset)).sort(), Object.keys(ACTIONS).sort());
  }
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
