// The row of actions that appears when something is selected.

import { button, element, say } from "../dom.js";
import { assignTo, forEach, giveStatus, throwAway } from "./work.js";

/** @typedef {import("./work.js").Image} Image */

const GIVEN = [["done", "Done"], ["in_progress", "In progress"], ["skipped", "Skipped"]];

/**
 * @param {import("./gallery.js").Shared} shared
 * @param {{ chosen: () => Image[], clear: () => void, finished: () => void }} options
 */
export function createSelection(shared, options) {
  const { backend } = shared;
  let isBusy = false;
  /** The number of images that the question about deletion is about. */
  let asked = 0;
  const count = element("strong", { role: "status" });
  const status = /** @type {HTMLSelectElement} */ (element(
    "select",
    {
      "aria-label": "Set the status of the selected images",
      onchange: () => {
        const wanted = status.value;
        status.value = "";
        if (wanted) run("Setting the status", giveStatus(backend, wanted));
      },
    },
    element("option", { value: "" }, "Set status …"),
    ...GIVEN.map(([name, text]) => element("option", { value: name }, text)),
  ));
  const people = element("datalist", { id: "gallery-people" });
  const person = /** @type {HTMLInputElement} */ (element("input", {
    class: "person",
    list: "gallery-people",
    placeholder: "Assign to …",
    "aria-label": "Put the selected images into the queue of",
    maxlength: "200",
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && give(),
  }));
  const assign = element(
    "span",
    { class: "assign", role: "group", "aria-label": "Queue of a person" },
    person,
    people,
    button("Assign", "Put the selected images into this person's queue", give),
    button("Unassign", "Take the selected images out of everybody's queue", () => {
      run("Unassigning", assignTo(backend, ""));
    }),
  );
  const exported = button("Export these", "Export only the selected images (COCO)", download);
  const remove = button("Delete", "Move the selected images into the trash", () => {
    if (remove.dataset.sure !== undefined) {
      ask(false);
      run("Deleting", throwAway(backend));
    } else ask(true);
  });
  const clear = button("Clear", "Select nothing", options.clear, { class: "quiet" });
  const root = element(
    "div",
    { class: "selection", role: "toolbar", "aria-label": "Selected images" },
    count,
    status,
    assign,
    exported,
    remove,
    clear,
  );

  /** Puts the selected images into the named queue; without a name the field is shown. */
  function give() {
    const to = person.value.trim();
    if (to) run(`Assigning to ${to}`, assignTo(backend, to));
    else person.focus();
  }

  /** Asks for a second click before deleting, or with false withdraws the question. @param {boolean} sure */
  function ask(sure) {
    if (sure) remove.dataset.sure = "";
    else delete remove.dataset.sure;
    const some = options.chosen().length;
    asked = sure ? some : 0;
    say(remove, sure ? `Really delete ${some} ${some === 1 ? "image" : "images"}?` : "Delete");
  }

  /** @param {string} doing @param {(image: Image) => Promise<string>} work */
  async function run(doing, work) {
    if (isBusy) return;
    isBusy = true;
    const images = options.chosen();
    shared.saving(1);
    const failed = await forEach(images, work, (done) => {
      shared.tell(`${doing}: ${done} of ${images.length} images`);
    });
    shared.saving(-1);
    isBusy = false;
    const [first] = failed;
    shared.tell(
      first
        ? `${failed.length} of ${images.length} images stay as they were. ${first.item.image_path}: ${first.why}`
        : `${doing}: all ${images.length} images are done.`,
    );
    options.finished();
  }

  async function download() {
    if (isBusy) return;
    isBusy = true;
    const images = options.chosen();
    shared.tell(`Exporting ${images.length} images …`);
    const answer = await backend.ask("/api/exports", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ image: images.map(({ image_id }) => image_id) }),
    });
    if (answer.type !== "answer") shared.tell(answer.message);
    else {
      const { object, images: count, annotations } = JSON.parse(await answer.body.text());
      const file = await backend.ask(`/api/${object}`);
      if (file.type === "answer") save(object.split("/").at(-1), file.body);
      shared.tell(
        file.type === "answer"
          ? `${count} images with ${annotations} boxes in ${object}`
          : file.message,
      );
    }
    isBusy = false;
  }

  return {
    root,
    /** The action of the key Delete: asks for confirmation. */
    remove() {
      if (options.chosen().length && shared.isAdmin()) {
        remove.focus();
        ask(true);
      }
    },
    render() {
      const some = options.chosen().length;
      root.hidden = !some;
      say(count, `${some} selected`);
      exported.hidden = remove.hidden = assign.hidden = !shared.isAdmin();
      const names = shared.people();
      if (people.children.length !== names.length) {
        people.replaceChildren(...names.map((name) => element("option", { value: name })));
      }
      if (!isBusy && asked !== some) ask(false);
    },
  };
}

/** @param {string} name @param {Blob} file */
function save(name, file) {
  const address = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
