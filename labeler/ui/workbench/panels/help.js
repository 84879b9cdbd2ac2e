// All keys, with presets and the person's own keys.

import { button, element, say } from "../dom.js";
import { icon } from "../icons.js";
import {
  ACTIONS,
  chordOf,
  clashes,
  digitOf,
  isFree,
  keysOf,
  PRESETS,
  readable,
} from "../keymap.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../keymap.js").Action} Action */

const FIXED = [
  ["Drag", "Draw a box (Ctrl: inside of a selected one too)"],
  ["Click", "Select; again for the box below; Shift for several, also while two clicks draw"],
  ["1 to 9, 0", "Label of the selected boxes, or of new ones; for the others press / and type"],
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
    {
      class: "help",
      "aria-label": "All keys",
      // Even when it is about to close, because the next key is meant for the image.
      oncancel: () => bench.set({ help: false }),
      onclose: () => bench.set({ help: false }),
    },
    element(
      "div",
      { class: "head" },
      element("h2", {}, "Keys"),
      element("label", {}, "Keys as in ", preset),
      button("Reset keys", "Reset keys", () => {
        bench.prefer({ keys: {} });
        draw();
      }, { class: "chip" }),
      button(icon("remove"), "Close", () => bench.set({ help: false })),
    ),
    said,
    body,
  ));
  /** The action that gets the next key. @type {Action | null} */
  let waiting = null;
  dialog.addEventListener("close", () => bench.focus());
  dialog.addEventListener("keydown", (event) => {
    if (!waiting || /^(?:Control|Shift|Alt|Meta)/.test(event.code)) return;
    event.preventDefault();
    const action = waiting;
    if (event.code !== "Escape") assign(action, event);
    draw();
    changer(action).focus();
  });

  /** @param {string} chord */
  const named = (chord) => readable(chord, bench.layout);

  /** @param {Action} action */
  const changer = (
    action,
  ) => /** @type {HTMLButtonElement} */ (body.querySelector(`[data-action=${action}]`));

  function draw() {
    waiting = null;
    const { preferences } = bench;
    preset.value = preferences.preset;
    const keys = bench.keys();
    const rows = Object.entries(ACTIONS).filter(([action]) => keys[action]).map(
      ([action, words]) => {
        const chords = (keys[action] ?? []).map(named).join(", ");
        const change = button(chords, `Change the key for: ${words}, now ${chords}`, () => {
          draw();
          waiting = /** @type {Action} */ (action);
          changer(waiting).textContent = "press a key …";
          changer(waiting).focus();
        }, { "data-action": action });
        return element("div", { class: "key" }, element("span", {}, words), change);
      },
    );
    const fixed = FIXED.map(([key, words]) =>
      element("div", { class: "key" }, element("span", {}, words), element("kbd", {}, key))
    );
    body.replaceChildren(...fixed, ...rows);
  }

  /** Gives the chord to the action, unless something else has it. @param {Action} action @param {KeyboardEvent} event */
  function assign(action, event) {
    const chord = chordOf(event);
    const keys = { ...bench.preferences.keys, [action]: [chord] };
    const clash = clashes(keysOf(bench.preferences.preset, keys, bench.ui.review !== null));
    if (!isFree(chord) || digitOf(event) !== null) {
      say(said, `${named(chord)} belongs to labels and boxes.`);
    } else if (clash.length) {
      const others = clash[0][1].filter((one) => one !== action);
      const words = others.map((one) => ACTIONS[/** @type {Action} */ (one)]);
      say(said, `${named(chord)} is already used by: ${words.join(", ")}.`);
    } else {
      say(said, "");
      bench.prefer({ keys });
    }
  }

  return {
    root: dialog,
    render() {
      if (bench.ui.help && !dialog.open) {
        draw();
        say(said, "");
        dialog.showModal();
      } else if (!bench.ui.help && dialog.open) dialog.close();
    },
  };
}
