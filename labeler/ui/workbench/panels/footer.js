// The footer: the neighbors of the image, the view, and the buttons to go on.

import { canReopen } from "../document.js";
import { button, child, element, keyed, mark, say, watcher } from "../dom.js";
import { icon } from "../icons.js";
import { ACTIONS } from "../keymap.js";
import { labelsOf } from "../label_set.js";
import { beforeDone } from "../warnings.js";
import { STATUSES } from "./bar.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../contract.js").Neighbor} Neighbor */

/**
 * @param {Bench} bench @param {HTMLElement} where the scale and the place of the pointer
 * @param {HTMLElement} queue the way into the queue
 * @param {() => import("../view.js").Size} size of the image
 */
export function createFooter(bench, where, queue, size) {
  const { session } = bench;
  const strip = element("div", {
    class: "strip",
    role: "group",
    "aria-label": "Neighboring images",
  });
  const previous = button(icon("previous"), ACTIONS.previous, () => bench.act("previous"));
  const next = button(icon("next"), ACTIONS.next, () => bench.act("next"));
  const [skip, done] = /** @type {const} */ (["skip", "done"]).map((
    action,
  ) => /** @type {HTMLButtonElement} */ (element("button", {
    type: "button",
    class: action === "done" ? "primary" : "skip",
    onclick: () => bench.act(action),
  }, "Skip")));
  const reopen = button("Reopen", "Reopen: set back to in progress", () => bench.act("reopen"), {
    class: "reopen",
  });
  const warning = element("span", { class: "warning", role: "status" });
  const isNew = watcher();
  const isMoved = watcher();
  const toast = element("div", { class: "toast", role: "status" });
  const root = element(
    "div",
    { class: "footer" },
    previous,
    strip,
    next,
    element("span", { class: "view muted" }, where),
    queue,
    reopen,
    warning,
    skip,
    done,
  );

  /** @param {Neighbor} neighbor */
  function make(neighbor) {
    const picture = element("img", { alt: "" });
    bench.thumbnail(neighbor.image_id).then((address) => address && mark(picture, "src", address));
    return element(
      "button",
      { type: "button", class: "neighbor", onclick: () => session.open(neighbor.image_id) },
      picture,
      element("span", { class: "dot" }),
    );
  }

  /** Scrolls the strip to the open image, where it has no room for all. */
  function center() {
    const item = /** @type {HTMLElement | null} */ (strip.querySelector("[aria-current]"));
    if (item) strip.scrollLeft = item.offsetLeft + (item.offsetWidth - strip.clientWidth) / 2;
  }

  /** @type {typeof bench.ui.toast} */
  let shown = null;
  return {
    root,
    toast,
    render() {
      const { state } = session;
      keyed(strip, state.neighbors, ({ image_id }) => image_id, make, (item, neighbor) => {
        const isOpen = neighbor.image_id === state.image;
        const words = `${neighbor.image_path}, ${STATUSES[neighbor.status] ?? neighbor.status}`;
        mark(item, "aria-label", words);
        mark(item, "title", words);
        if (isOpen) mark(item, "aria-current", "true");
        else item.removeAttribute("aria-current");
        mark(child(item, "dot"), "data-status", neighbor.status);
      });
      if (isMoved(state.image, state.neighbors)) center();
      if (isNew(state.doc?.rects, state.labels, state.listedLabel, state.bitmap)) {
        const { shown } = labelsOf(state.labels);
        const found = beforeDone(state.doc?.rects ?? [], size(), shown, state.listedLabel);
        const words = state.doc && found.length ? `To look at: ${found.join(", ")}` : "";
        say(warning, words && `⚠ ${words}`);
        mark(warning, "title", words);
      }
      const isEmpty = !state.doc?.rects.length;
      say(done, isEmpty ? "Done – no objects" : "Done");
      const closed = state.readOnly || state.phase !== "ready";
      reopen.hidden = closed || !canReopen(state.status);
      skip.disabled = done.disabled = closed;
      mark(previous, "title", bench.titleOf("previous"));
      mark(next, "title", bench.titleOf("next"));
      mark(skip, "title", bench.titleOf("skip"));
      mark(done, "title", bench.titleOf("done"));
      if (bench.ui.toast !== shown) {
        shown = bench.ui.toast;
        toast.replaceChildren();
        if (shown) toast.append(shown.text);
        const undo = shown?.undo;
        if (undo) toast.append(" ", button("Undo", "Undo", undo));
      }
    },
  };
}
