// Why an image is skipped: a short list, chosen by digit.

import { button, element } from "../dom.js";
import { digitOf } from "../keymap.js";

/** @typedef {import("../contract.js").Bench} Bench */

const REASONS = [
  "Blurred or too dark",
  "Not what this project is about",
  "Shows the same as another image",
  "Unclear what to label",
  "Damaged image",
];

/** @param {Bench} bench */
export function createSkip(bench) {
  /** The receiver of the reason. @type {(reason: string) => void} */
  let then = () => {};
  const dialog = /** @type {HTMLDialogElement} */ (element(
    "dialog",
    { class: "reasons", "aria-label": "Skip with a reason", onclose: () => bench.focus() },
    element("h2", {}, "Why skip this image?"),
    ...REASONS.map((reason, index) =>
      button(`${index + 1} ${reason}`, reason, () => choose(reason), { class: "reason" })
    ),
    button("Cancel", "Cancel", () => dialog.close()),
  ));
  dialog.addEventListener("keydown", (event) => {
    const digit = digitOf(event);
    if (digit === null || event.repeat || !REASONS[digit]) return;
    event.preventDefault();
    choose(REASONS[digit]);
  });

  /** @param {string} reason */
  function choose(reason) {
    dialog.close();
    then(reason);
  }

  return {
    root: dialog,
    /** Asks for a reason and hands it to `next`; after a cancel nothing happens. @param {(reason: string) => void} next */
    ask(next) {
      then = next;
      dialog.showModal();
    },
  };
}
