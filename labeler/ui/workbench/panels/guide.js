// The labeling guide, which admins can also edit here.

import { button, element, say } from "../dom.js";
import { blocks, pictureName } from "../guide_markdown.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../guide_markdown.js").Inline} Inline */
/** @typedef {import("../guide_markdown.js").Block} Block */

const NONE = "There is no guide yet.";

/** @param {Bench} bench */
export function createGuide(bench) {
  const { guide: calls } = bench;
  const body = element("div", { class: "guide-text" });
  const said = element("p", { class: "said", role: "status" });
  const field = /** @type {HTMLTextAreaElement} */ (element("textarea", {
    "aria-label": "The guide, in Markdown",
    rows: 20,
    placeholder: "# What to label\n\nPictures lie in guide/: ![](car.png)",
  }));
  const edit = button("Edit", "Edit the guide", () => show(true));
  const save = button("Save", "Save the guide", store, { class: "primary" });
  const cancel = button("Cancel", "Cancel editing", () => show(false));
  const files = /** @type {HTMLInputElement} */ (element("input", {
    type: "file",
    accept: "image/png,image/jpeg,image/gif,image/webp",
    multiple: true,
    hidden: true,
    onchange: () => addPictures([...files.files ?? []]),
  }));
  const add = button(
    "Add images",
    "Add images to the guide, where the cursor is",
    () => files.click(),
  );
  const dialog = /** @type {HTMLDialogElement} */ (element(
    "dialog",
    { class: "guide", "aria-label": "Labeling guide", onclose: end },
    element(
      "div",
      { class: "head" },
      element("h2", {}, "Labeling guide"),
      edit,
      add,
      files,
      save,
      cancel,
      button("Close", "Close the guide", () => dialog.close()),
    ),
    said,
    body,
    field,
  ));
  let stored = { text: "", etag: /** @type {string | null} */ (null) };
  /** @type {string[]} */
  let addresses = [];

  /** @param {boolean} isEditing */
  function show(isEditing) {
    edit.hidden = isEditing || !calls.isEditor;
    body.hidden = isEditing;
    field.hidden =
      save.hidden =
      cancel.hidden =
      add.hidden =
        !isEditing;
    if (!isEditing) return draw();
    field.value = stored.text;
    field.focus();
  }

  function draw() {
    forget();
    body.replaceChildren(...stored.text.trim() ? blocks(stored.text).map(block) : [NONE]);
  }

  /** Stores each file beside the guide, and names it in the text. @param {File[]} chosen */
  async function addPictures(chosen) {
    files.value = "";
    for (const file of chosen) {
      const name = pictureName(file.name);
      say(said, `Adding ${name} …`);
      const why = await calls.addPicture(name, file);
      say(said, why);
      if (why) return;
      const { selectionStart: at, selectionEnd: end } = field;
      field.setRangeText(`![](${encodeURIComponent(name)})\n`, at, end, "end");
    }
    field.focus();
  }

  async function store() {
    const answer = await calls.write(field.value, stored.etag);
    if (answer.type !== "guide" && answer.type !== "changed") return say(said, answer.message);
    stored = answer;
    if (answer.type === "guide") {
      say(said, "Saved.");
      return show(false);
    }
    // The text stays in the field, and the next Save replaces what others wrote.
    say(said, "Somebody else has changed the guide meanwhile. Save again to replace their text:");
    body.hidden = false;
    draw();
  }

  /** @param {Block} one @returns {HTMLElement} */
  function block(one) {
    switch (one.type) {
      case "heading":
        return element(`h${one.level + 2}`, {}, ...one.content.map(inline));
      case "quote":
        return element("blockquote", {}, ...one.content.map(inline));
      case "list": {
        const items = one.items.map((item) => element("li", {}, ...item.map(inline)));
        return element(one.isOrdered ? "ol" : "ul", {}, ...items);
      }
      case "code":
        return element("pre", {}, one.text);
      case "rule":
        return element("hr");
      default:
        return element("p", {}, ...one.content.map(inline));
    }
  }

  /** @param {Inline} one @returns {Node | string} */
  function inline(one) {
    if (one.type === "picture") return picture(one.name, one.text);
    if (one.type === "text") return one.text;
    return element({ strong: "strong", emphasis: "em", code: "code" }[one.type], {}, one.text);
  }

  /** @param {string} name @param {string} text */
  function picture(name, text) {
    const image = /** @type {HTMLImageElement} */ (element("img", { alt: text || name }));
    calls.picture(name).then((blob) => {
      if (!blob || !image.isConnected) return;
      addresses.push(image.src = URL.createObjectURL(blob));
    });
    return image;
  }

  function forget() {
    for (const address of addresses) URL.revokeObjectURL(address);
    addresses = [];
  }

  function end() {
    forget();
    bench.focus();
  }

  return {
    root: dialog,
    /** Shows the guide as it is now. */
    async open() {
      if (dialog.open) return;
      stored = { text: "", etag: null };
      show(false);
      body.replaceChildren();
      say(said, "Loading …");
      edit.hidden = true;
      dialog.showModal();
      const answer = await calls.read();
      if (answer.type !== "guide") return say(said, "message" in answer ? answer.message : "");
      stored = answer;
      say(said, "");
      show(false);
    },
  };
}
