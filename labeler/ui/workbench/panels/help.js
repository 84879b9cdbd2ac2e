// All keys, with presets and the keys of one's own.

import { button, element } from "../dom.js";
import { ACTIONS, chordOf, clashes, isFree, keysOf, PRESETS, readable } from "../keymap.js";

/** @typedef {import("../contract.js").Bench} Bench */

const FIXED = [
  ["Drag", "Draw a box (Ctrl: inside of a selected one too)"],
  ["Click", "Select; again for the box below; Shift for several"],
  ["1 to 9, 0", "Label of the selected boxes, or of the next one"],
  ["Arrows", "Move the selected boxes by 1 pixel, with Shift by 10; with Ctrl resize"],
  ["Wheel, pinch", "Zoom to the cursor"],
  ["Middle button", "Pan"],
];

/** @param {Bench} bench */
export function createHelp(bench) {
  const body = element("div", { class: "keys" });
  const said = element("p", { class: "said", role: "status" });
  const preset = /** @type {HTMLSelectElement} */ (element(
    "select",
    {
      "aria-label": "Keys as in",
      onchange: () => {
        bench.prefer({ preset: preset.value, keys: {} });
        draw();
      },
    },
    ...Object.entries(PRESETS).map(([value, name]) => element("option", { value }, name)),
  ));
  const dialog = /** @type {HTMLDialogElement} */ (element(
    "dialog",
    { class: "help", "aria-label": "All keys", onclose: () => bench.set({ help: false }) },
    element(
      "div",
      { class: "head" },
      element("h2", {}, "Keys"),
      element("label", {}, "Keys as in ", preset),
      button("✕", "Close", () => dialog.close()),
    ),
    said,
    body,
  ));
  dialog.addEventListener("close", () => bench.focus());

  function draw() {
    const { preferences } = bench;
    preset.value = preferences.preset;
    const keys = keysOf(preferences.preset, preferences.keys);
    const rows = Object.entries(ACTIONS).map(([action, words]) => {
      const chords = (keys[action] ?? []).map(readable).join(", ");
      const change = button(chords, `Change the key for: ${words}, now ${chords}`, () => {});
      change.addEventListener("click", () => listen(change, action));
      return element("div", { class: "key" }, element("span", {}, words), change);
    });
    const fixed = FIXED.map(([key, words]) =>
      element("div", { class: "key" }, element("span", {}, words), element("kbd", {}, key))
    );
    body.replaceChildren(...fixed, ...rows);
  }

  /** @param {HTMLButtonElement} place @param {string} action */
  function listen(place, action) {
    place.textContent = "press a key …";
    place.addEventListener("keydown", (event) => {
      if (/^(?:Control|Shift|Alt|Meta)/.test(event.code)) return listen(place, action);
      event.preventDefault();
      event.stopPropagation();
      const chord = chordOf(event);
      const keys = { ...bench.preferences.keys, [action]: [chord] };
      const clash = clashes(keysOf(bench.preferences.preset, keys));
      if (!isFree(chord)) said.textContent = `${readable(chord)} belongs to labels and boxes.`;
      else if (clash.length) {
        const others = clash[0][1].filter((one) => one !== action);
        const words = others.map((one) => ACTIONS[/** @type {keyof typeof ACTIONS} */ (one)]);
        said.textContent = `${readable(chord)} is taken by: ${words.join(", ")}.`;
      } else {
        said.textContent = "";
        bench.prefer({ keys });
      }
      draw();
    }, { once: true });
  }

  return {
    root: dialog,
    render() {
      if (bench.ui.help && !dialog.open) {
        draw();
        said.textContent = "";
        dialog.showModal();
      } else if (!bench.ui.help && dialog.open) dialog.close();
    },
  };
}
