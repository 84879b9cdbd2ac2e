import assert from "node:assert/strict";
import {
  actionOf,
  ACTIONS,
  chordOf,
  chordsOf,
  clashes,
  codeOf,
  digitOf,
  isFree,
  keysOf,
  layoutOf,
  PRESETS,
  readable,
  titleOf,
} from "../../../labeler/ui/workbench/keymap.js";

/** @param {string} code @param {object} [more] */
const press = (code, more = {}) => ({
  code,
  key: "",
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

const CTRL = { ctrlKey: true };
const SHIFT = { shiftKey: true };

Deno.test("keys that people know by a sign work where the keyboard has it", () => {
  const keys = keysOf("labeler");
  for (
    const [code, key, modifiers, action] of /** @type {[string, string, object, string][]} */ ([
      ["Slash", "?", SHIFT, "help"],
      ["Minus", "?", SHIFT, "help"], // German
      ["KeyM", "?", SHIFT, "help"], // French
      ["Comma", "?", SHIFT, "help"], // Czech
      ["Slash", "/", {}, "find"],
      ["Digit7", "/", SHIFT, "find"], // German
      ["Period", "/", SHIFT, "find"], // French
      ["NumpadDivide", "/", {}, "find"],
      ["Slash", ".", {}, "find"], // Russian: no sign of ours, so the place counts
      ["Equal", "=", {}, "zoomIn"],
      ["Equal", "+", SHIFT, "zoomIn"],
      ["BracketRight", "+", {}, "zoomIn"], // German
      ["NumpadAdd", "+", {}, "zoomIn"],
      ["Minus", "-", {}, "zoomOut"],
      ["Slash", "-", {}, "find"], // German: the place comes first
      ["NumpadSubtract", "-", {}, "zoomOut"],
      ["Minus", "ß", {}, "zoomOut"],
    ])
  ) assert.equal(actionOf(keys, press(code, { key, ...modifiers })), action, `${code} ${key}`);
  const other = keysOf("labelStudio");
  assert.equal(actionOf(other, press("Slash", { key: "-", ...CTRL })), "zoomOut"); // no Ctrl+Slash
  assert.equal(actionOf(other, press("Equal", { key: "+", ...CTRL, ...SHIFT })), "zoomIn");
});

Deno.test("letters with Ctrl are told by their place, and else by what they print", () => {
  const keys = keysOf("labeler");
  for (
    const [code, key, modifiers, action] of /** @type {[string, string, object, string][]} */ ([
      ["KeyZ", "y", CTRL, "undo"], // German
      ["KeyY", "z", CTRL, "redo"],
      ["KeyW", "z", CTRL, "undo"], // French: the place means nothing
      ["KeyZ", "w", CTRL, "undo"],
      ["KeyQ", "a", { metaKey: true }, "all"],
      ["KeyZ", "я", CTRL, "undo"], // Russian
      ["KeyQ", "a", {}, "difficult"],
      ["KeyA", "q", {}, "previous"],
    ])
  ) assert.equal(actionOf(keys, press(code, { key, ...modifiers })), action, `${code} ${key}`);
  assert.equal(actionOf(keys, press("KeyW", { key: "z", ctrlKey: true, altKey: true })), undefined);
});

Deno.test("without Num Lock the number pad deletes and moves, and gives no label", () => {
  const off = press("Numpad4", { key: "ArrowLeft" });
  assert.equal(digitOf(off), null);
  assert.equal(codeOf(off), "ArrowLeft");
  const keys = keysOf("labeler");
  assert.equal(actionOf(keys, press("NumpadDecimal", { key: "Delete" })), "remove");
  assert.equal(actionOf(keys, press("NumpadDecimal", { key: "." })), undefined);
  assert.equal(actionOf(keys, press("NumpadEnter", { key: "Enter" })), "done");
});

Deno.test("the digits are labels in the order of the keyboard", () => {
  assert.deepEqual(["Digit1", "Digit9", "Digit0", "Numpad3"].map((code) => digitOf(press(code))), [
    0,
    8,
    9,
    2,
  ]);
  assert.equal(digitOf(press("Digit6", { key: "-" })), 5); // French
  assert.equal(digitOf(press("Digit6", { key: "6", shiftKey: true })), 5);
  assert.equal(digitOf(press("Digit6", { key: "^", shiftKey: true })), null);
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
  const us = new Map([["KeyZ", "z"], ["Slash", "/"], ["Equal", "="], ["Minus", "-"]]);
  for (const layout of [new Map(), us]) {
    assert.deepEqual(
      ["Ctrl+Shift+KeyZ", "Slash", "Shift+Slash", "Escape", "Equal", "Minus"].map((chord) =>
        readable(chord, layout)
      ),
      ["Ctrl+Shift+Z", "/", "?", "Esc", "+", "−"],
    );
  }
});

Deno.test("keys are shown by what they print in the person's layout", async () => {
  const german = new Map([["KeyZ", "y"], ["KeyY", "z"], ["Minus", "ß"], ["Slash", "-"]]);
  const found = await layoutOf({ getLayoutMap: () => Promise.resolve(german) });
  assert.deepEqual(
    ["Ctrl+KeyZ", "KeyY", "KeyD", "Minus", "Slash", "Shift+Slash", "Enter"].map((chord) =>
      readable(chord, found)
    ),
    ["Ctrl+Y", "Z", "D", "ß", "-", "?", "Enter"],
  );
  assert.equal(titleOf("undo", keysOf("labeler"), found), "Undo (Ctrl+Y)");
  const russian = new Map([["KeyD", "в"]]);
  assert.equal(readable("Shift+KeyD", russian), "Shift+В");
});

Deno.test("a browser that doesn't tell the layout has the US names", async () => {
  const refused = { getLayoutMap: () => Promise.reject(new Error("in a frame")) };
  for (const keyboard of [undefined, {}, refused]) {
    assert.equal(titleOf("undo", keysOf("labeler"), await layoutOf(keyboard)), "Undo (Ctrl+Z)");
  }
});
