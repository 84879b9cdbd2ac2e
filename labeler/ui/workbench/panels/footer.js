// Below: the neighbors of the image, the view, and the way on.

import { button, child, element, keyed, mark, say } from "../dom.js";
import { STATUSES } from "./bar.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../contract.js").Neighbor} Neighbor */

/** @param {Bench} bench */
export function createFooter(bench) {
  const { session } = bench;
  const strip = element("div", {
    class: "strip",
    role: "group",
    "aria-label": "Neighboring images",
  });
  const view = element("span", { class: "view muted" });
  const previous = button("◀", "Previous image (A)", () => bench.act("previous"));
  const next = button("▶", "Next image (D)", () => bench.act("next"));
  const skip = button("Skip", "Skip, and next image", () => bench.act("skip"), { class: "skip" });
  const done = button("Done", "Done, and next image", () => bench.act("done"), {
    class: "primary",
  });
  const toast = element("div", { class: "toast", role: "status" });
  const root = element(
    "footer",
    { class: "footer" },
    previous,
    strip,
    next,
    view,
    skip,
    done,
  );

  /** @param {Neighbor} neighbor */
  function make(neighbor) {
    const picture = element("img", { alt: "" });
    bench.thumbnail(neighbor.image_id).then((address) => mark(picture, "src", address), () => {});
    return element(
      "button",
      { type: "button", class: "neighbor", onclick: () => session.open(neighbor.image_id) },
      picture,
      element("span", { class: "dot" }),
    );
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
      const { at, scale } = bench.ui;
      const percent = `${Math.round(scale * 100)} %`;
      say(view, at ? `${percent} · x ${Math.floor(at.x)} y ${Math.floor(at.y)}` : percent);
      const isEmpty = !state.doc?.rects.length;
      say(done, isEmpty ? "Done – no objects" : "Done");
      const closed = state.readOnly || state.phase !== "ready";
      /** @type {HTMLButtonElement} */ (done).disabled = closed;
      /** @type {HTMLButtonElement} */ (skip).disabled = closed;
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
