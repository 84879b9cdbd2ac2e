// The notes on the image: a numbered mark at each place, and the field for writing a note.

import { keyOf, MAX_COMMENT_LENGTH, pinAt, placeOf, threadsOf } from "./comments.js";
import { button, element, keyed, mark, say } from "./dom.js";
import { candidates, REACH } from "./hits.js";
import { toImage } from "./view.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./contract.js").Noting} Noting */
/** @typedef {import("./comments.js").Thread} Thread */

const WIDTH = 260;
const HEIGHT = 130;
const MARGIN = 8;

/**
 * The layer over the surface. The surface's attributes tell where the image lies. `give` is called
 * with a written note.
 * @param {Bench} bench @param {HTMLElement} surface @param {(noting: Noting) => void} give
 * @param {AbortSignal} ended
 */
export function createMarks(bench, surface, give, ended) {
  const { session, ui } = bench;
  /** Unfinished notes on images that were left meanwhile. @type {Map<string, Noting>} */
  const drafts = new Map();
  /** @type {string | null} */
  let image = null;
  /** @type {Noting | null} */
  let written = null;
  const marks = element("div", {
    class: "marks",
    role: "group",
    "aria-label": "Notes on the image",
  });
  const hint = element("div", { class: "hint", role: "status" });
  const text = /** @type {HTMLTextAreaElement} */ (element("textarea", {
    rows: 3,
    maxlength: MAX_COMMENT_LENGTH,
    "aria-label": "Note",
    onkeydown: typed,
  }));
  const save = /** @type {HTMLButtonElement} */ (element(
    "button",
    { type: "submit", class: "primary" },
    "Add",
  ));
  const form = element(
    "form",
    { class: "composer", "aria-label": "New note", onsubmit: submit },
    text,
    element("div", { class: "row" }, save, button("Cancel", "Cancel the note", close)),
  );
  const root = element("div", { class: "mark-layer" }, marks, hint, form);

  /** @param {KeyboardEvent} event */
  function typed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey) submit(event);
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const { noting } = ui;
    const words = text.value.trim();
    if (!noting || !words) return text.focus();
    close();
    give({ ...noting, text: words });
  }

  function close() {
    if (image) drafts.delete(image);
    bench.set({ noting: null });
    bench.focus();
  }

  const view = () => {
    const { scale, left, top } = surface.dataset;
    return { scale: Number(scale), left: Number(left), top: Number(top) };
  };

  /** @param {PointerEvent} event */
  function placed(event) {
    const { noting } = ui;
    if (!noting || noting.pin || event.button !== 0) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const { doc, bitmap } = session.state;
    if (!doc || !bitmap) return;
    const { left, top } = surface.getBoundingClientRect();
    const at = { x: event.clientX - left, y: event.clientY - top };
    const reach = REACH[event.pointerType === "touch" ? "touch" : "mouse"];
    const seen = doc.rects.filter(({ id }) => !ui.hidden.has(id));
    const [rect] = candidates(seen, at, view(), reach);
    const pin = rect ? { rect } : pinAt(toImage(view(), at), bitmap);
    bench.set({ noting: { ...noting, pin } });
  }
  surface.addEventListener("pointerdown", placed, { capture: true, signal: ended });

  /** @param {Thread} thread */
  const make = ({ key }) =>
    button("", "", () => bench.set({ thread: ui.thread === key ? null : key }), {
      class: "mark",
      "data-testid": "mark",
      "data-thread": key,
    });

  /** @param {HTMLElement} one @param {{ x: number, y: number }} at */
  function put(one, at) {
    const { scale, left, top } = view();
    one.style.transform = `translate(${left + at.x * scale}px, ${top + at.y * scale}px)`;
  }

  function renderMarks() {
    const threads = ui.hiding || session.state.phase !== "ready"
      ? []
      : threadsOf(session.state.doc).filter((thread) =>
        placeOf(thread) && (!thread.isResolved || thread.key === ui.thread)
      );
    keyed(marks, threads, ({ key }) => key, make, (one, thread) => {
      const words = `Note ${thread.number}: ${thread.comments.at(-1)?.text}`;
      say(one, String(thread.number));
      mark(one, "aria-label", words);
      mark(one, "title", words);
      mark(one, "aria-pressed", thread.key === ui.thread);
      put(one, /** @type {{ x: number, y: number }} */ (placeOf(thread)));
    });
  }

  /** Keeps an unfinished note until the image is open again. */
  function follow() {
    const { image: now } = session.state;
    if (now === image) return;
    if (image && ui.noting) drafts.set(image, { ...ui.noting, text: text.value });
    image = now;
    bench.set({ thread: null, noting: drafts.get(now ?? "") ?? null });
  }

  function renderForm() {
    const { noting } = ui;
    surface.classList.toggle("placing", noting !== null && !noting.pin);
    const asks = noting?.then === "return" ? "What is to be changed?" : "A note for others";
    say(hint, noting && !noting.pin ? "Click a box or a place for the note. Esc cancels." : "");
    hint.hidden = !hint.textContent;
    form.hidden = !noting?.pin;
    if (!noting?.pin) return void (written = null);
    if (written?.pin !== noting.pin) {
      text.value = noting.text;
      mark(text, "placeholder", asks);
      say(save, noting.then === "return" ? "Return" : "Add");
    }
    const isOpened = written === null;
    written = noting;
    place(noting.pin);
    if (isOpened) text.focus({ preventScroll: true });
  }

  /** Puts the field beside the place, inside the surface. @param {import("./comments.js").Pin} pin */
  function place(pin) {
    const { rects = [] } = session.state.doc ?? {};
    const box = rects.find(({ id }) => id === pin.rect) ?? null;
    const at = placeOf({ pin, box });
    const { scale, left, top } = view();
    const { clientWidth: width, clientHeight: height } = surface;
    const x = at ? left + at.x * scale + MARGIN : (width - WIDTH) / 2;
    const y = at ? top + at.y * scale + MARGIN : height - HEIGHT;
    form.style.left = `${Math.max(MARGIN, Math.min(x, width - WIDTH - MARGIN))}px`;
    form.style.top = `${Math.max(MARGIN, Math.min(y, height - HEIGHT - MARGIN))}px`;
    mark(form, "data-thread", keyOf(pin));
  }

  function render() {
    follow();
    renderMarks();
    renderForm();
  }
  surface.addEventListener("painted", render, { signal: ended });
  return { root, render };
}
