// What each key and button does.

import { ATTRIBUTES } from "./attributes.js";
import { moved, resized } from "./boxes.js";
import { canReopen } from "./document.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./contract.js").Rect} Rect */
/** @typedef {ReturnType<typeof import("./surface.js").createSurface>} Surface */

export const UNDO_MS = 10_000;

/**
 * The actions by name. Those that change the document do nothing if the image can't be edited.
 * @param {Bench} bench @param {Surface} surface @param {{ find: () => void }} labels
 * @param {{ askReason: (then: (reason: string) => void) => void, openGuide: () => void }} dialogs
 * @returns {Record<string, () => void>}
 */
export function createActions(bench, surface, labels, { askReason, openGuide }) {
  const { session } = bench;
  const rects = () => session.state.doc?.rects ?? [];
  const selected = () => rects().filter(({ id }) => session.state.selection.includes(id));
  /** @param {string[]} ids */
  const select = (ids) => session.dispatch({ type: "select", ids });

  /** Adds boxes and selects them. @param {readonly Rect[]} some @param {number} shift */
  function paste(some, shift) {
    if (!some.length) return;
    const before = new Set(rects().map(({ id }) => id));
    const copies = shift ? moved([...some], shift, shift, surface.size()) : [...some];
    session.dispatch({ type: "paste", rects: copies });
    select(rects().map(({ id }) => id).filter((id) => !before.has(id)));
  }

  /** @param {import("./attributes.js").Attribute} name */
  function attribute(name) {
    const some = surface.chosen();
    if (!some.length) return;
    const value = !some.every((rect) => rect[name] === true);
    session.dispatch({ type: "attribute", ids: some.map(({ id }) => id), name, value });
  }

  /** @param {number} by */
  function cycle(by) {
    const ids = rects().filter(({ id }) => !bench.ui.hidden.has(id)).map(({ id }) => id);
    if (!ids.length) return;
    const place = ids.indexOf(session.state.selection.at(-1) ?? "");
    const next = place < 0 ? (by > 0 ? 0 : ids.length - 1) : (place + by + ids.length) % ids.length;
    select([ids[next]]);
    const [rect] = selected();
    if (rect) surface.look({ type: "reveal", rect });
  }

  /** Finishes the image that the person sees, even if the next one is already opening. @param {"done" | "skipped"} words @param {() => void} finish */
  function leave(words, finish) {
    if (!surface.isSeen()) return;
    const name = session.state.doc?.image_path ?? "The image";
    finish();
    bench.set({ toast: { text: `${name} is ${words}.`, undo: takeBack } });
  }

  function skipWithReason() {
    const { image } = session.state;
    askReason((reason) => {
      if (session.state.image === image) leave("skipped", () => session.skip(reason));
    });
  }

  /** Returns a finished image to those with work left. */
  function reopen() {
    const { status } = session.state;
    if (!canReopen(status)) return;
    session.dispatch({ type: "status", status: "in_progress" });
  }

  function takeBack() {
    session.undoDone();
    bench.set({ toast: null });
  }

  function remove() {
    const ids = surface.chosen().map(({ id }) => id);
    if (ids.length) session.dispatch({ type: "delete", ids });
  }

  function lock() {
    const locked = new Set(bench.ui.locked);
    const ids = session.state.selection;
    const isLocked = ids.every((id) => locked.has(id));
    for (const id of ids) isLocked ? locked.delete(id) : locked.add(id);
    bench.set({ locked });
  }

  function add() {
    if (!bench.ui.label) return labels.find();
    const before = new Set(rects().map(({ id }) => id));
    session.dispatch({ type: "add", rect: { ...surface.middle(), label: bench.ui.label } });
    select(rects().map(({ id }) => id).filter((id) => !before.has(id)));
    bench.focus();
  }

  /** Begins a note on the selected box, or on the place that is clicked next. */
  function note() {
    const { selection } = session.state;
    const pin = selection.length === 1 ? { rect: selection[0] } : null;
    bench.set({ noting: { pin, then: null, text: "" }, sheet: false });
  }

  /** @param {() => void} change */
  const editing = (change) => () => {
    if (session.state.phase === "ready" && !session.state.readOnly) change();
  };

  return {
    next: () => void session.next(),
    previous: () => void session.previous(),
    done: editing(() => leave("done", () => session.done({ next: true }))),
    nothing: editing(() => leave("done", () => session.nothingHere())),
    skip: editing(() => leave("skipped", () => session.skip())),
    skipReason: editing(skipWithReason),
    guide: () => openGuide(),
    claim: () => void session.queue.next(),
    reopen: editing(reopen),
    find: () => labels.find(),
    remove: editing(remove),
    undo: editing(() => {
      session.dispatch({ type: "undo" });
      bench.set({ toast: null });
    }),
    redo: editing(() => session.dispatch({ type: "redo" })),
    copy: () => {
      const some = selected();
      if (some.length) bench.set({ copied: some });
    },
    paste: editing(() => {
      const { copied } = bench.ui;
      const taken = copied.some((one) =>
        rects().some((rect) => rect.left === one.left && rect.top === one.top)
      );
      paste(copied, taken ? 10 : 0);
    }),
    duplicate: editing(() => paste(selected(), 10)),
    repeat: editing(() => {
      const { image } = session.state;
      session.previousImageRects().then((some) => {
        if (session.state.image === image) paste(some, 0);
      }, () => {});
    }),
    all: () => select(rects().map(({ id }) => id)),
    nextBox: () => cycle(1),
    previousBox: () => cycle(-1),
    add: editing(add),
    lock,
    note: editing(note),
    ...Object.fromEntries(ATTRIBUTES.map((name) => [name, editing(() => attribute(name))])),
    zoomIn: () => surface.zoom(1.25),
    zoomOut: () => surface.zoom(0.8),
    fit: () => surface.look({ type: "fit" }),
    actual: () => surface.look({ type: "actual" }),
    crosshair: () => bench.prefer({ crosshair: !bench.preferences.crosshair }),
    twoClicks: () => bench.prefer({ twoClicks: !bench.preferences.twoClicks }),
    help: () => bench.set({ help: !bench.ui.help }),
  };
}

/** Moves or resizes the selected boxes. @param {Bench} bench @param {Surface} surface @param {[number, number]} direction @param {{ shiftKey: boolean, ctrlKey: boolean, metaKey: boolean }} press */
export function nudge(bench, surface, [x, y], press) {
  const { session } = bench;
  const some = surface.chosen();
  if (!some.length || session.state.readOnly) return;
  const by = press.shiftKey ? 10 : 1;
  const size = surface.size();
  const rects = press.ctrlKey || press.metaKey
    ? some.map((rect) => resized(rect, "se", x * by, y * by, size))
    : moved(some, x * by, y * by, size);
  session.dispatch({ type: "change", ids: rects.map(({ id }) => id), rects });
}
