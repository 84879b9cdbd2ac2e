// The labels, each with its digit, color, count and eye.

import { child, element, keyed, mark, say, watcher } from "../dom.js";
import { icon } from "../icons.js";
import { labelsOf } from "../label_set.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../contract.js").Label} Label */

/** The labels that match the typed text; those that begin with it come first. @param {readonly Label[]} labels @param {string} typed */
export function found(labels, typed) {
  const wanted = typed.trim().toLocaleLowerCase();
  if (!wanted) return [...labels];
  const starting = labels.filter(({ name }) => name.toLocaleLowerCase().startsWith(wanted));
  const holding = labels.filter((label) =>
    !starting.includes(label) && label.name.toLocaleLowerCase().includes(wanted)
  );
  return [...starting, ...holding];
}

/** @param {Bench} bench */
export function createLabels(bench) {
  const { session } = bench;
  const isNew = watcher();
  const input = /** @type {HTMLInputElement} */ (element("input", {
    type: "search",
    class: "find",
    placeholder: "Find a label (/)",
    "aria-label": "Find a label",
    oninput: () => bench.set({ find: input.value }),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      const first = found(labelsOf(session.state.labels).offered, input.value)[0];
      if (event.key === "Enter" && first) bench.choose(first.name);
      input.value = "";
      bench.set({ find: "" });
      bench.focus();
      event.preventDefault();
    },
  }));
  const list = element("div", { class: "labels", role: "group", "aria-label": "Labels" });
  const none = element("p", { class: "none muted", role: "status" });
  const root = element(
    "section",
    { class: "panel" },
    element("h2", {}, "Labels"),
    input,
    list,
    none,
  );

  /** @param {Label} label */
  function make(label) {
    return element(
      "div",
      { class: "label-row" },
      element(
        "button",
        {
          type: "button",
          class: "label",
          "data-testid": "label",
          "data-label": label.name,
          onclick: () => bench.choose(label.name),
        },
        element("kbd", { class: "digit" }),
        element("i", { class: "color" }),
        element("span", { class: "text" }, label.name),
        element("span", { class: "count muted" }),
      ),
      element("button", {
        type: "button",
        class: "eye",
        "aria-label": `Hide boxes of ${label.name}`,
        title: `Hide boxes of ${label.name}`,
        onclick: () => hide(label.name),
      }, icon("eye")),
    );
  }

  /** @param {string} name */
  function hide(name) {
    const hiddenLabels = new Set(bench.ui.hiddenLabels);
    if (!hiddenLabels.delete(name)) hiddenLabels.add(name);
    bench.set({ hiddenLabels });
  }

  return {
    root,
    find() {
      bench.set({ sheet: true });
      input.focus();
      input.select();
    },
    render() {
      const { labels, doc } = session.state;
      const { ui } = bench;
      if (!isNew(labels, doc, ui.find, ui.label, ui.hiddenLabels)) return;
      const { offered, shown } = labelsOf(labels);
      /** @type {Map<string, number>} */
      const counts = new Map();
      for (const rect of doc?.rects ?? []) {
        const { name } = shown(rect.label);
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      const listed = found(offered, ui.find);
      say(
        none,
        listed.length || !ui.find.trim() ? "" : `No label has “${ui.find.trim()}” in its name.`,
      );
      keyed(list, listed, ({ name }) => name, make, (row, label) => {
        const place = offered.indexOf(label);
        say(child(row, "digit"), place < 10 ? String((place + 1) % 10) : "");
        child(row, "color").style.background = label.color;
        say(child(row, "count"), String(counts.get(label.name) ?? 0));
        mark(child(row, "label"), "aria-pressed", label.name === ui.label);
        mark(child(row, "eye"), "aria-pressed", ui.hiddenLabels.has(label.name));
      });
    },
  };
}
