// Boxes that two people changed differently, with the choice.

import { button, element, keyed } from "../dom.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../contract.js").Conflict} Conflict */
/** @typedef {import("../contract.js").Rect} Rect */

/** @param {Rect | null | undefined} rect */
const words = (rect) =>
  rect ? `${rect.label}, ${Math.round(rect.width)}×${Math.round(rect.height)}` : "deleted";

/** @param {Bench} bench */
export function createConflicts(bench) {
  const list = element("div", { class: "conflicts", role: "group", "aria-label": "Conflicts" });
  /** @param {Conflict} conflict */
  function make(conflict) {
    const choose = (/** @type {"ours" | "theirs" | "both"} */ choice) =>
      bench.session.dispatch({ type: "resolve", conflict, choice });
    return element(
      "div",
      { class: "conflict", role: "alert" },
      element("span", {}, "Somebody else changed this box too."),
      button(`Mine: ${words(conflict.ours)}`, "Keep my version", () => choose("ours")),
      button(`Theirs: ${words(conflict.theirs)}`, "Take their version", () => choose("theirs")),
      button("Both", "Keep both boxes", () => choose("both")),
    );
  }
  return {
    root: list,
    render() {
      const { conflicts } = bench.session.state;
      list.hidden = !conflicts.length;
      keyed(list, conflicts, ({ id }) => String(id), make, () => {});
    },
  };
}
