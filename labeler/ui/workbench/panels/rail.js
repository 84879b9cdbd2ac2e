// The rail of tools beside the image.

import { button, element, mark } from "../dom.js";
import { icon } from "../icons.js";
import { ACTIONS } from "../keymap.js";
import { createStop } from "../toolbar.js";

/** @typedef {import("../contract.js").Bench} Bench */

const TOOLS = /** @type {const} */ ([
  "undo",
  "redo",
  "fit",
  "actual",
  "zoomIn",
  "zoomOut",
  "add",
  "twoClicks",
  "crosshair",
]);

/** @param {Bench} bench */
export function createRail(bench) {
  const { session } = bench;
  const buttons = TOOLS.map((action) => {
    const one = button(
      action === "actual" ? "1:1" : icon(action),
      ACTIONS[action],
      () => bench.act(action),
    );
    return { action, one };
  });
  const display = element("details", { class: "display" });
  const summary = element(
    "summary",
    { "aria-label": "Display", title: "Display" },
    icon("display"),
  );
  display.append(
    summary,
    element(
      "div",
      { class: "sliders" },
      slider(bench, "brightness", "Brightness", 20, 300),
      slider(bench, "contrast", "Contrast", 20, 300),
      slider(bench, "opacity", "Opacity of boxes", 0, 80),
      element(
        "label",
        {},
        element("input", {
          type: "checkbox",
          checked: bench.preferences.tags,
          onchange: (/** @type {Event} */ event) =>
            bench.prefer({ tags: /** @type {HTMLInputElement} */ (event.target).checked }),
        }),
        " Names of labels",
      ),
      button("Reset", "Reset brightness and contrast", () => {
        bench.prefer({ brightness: 100, contrast: 100 });
        for (const input of display.querySelectorAll("input[type=range]")) {
          const range = /** @type {HTMLInputElement} */ (input);
          if (range.name !== "opacity") range.value = "100";
        }
      }),
    ),
  );
  const root = element(
    "div",
    { class: "rail", role: "toolbar", "aria-label": "Tools" },
    ...buttons.map(({ one }) => one),
    display,
  );
  const renderStop = createStop(root, [...buttons.map(({ one }) => one), summary]);
  return {
    root,
    render() {
      const { state } = session;
      for (const { action, one } of buttons) {
        mark(one, "title", bench.titleOf(action));
        if (action === "undo") one.disabled = !state.canUndo;
        if (action === "redo") one.disabled = !state.canRedo;
        if (action === "add") one.disabled = state.readOnly || state.phase !== "ready";
        if (action === "crosshair" || action === "twoClicks") {
          mark(one, "aria-pressed", bench.preferences[action]);
        }
      }
      renderStop();
    },
  };
}

/** @param {Bench} bench @param {"brightness" | "contrast" | "opacity"} name @param {string} text @param {number} min @param {number} max */
function slider(bench, name, text, min, max) {
  const input = element("input", {
    type: "range",
    name,
    min,
    max,
    value: bench.preferences[name],
    oninput: (/** @type {Event} */ event) =>
      bench.prefer({ [name]: Number(/** @type {HTMLInputElement} */ (event.target).value) }),
  });
  return element("label", {}, text, input);
}
