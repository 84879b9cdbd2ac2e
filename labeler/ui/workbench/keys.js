// Listens for keys wherever the focus is. Keys that it handles do not reach the page around it.

import { nudge } from "./actions.js";
import { ATTRIBUTES } from "./attributes.js";
import { createClipboard } from "./clipboard.js";
import { actionOf, ARROWS, codeOf, digitOf } from "./keymap.js";
import { labelsOf } from "./label_set.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./actions.js").Surface} Surface */

const TYPED =
  "textarea, select, [contenteditable], [contenteditable] *, [role=combobox], [role=slider], " +
  "input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit])";
/** Controls that need some keys of their own, and no letters. */
const OPERATED = "input[type=range]";
const NATIVE =
  "button, a, summary, input, [role=radio], [role=checkbox], [role=tab], [role=option]";
/** Streamlit's own keys on the page: run again, and clear the caches. It goes by what a key prints. */
const STREAMLIT = /^[rc]$/i;

/** @param {Bench} bench @param {Surface} surface @param {HTMLElement} root @param {AbortSignal} ended */
export function listenForKeys(bench, surface, root, ended) {
  const options = { capture: true, signal: ended };
  const clipboard = createClipboard(bench, ended);
  let tabIsFree = false;
  /** The codes of the keys that are held, by what they hold. @type {Map<"panning" | "hiding", string>} */
  const held = new Map();
  globalThis.addEventListener("keydown", down, options);
  globalThis.addEventListener("keypress", (event) => keepAway(event), options);
  globalThis.addEventListener("keyup", up, options);
  globalThis.addEventListener("blur", release, { signal: ended });
  surface.root.addEventListener("pointerdown", () => tabIsFree = false, { signal: ended });
  surface.root.addEventListener("blur", () => tabIsFree = false, { signal: ended });
  // The page around must not react to text that is typed in our fields.
  for (const name of ["keydown", "keypress", "keyup"]) {
    root.addEventListener(name, (event) => event.stopPropagation(), { signal: ended });
  }

  for (const name of ["pointermove", "pointerdown", "wheel", "keydown"]) {
    const passive = { capture: true, passive: true, signal: ended };
    root.addEventListener(name, () => bench.session.queue.acted(), passive);
  }

  /** The element that receives the key; null for the page itself. @param {Event} event */
  function holder(event) {
    const first = event.composedPath()[0];
    if (!(first instanceof Element) || first.matches("html, body")) return null;
    // A dialog that has closed holds the focus until the next frame.
    return first.closest("dialog:not([open])") ? null : first;
  }

  /** Whether the key is meant for the workbench. @param {Event} event */
  function isOurs(event) {
    if (!root.isConnected) return false;
    const isCovered = bench.ui.help || root.querySelector("dialog[open]") ||
      document.querySelector("[role=dialog], dialog[open]");
    if (isCovered) return false;
    return !holder(event)?.matches(TYPED);
  }

  /** @param {KeyboardEvent} event */
  function keepAway(event) {
    const at = holder(event);
    const isPicture = at === null || at === surface.root;
    if (isOurs(event) && (isPicture || STREAMLIT.test(event.key))) event.stopImmediatePropagation();
  }

  /** @param {KeyboardEvent} event */
  function down(event) {
    if (!isOurs(event) || event.isComposing) return;
    const at = holder(event);
    if (!takes(event, at)) return keepAway(event);
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** Carries out the key's action, and tells whether it has one. @param {KeyboardEvent} event @param {Element | null} at */
  function takes(event, at) {
    const isPicture = at === null || at === surface.root;
    if (at?.matches(NATIVE) && /^(?:Enter|Space|NumpadEnter)$/.test(event.code)) return false;
    const { preset } = bench.preferences;
    const action = actionOf(bench.keys(), event);
    const arrow = ARROWS[codeOf(event)];
    if (at?.matches(OPERATED) && (arrow || /^(?:Home|End|Page)/.test(event.code))) return false;
    if (arrow && !action) return arrowTaken(event, arrow, isPicture);
    const digit = digitOf(event, preset);
    if (digit !== null) {
      const label = labelsOf(bench.session.state.labels).offered[digit];
      if (label && !event.repeat) bench.choose(label.name);
      return true;
    }
    if (action === undefined) return false;
    return actionTaken(event, action, at);
  }

  /** @param {KeyboardEvent} event @param {[number, number]} arrow @param {boolean} isPicture */
  function arrowTaken(event, arrow, isPicture) {
    if (!isPicture || !bench.session.state.selection.length) return false;
    nudge(bench, surface, arrow, event);
    return true;
  }

  /** @param {KeyboardEvent} event @param {import("./keymap.js").Action} action @param {Element | null} at */
  function actionTaken(event, action, at) {
    if (action === "nextBox" || action === "previousBox") {
      if (at !== surface.root || tabIsFree || !bench.session.state.doc?.rects.length) return false;
    }
    if (action === "copy") {
      return bench.session.state.selection.length ? clipboard.copy(event) : isPlain(at);
    }
    // Without copied boxes the page gets the paste: the clipboard may hold an image to upload.
    if (action === "paste") return bench.ui.copied.length > 0 && clipboard.paste(event);
    if (action === "cancel") return cancelled();
    if (action === "pan") return hold("panning", event);
    if (action === "hide") return hold("hiding", event);
    if (event.repeat && ONCE.has(action)) return true;
    bench.act(action);
    return true;
  }

  /** @param {"panning" | "hiding"} what @param {KeyboardEvent} event */
  function hold(what, event) {
    held.set(what, event.code);
    bench.set({ [what]: true });
    return true;
  }

  function cancelled() {
    if (bench.ui.noting) bench.set({ noting: null });
    else if (bench.ui.past || bench.ui.before) bench.set({ past: null, before: false });
    else if (!surface.isIdle()) surface.cancel();
    else if (bench.session.state.selection.length) {
      bench.session.dispatch({ type: "select", ids: [] });
    } else if (bench.ui.sheet) bench.set({ sheet: false });
    else {
      tabIsFree = true;
      return false;
    }
    return true;
  }

  /** @param {Element | null} at */
  const isPlain = (at) => at === surface.root && !globalThis.getSelection()?.toString();

  /** @param {KeyboardEvent} event */
  function up(event) {
    for (const [what, code] of held) {
      if (code !== event.code) continue;
      held.delete(what);
      bench.set({ [what]: false });
    }
    keepAway(event);
  }

  function release() {
    if (bench.ui.panning || bench.ui.hiding) bench.set({ panning: false, hiding: false });
  }
}

/** Actions that a held key must not repeat. */
const ONCE = new Set([
  "done",
  "nothing",
  "skip",
  "skipReason",
  "claim",
  "guide",
  "duplicate",
  "repeat",
  "add",
  "lock",
  "note",
  "approve",
  "giveBack",
  "before",
  "history",
  ...ATTRIBUTES,
  "crosshair",
  "twoClicks",
  "help",
  "remove",
]);
