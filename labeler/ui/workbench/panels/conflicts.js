// Conflicts: boxes that two people changed differently, with the choice between both.

import { button, element, keyed } from "../dom.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../contract.js").Conflict} Conflict */
/** @typedef {import("../contract.js").Rect} Rect */

/** @param {Rect | null | undefined} rect */
const words = (rect) =>
  rect ? `${rect.label}, ${Math.round(rect.width)}×${Math.round(rect.height)}` : "deleted";

/** @param {Bench} bench @param {(rect: Rect) => void} reveal */
export function createConflicts(bench, reveal) {
  const list = element("div", { class: "conflicts", role: "group", "aria-label": "Conflicts" });
  /** @param {Conflict} conflict */
  function make(conflict) {
    const { ours, theirs } = conflict;
    const choose = (/** @type {"ours" | "theirs" | "both"} */ choice) =>
      bench.session.dispatch({ type: "resolve", conflict, choice });
    const rect = ours ?? theirs;
    if (rect) reveal(rect);
    return element(
      "div",
      { class: "conflict", role: "alert" },
      element("span", {}, "Somebody else changed this box too."),
      button(`Mine: ${words(ours)}`, `Keep mine: ${words(ours)}`, () => choose("ours")),
      button(`Theirs: ${words(theirs)}`, `Keep theirs: ${words(theirs)}`, () => choose("theirs")),
      ours && theirs ? button("Both", "Keep both boxes", () => choose("both")) : "",
    );
  }
  return {
    root: list,
    render() {
      const { conflicts } = bench.session.state;
      list.hidden = !conflicts.length;
      keyed(list, conflicts, ({ id }) => id, make, () => {});
    },
  };
}
