// Draws what one state of the image changed, over the image, in lines that differ without color:
// solid for added boxes, dotted for deleted ones, dashed for changed ones.

import { element, say } from "./dom.js";
import { labelsOf } from "./label_set.js";
import { differenceOf, wordsOf } from "./versions.js";
import { nameOf, timeOf } from "./words.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./document.js").Rect} Rect */

const SVG = "http://www.w3.org/2000/svg";

/** @param {Bench} bench @param {HTMLElement} surface @param {AbortSignal} ended */
export function createDifference(bench, surface, ended) {
  const { session } = bench;
  const svg = document.createElementNS(SVG, "svg");
  const moved = document.createElementNS(SVG, "g");
  svg.setAttribute("class", "difference");
  svg.setAttribute("data-testid", "difference");
  svg.append(moved);
  const legend = element("div", { class: "legend", role: "status" });
  const root = element("div", { class: "difference-layer" }, legend);
  root.prepend(svg);
  /** The version that is drawn, and its document once it is loaded. */
  let drawn = "";

  /** @param {Rect} rect @param {string} kind @param {string} color */
  function draw({ left, top, width, height, id }, kind, color) {
    for (const part of ["under", kind]) {
      const one = document.createElementNS(SVG, "rect");
      const values = { x: left, y: top, width, height, class: part, stroke: color };
      for (const [name, value] of Object.entries(values)) one.setAttribute(name, String(value));
      if (part === "under") one.removeAttribute("stroke");
      else one.setAttribute("data-rect-id", id);
      moved.append(one);
    }
  }

  /** @param {string} version */
  function redraw(version) {
    const { after, before } = session.past.pair(version);
    const found = after && before !== undefined ? differenceOf(before, after) : null;
    const next = `${version} ${found ? "here" : "on its way"}`;
    if (next === drawn) return;
    drawn = next;
    moved.replaceChildren();
    const { shown } = labelsOf(session.state.labels);
    const color = (/** @type {Rect} */ rect) => shown(rect.label).color;
    for (const rect of found?.kept ?? []) draw(rect, "kept", "#9aa3ad");
    for (const rect of found?.removed ?? []) draw(rect, "removed", color(rect));
    for (const { before: was, after: is } of found?.changed ?? []) {
      draw(was, "was", color(was));
      draw(is, "changed", color(is));
    }
    for (const rect of found?.added ?? []) draw(rect, "added", color(rect));
    const one = session.past.rows().versions.find((row) => row.version === version);
    const who = `${nameOf(one?.saved_by)} ${timeOf(one?.saved_at)}`.trim();
    const words = found ? "solid: added · dashed: changed · dotted: deleted" : "loading …";
    say(legend, `${who}: ${words}. Esc shows the image as it is now.`);
  }

  /** Draws what the labeler left, and tells what has changed since. */
  function redrawLeft() {
    const { image, etag, labels } = session.state;
    const doc = /** @type {import("./document.js").Doc | null} */ (session.state.doc);
    if (image && etag) session.past.look(image, etag);
    const left = doc && session.past.left(doc);
    const before = left ? session.past.pair(left).after : undefined;
    const next = `left ${left} ${before ? JSON.stringify(doc?.rects) : "on its way"}`;
    if (next === drawn) return;
    drawn = next;
    moved.replaceChildren();
    const { shown } = labelsOf(labels);
    for (const rect of before?.rects ?? []) draw(rect, "added", shown(rect.label).color);
    if (!before || !doc) return say(legend, session.past.error || "loading …");
    const changes = wordsOf(differenceOf(before, doc), (label) => shown(label).name);
    const by = nameOf(doc.metadata?.labeled_by ?? doc.metadata?.saved_by);
    say(
      legend,
      `As ${by} left it. Since then: ${changes || "no box changed"}. B shows it as it is now.`,
    );
  }

  function render() {
    const { past, history, before } = bench.ui;
    const { phase, image } = session.state;
    if (past && (!history || session.past.image !== image)) return bench.set({ past: null });
    root.hidden = (past === null && !before) || phase !== "ready";
    if (root.hidden) return void (drawn = "");
    if (past) redraw(past);
    else redrawLeft();
    const { scale, left, top } = surface.dataset;
    moved.setAttribute("transform", `translate(${left} ${top}) scale(${scale})`);
  }

  // Drawing works on the current state of the image, so this one goes away.
  surface.addEventListener("pointerdown", (event) => {
    if (bench.ui.past === null && !bench.ui.before || event.button !== 0) return;
    event.stopImmediatePropagation();
    bench.set({ past: null, before: false });
  }, { capture: true, signal: ended });
  surface.addEventListener("painted", render, { signal: ended });
  return { root, render };
}
