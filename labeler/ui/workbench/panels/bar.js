// The bar at the top: the open image, its status, and whether all of it is saved.

import { button, element, mark, say } from "../dom.js";
import { icon } from "../icons.js";

/** @typedef {import("../contract.js").Bench} Bench */

/** @type {Record<string, string>} */
export const STATUSES = {
  unlabeled: "not started",
  in_progress: "in progress",
  done: "done",
  skipped: "skipped",
  approved: "approved",
  returned: "returned",
};

/** The text for the state of saving. @param {import("../contract.js").Save} save */
function saveWords({ state, count, message, isKept }) {
  const images = `${count} ${count === 1 ? "image" : "images"}`;
  switch (state) {
    case "saved":
      return "Saved";
    case "pending":
      return isKept ? `Saving ${images} …` : `Saving ${images} … Keep this tab open`;
    case "offline":
      return isKept
        ? `Offline. Changes of ${images} kept in this browser`
        : `Offline. Changes of ${images} in this tab alone. Keep it open`;
    case "failed":
      return `Not saved: ${message || images}`;
  }
}

/** Who else works on the image. @param {readonly string[]} others */
export function othersWords(others) {
  const names = others.filter(Boolean);
  if (names.length < others.length) names.push("somebody else");
  return names.length ? `Also here: ${names.join(", ")}` : "";
}

/** What this person has finished, and everybody. @param {import("../progress.js").Progress} counts */
function progressWords({ mine, finished, total }) {
  const [own, all, of] = [mine, finished, total].map((number) => number.toLocaleString("en"));
  return `${own} by you · ${all} of ${of} finished`;
}

/** @param {Bench} bench */
export function createBar(bench) {
  const { session } = bench;
  const name = element("h1", { class: "name" });
  const status = element("span", { class: "status" });
  const position = element("span", { class: "muted" });
  const meter =
    /** @type {HTMLProgressElement} */ (element("progress", { "aria-label": "Finished" }));
  const count = element("span", {});
  const progress = element(
    "span",
    { class: "progress muted", "data-testid": "progress" },
    meter,
    count,
  );
  const others = element("span", { class: "others", role: "status" });
  const save = element("span", { class: "save", role: "status", "aria-live": "polite" });
  const again = button("Try again", "Try to save again", () => session.retry(), {
    class: "again",
  });
  const help = button("?", "All keys", () => bench.act("help"), {
    class: "help-button",
  });
  const guide = button("Guide", "Labeling guide", () => bench.act("guide"), {
    class: "guide-button",
  });
  const trash = button("Delete this image …", "Move this image into the trash", () => {
    menu.open = false;
    bench.act("trash");
  });
  const menu = /** @type {HTMLDetailsElement} */ (element(
    "details",
    { class: "menu" },
    element("summary", { "aria-label": "More actions", title: "More actions" }, "⋯"),
    element("div", { class: "menu-items" }, trash),
  ));
  menu.hidden = !bench.isAdmin;
  const panel = button(
    icon("menu"),
    "Labels and boxes",
    () => bench.set({ sheet: !bench.ui.sheet }),
    {
      class: "sheet-toggle",
    },
  );
  const root = element(
    "div",
    { class: "bar" },
    name,
    status,
    position,
    progress,
    others,
    save,
    again,
    guide,
    help,
    menu,
    panel,
  );
  return {
    root,
    render() {
      const { state } = session;
      say(name, state.doc?.image_path ?? (state.phase === "loading" ? "Loading …" : ""));
      mark(name, "title", state.doc?.image_path ?? "");
      const words = STATUSES[state.status] ?? state.status;
      say(status, state.image ? (state.reason ? `${words}: ${state.reason}` : words) : "");
      mark(status, "data-status", state.status);
      const { position: place } = state;
      say(
        position,
        place ? `${place.index + 1}${place.total === null ? "" : ` of ${place.total}`}` : "",
      );
      const { counts } = session.progress;
      progress.hidden = !counts?.total;
      if (counts) {
        meter.max = counts.total || 1;
        meter.value = counts.finished;
        say(count, progressWords(counts));
        mark(progress, "title", `${counts.mine} of ${counts.finished} finished images are yours`);
      }
      say(others, othersWords(state.others));
      say(save, state.image ? saveWords(state.save) : "");
      mark(save, "data-save", state.save.state);
      mark(save, "title", state.save.message);
      trash.hidden = !state.image || state.status === "approved";
      again.hidden = !state.image || state.save.state !== "failed";
      mark(panel, "aria-expanded", bench.ui.sheet);
    },
  };
}
