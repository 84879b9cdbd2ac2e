// The history of the image: who saved each state and when, what it changed, and how to restore it.

import { button, child, element, keyed, mark, say, watcher } from "../dom.js";
import { labelsOf } from "../label_set.js";
import { assignmentOf, differenceOf, wordsOf } from "../versions.js";
import { nameOf, timeOf } from "../words.js";
import { STATUSES } from "./bar.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../backend.js").Version} Version */

/** @param {Bench} bench @param {{ restore: (version: string) => void }} verdicts */
export function createHistoryPanel(bench, verdicts) {
  const { session } = bench;
  const isNew = watcher();
  const toggle = button("History", "Earlier states of this image", () => bench.act("history"), {
    class: "chip",
  });
  const list = element("div", { class: "versions", role: "list", "aria-label": "Earlier states" });
  const more = button("Show earlier ones", "Show earlier states", () => session.past.more(), {
    class: "chip",
  });
  const problem = element("p", { class: "problem" });
  const body = element("div", { class: "versions-body" }, problem, list, more);
  const root = element(
    "section",
    { class: "panel history-panel" },
    element("div", { class: "heading" }, element("h2", {}, "History"), toggle),
    body,
  );

  /** @param {Version} version */
  function make({ version }) {
    return element(
      "div",
      { class: "version", role: "listitem", "data-testid": "version", "data-version": version },
      element(
        "button",
        {
          type: "button",
          class: "shows",
          onclick: () => bench.set({ past: bench.ui.past === version ? null : version }),
        },
        element("b", { class: "by" }),
        " ",
        element("time", { class: "muted" }),
        element("span", { class: "words" }),
      ),
      button("↺", "Restore this state", () => verdicts.restore(version), { class: "restore" }),
    );
  }

  /** @param {Version} one */
  function words({ version, rects, status }) {
    const { after, before } = session.past.pair(version);
    const boxes = rects === 1 ? "1 box" : `${rects} boxes`;
    if (!after || before === undefined) return `${STATUSES[status] ?? status}, ${boxes}`;
    const difference = differenceOf(before, after);
    const { shown } = labelsOf(session.state.labels);
    const said = wordsOf(difference, (label) => shown(label).name);
    const became = difference.status ? STATUSES[difference.status] : "";
    const to = assignmentOf(before, after);
    return [[became, said].filter(Boolean).join(": "), to].filter(Boolean).join(", ") || boxes;
  }

  return {
    root,
    render() {
      const { image, etag, readOnly, save } = session.state;
      const { history, past } = bench.ui;
      const isOpened = history && body.hidden;
      mark(toggle, "aria-expanded", history);
      say(toggle, history ? "Hide" : "Show");
      body.hidden = !history;
      if (!history) {
        if (!bench.ui.before) session.past.close();
        return;
      }
      if (isOpened) root.scrollIntoView({ block: "nearest" });
      if (image && etag) session.past.look(image, etag);
      const { versions, isMore } = session.past.rows();
      more.hidden = !isMore;
      say(problem, etag ? session.past.error : "Nothing has been saved yet.");
      problem.hidden = !problem.textContent;
      if (!isNew(session.state, past)) return;
      keyed(list, versions, ({ version }) => version, make, (row, one, index) => {
        say(child(row, "by"), nameOf(one.saved_by));
        mark(child(row, "by"), "title", one.saved_by ?? "");
        say(/** @type {HTMLElement} */ (row.querySelector("time")), timeOf(one.saved_at));
        say(child(row, "words"), words(one));
        mark(child(row, "shows"), "aria-pressed", past === one.version);
        const restore = /** @type {HTMLButtonElement} */ (child(row, "restore"));
        restore.hidden = index === 0 || readOnly;
        restore.disabled = save.state === "failed" || save.state === "offline";
      });
    },
  };
}
