// Deleting the open image, for admins: asked once, into the trash, and the next image opens.

import { button, element, say } from "../dom.js";

/** @typedef {import("../contract.js").Bench} Bench */

/** @param {Bench} bench */
export function createDeletion(bench) {
  const { session } = bench;
  let isBusy = false;
  const question = element("p", {});
  const problem = element("p", { class: "said", role: "status" });
  const remove = /** @type {HTMLButtonElement} */ (button(
    "Delete",
    "Move this image into the trash, and next image",
    go,
    { class: "primary" },
  ));
  const dialog = /** @type {HTMLDialogElement} */ (element(
    "dialog",
    { class: "reasons", "aria-label": "Delete this image", onclose: () => bench.focus() },
    element("h2", {}, "Delete this image?"),
    question,
    problem,
    remove,
    button("Cancel", "Cancel", () => dialog.close()),
  ));

  async function go() {
    if (isBusy) return;
    isBusy = true;
    say(problem, "Deleting …");
    const { image, doc } = session.state;
    const name = doc?.image_path ?? "The image";
    const why = await session.remove();
    isBusy = false;
    say(problem, why);
    if (why) return;
    dialog.close();
    const undo = async () => {
      const failed = await session.takeOutOfTrash(image ?? "");
      bench.set({ toast: failed ? { text: failed, undo: null } : null });
    };
    bench.set({ toast: { text: `${name} is in the trash.`, undo } });
  }

  return {
    root: dialog,
    /** Asks whether to delete the open image. */
    ask() {
      const { image, doc } = session.state;
      if (!bench.isAdmin || !image || dialog.open) return;
      const count = doc?.rects.length ?? 0;
      const boxes = count ? ` with its ${count} ${count === 1 ? "box" : "boxes"}` : "";
      const name = doc?.image_path ?? "The image";
      say(question, `${name} goes into the trash${boxes}. It can be restored for 30 days.`);
      say(problem, "");
      dialog.showModal();
    },
  };
}
