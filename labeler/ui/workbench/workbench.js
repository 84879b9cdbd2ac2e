// The whole interface over one session: surface, panels and keys.

import { createActions, UNDO_MS } from "./actions.js";
import { spanned } from "./boxes.js";
import { element, mark, say } from "./dom.js";
import { keysOf, layoutOf, titleOf } from "./keymap.js";
import { listenForKeys } from "./keys.js";
import { labelsOf } from "./label_set.js";
import { createBar } from "./panels/bar.js";
import { createBoxes } from "./panels/boxes.js";
import { createConflicts } from "./panels/conflicts.js";
import { createDeletion } from "./panels/deletion.js";
import { createFooter } from "./panels/footer.js";
import { createGuide } from "./panels/guide.js";
import { createHelp } from "./panels/help.js";
import { createLabels } from "./panels/labels.js";
import { claimWords, createQueuePanel } from "./panels/queue.js";
import { createRail } from "./panels/rail.js";
import { createSkip } from "./panels/skip.js";
import { keepPreferences, readPreferences } from "./preferences.js";
import { createReviewParts } from "./review_parts.js";
import { createSurface } from "./surface.js";
import { newUi } from "./ui.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./contract.js").Review} Review */
/** @typedef {import("./contract.js").Session} Session */
/** @typedef {import("./contract.js").Ui} Ui */

/**
 * `whenIdle` calls back when no box is being drawn, `tell` shows a message for a while, and `end`
 * removes the workbench.
 * @typedef {{ whenIdle: (act: () => void) => void, tell: (text: string) => void,
 *   setReview: (reviews: boolean, review: Review | null) => void, end: () => void }} Workbench
 */

/**
 * Fills `place` with the workbench. The session belongs to the caller, who also ends it.
 * @param {HTMLElement} place
 * @param {Session} session
 * @param {{ person: string, thumbnail: (id: string) => Promise<string | null>,
 *   addLabel: ((name: string) => void) | null,
 *   guide: import("./contract.js").Guide, isAdmin: boolean, reviews?: boolean, review?: Review | null,
 *   askReview?: Bench["askReview"] }} options
 * @returns {Workbench}
 */
export function createWorkbench(place, session, options) {
  const { person, thumbnail, addLabel, guide, isAdmin, askReview = () => {} } = options;
  const controller = new AbortController();
  const ui = newUi(options.reviews ?? false, options.review ?? null);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Bench} */
  const bench = {
    session,
    ui,
    preferences: readPreferences(person, globalThis.localStorage),
    thumbnail,
    addLabel,
    guide,
    isAdmin,
    person,
    set(changes) {
      const isNew = Object.entries(changes).some(([key, value]) =>
        ui[/** @type {keyof Ui} */ (key)] !== value
      );
      if (!isNew) return;
      Object.assign(ui, changes);
      if (changes.toast) {
        clearTimeout(timer);
        const { toast } = changes;
        timer = setTimeout(() => ui.toast === toast && bench.set({ toast: null }), UNDO_MS);
      }
      parts.ask();
    },
    prefer(changes) {
      Object.assign(bench.preferences, changes);
      keepPreferences(person, bench.preferences, globalThis.localStorage);
      parts.surface.refresh();
      parts.ask();
    },
    act: (action) => parts.actions[action]?.(),
    keys: () => keysOf(bench.preferences.preset, bench.preferences.keys, ui.review !== null),
    layout: new Map(),
    titleOf: (action) => titleOf(action, bench.keys(), bench.layout),
    askReview,
    choose(name) {
      const ids = parts.surface.chosen().map(({ id }) => id);
      bench.set({ sheet: false }); // it covers the image that the label is for
      const { readOnly, phase } = session.state;
      if (!ids.length) return bench.set({ label: name });
      if (phase === "ready" && !readOnly) session.dispatch({ type: "label", ids, label: name });
    },
    focus: () => parts.surface.root.focus({ preventScroll: true }),
  };
  const parts = build(bench, place, controller.signal);
  const unsubscribe = session.subscribe(parts.ask);
  layoutOf(/** @type {any} */ (navigator).keyboard).then((layout) => {
    bench.layout = layout;
    parts.ask();
  });
  parts.ask();
  return {
    whenIdle: parts.whenIdle,
    setReview(reviews, review) {
      if (review) session.queue.stop();
      bench.set({ reviews, review });
    },
    tell: (text) => bench.set({ toast: text ? { text, undo: null } : null }),
    end() {
      controller.abort();
      clearTimeout(timer);
      unsubscribe();
      parts.root.remove();
    },
  };
}

/** @param {Bench} bench @param {HTMLElement} place @param {AbortSignal} ended */
function build(bench, place, ended) {
  const { session, ui } = bench;
  const surface = createSurface(bench, ended);
  const labels = createLabels(bench);
  const boxes = createBoxes(bench, {
    size: surface.size,
    reveal: (rect) => surface.look({ type: "reveal", rect }),
    setGeometry: (rect) => setGeometry(bench, surface, rect),
  });
  const queue = createQueuePanel(bench);
  const [skip, guide, deletion] = [createSkip(bench), createGuide(bench), createDeletion(bench)];
  const [bar, rail, footer, help, conflicts] = [
    createBar(bench),
    createRail(bench),
    createFooter(bench, surface.where, queue.root, surface.size),
    createHelp(bench),
    createConflicts(bench, (rect) => surface.look({ type: "reveal", rect })),
  ];
  const review = createReviewParts(bench, surface, ended);
  footer.root.append(review.buttons);
  const note = element("div", { class: "note", role: "status" });
  const stage = element(
    "div",
    { class: "stage" },
    surface.root,
    ...review.stage,
    note,
    conflicts.root,
    footer.toast,
  );
  const side = element(
    "div",
    { class: "side" },
    labels.root,
    boxes.root,
    ...review.side,
  );
  const root = element(
    "section",
    {
      class: "workbench",
      "data-testid": "workbench",
      "data-state": "loading",
      "aria-label": "Workbench",
    },
    bar.root,
    rail.root,
    stage,
    side,
    footer.root,
    help.root,
    skip.root,
    guide.root,
    deletion.root,
  );
  place.append(root);
  /** @type {Record<string, () => void>} */
  const actions = {
    ...createActions(bench, surface, labels, { askReason: skip.ask, openGuide: guide.open }),
    trash: deletion.ask,
    ...review.actions,
  };
  listenForKeys(bench, surface, root, ended);
  // A clicked button returns the focus, because the next Enter is meant for the image.
  root.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.composedPath()[0]);
    const isPicture = !target.closest("dialog") && !ui.noting;
    if (event.detail > 0 && target.closest("button") && isPicture) bench.focus();
  }, { signal: ended });
  const panels = [bar, rail, labels, boxes, footer, queue, help, conflicts, ...review.panels];
  let isAsked = false;
  /** @type {string | null} */
  let image = null;

  function render() {
    isAsked = false;
    if (ended.aborted) return;
    const { state } = session;
    if (state.image !== image) {
      image = state.image;
      Object.assign(ui, { hidden: new Set(), locked: new Set(), hovered: null, before: false });
      mark(root, "data-state", "loading");
    }
    ui.label = nextLabel(state.labels, ui.label);
    mark(root, "data-image", state.image ?? "");
    mark(root, "data-save", state.save.state);
    mark(root, "data-unsaved", state.save.count);
    root.classList.toggle("sheet", ui.sheet);
    root.classList.toggle("reviewing", ui.review !== null);
    if (state.phase !== "ready") mark(root, "data-state", "loading");
    say(note, noteOf(state));
    note.hidden = !note.textContent;
    mark(note, "data-phase", state.queue.phase);
    for (const panel of panels) panel.render();
    surface.ask();
  }

  surface.root.addEventListener("painted", (event) => {
    const isReady = /** @type {CustomEvent} */ (event).detail && session.state.image === image;
    mark(root, "data-state", isReady ? "ready" : "loading");
  });

  function ask() {
    if (isAsked) return;
    isAsked = true;
    queueMicrotask(render);
  }

  /** Calls `act` once no box is being drawn or moved, possibly at once. @param {() => void} act */
  function whenIdle(act) {
    if (surface.isIdle() || ended.aborted) return act();
    surface.root.addEventListener("painted", () => whenIdle(act), { once: true });
  }
  return { root, surface, actions, ask, whenIdle };
}

/** The label for new boxes: the chosen label under its current name, or the first one. @param {Session["state"]["labels"]} labels @param {string} chosen */
function nextLabel(labels, chosen) {
  const { offered, shown } = labelsOf(labels);
  const { name } = shown(chosen);
  return (offered.find((label) => label.name === name) ?? offered[0])?.name ?? "";
}

/** @param {Session["state"]} state */
function noteOf({ phase, error, image, queue }) {
  if (phase === "error") return error ?? "The image can't be opened.";
  if (phase === "loading" && image) return "Loading …";
  return claimWords(queue) || (error ?? "");
}

/** Applies typed numbers to the box, clipped to the image. @param {Bench} bench @param {ReturnType<typeof createSurface>} surface @param {import("./contract.js").Rect} rect */
function setGeometry(bench, surface, rect) {
  const end = { x: rect.left + rect.width, y: rect.top + rect.height };
  const box = spanned({ x: rect.left, y: rect.top }, end, surface.size());
  if (box.width < 1 || box.height < 1) return;
  bench.session.dispatch({ type: "change", ids: [rect.id], rects: [{ ...rect, ...box }] });
}
