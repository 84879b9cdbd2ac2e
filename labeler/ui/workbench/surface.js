// What the pointer draws on: two canvases, their view, and the gesture that goes on.

import { isBox, moved, resized, spanned } from "./boxes.js";
import { element, mark } from "./dom.js";
import { candidates, handleAt, picked, REACH } from "./hits.js";
import { createPainter } from "./painter.js";
import { IDLE, reducePointer } from "./pointer.js";
import {
  fitted,
  hundredPercent,
  kept,
  onSurface,
  panned,
  revealing,
  toImage,
  zoomed,
} from "./view.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./contract.js").Rect} Rect */
/** @typedef {import("./view.js").Point} Point */

const WHEEL_STEP = 0.0016;

/** @type {Record<string, string>} */
const CURSORS = {
  n: "ns",
  s: "ns",
  e: "ew",
  w: "ew",
  ne: "nesw",
  sw: "nesw",
  nw: "nwse",
  se: "nwse",
};

/** @param {Bench} bench @param {AbortSignal} ended */
export function createSurface(bench, ended) {
  const { session } = bench;
  const picture = /** @type {HTMLCanvasElement} */ (element("canvas", { "aria-hidden": "true" }));
  const boxes = /** @type {HTMLCanvasElement} */ (element("canvas", { "aria-hidden": "true" }));
  const root = element(
    "div",
    {
      class: "surface",
      "data-testid": "surface",
      tabindex: "0",
      role: "application",
      "aria-label":
        "Image. Drag to draw a box, Tab goes from box to box, question mark shows all keys",
    },
    picture,
    boxes,
  );
  const painter = createPainter(picture, boxes);
  let room = { width: 1, height: 1 };
  let density = 1;
  let view = { scale: 1, left: 0, top: 0 };
  let isFitted = true;
  let gesture = IDLE;
  /** @type {Point | null} */
  let pointer = null;
  /** @type {Point | null} */
  let clicked = null;
  /** @type {string | null} */
  let shownImage = null;
  /** @type {object | null} */
  let shownPicture = null;
  let frame = 0;
  let pictureIsOld = true;

  const image = () => session.state.bitmap ?? { width: 1, height: 1, levels: [] };
  const isReady = () => session.state.phase === "ready" && session.state.bitmap !== null;

  /** @param {import("./view.js").View} next @param {boolean} [fit] */
  function look(next, fit = false) {
    view = next;
    isFitted = fit;
    pictureIsOld = true;
    bench.set({ scale: view.scale * density });
  }

  /** Boxes that are shown, with what the gesture makes of them. */
  function rects() {
    const { ui } = bench;
    if (ui.hiding) return [];
    const all = session.state.doc?.rects ?? [];
    const shown = all.filter((rect) => !ui.hidden.has(rect.id) && !ui.hiddenLabels.has(rect.label));
    const changes = dragged();
    return changes.length
      ? shown.map((rect) => changes.find(({ id }) => id === rect.id) ?? rect)
      : shown;
  }

  /** The selected boxes that may be changed. */
  const chosen = () =>
    (session.state.doc?.rects ?? []).filter(({ id }) =>
      session.state.selection.includes(id) && !bench.ui.locked.has(id)
    );

  /** @param {{ phase: string, down: import("./pointer.js").Down | null, point: Point | null }} [of] @returns {Rect[]} */
  function dragged({ phase, down, point } = gesture) {
    if (!down || !point || (phase !== "move" && phase !== "resize")) return [];
    return changed(phase, point.x - down.point.x, point.y - down.point.y, down);
  }

  /** @param {string} phase @param {number} dx @param {number} dy @param {import("./pointer.js").Down | null} down @returns {Rect[]} */
  function changed(phase, dx, dy, down) {
    if (phase === "move") {
      const some = chosen();
      return some.length ? moved(some, dx, dy, image()) : [];
    }
    const under = down?.under;
    if (under?.kind !== "handle") return [];
    return chosen().filter(({ id }) => id === under.id).map((rect) =>
      resized(rect, under.handle, dx, dy, image())
    );
  }

  function paint() {
    frame = 0;
    if (ended.aborted) return;
    const { state } = session;
    if (state.bitmap !== shownPicture || state.image !== shownImage) {
      const isOther = state.image !== shownImage;
      shownPicture = state.bitmap;
      shownImage = state.image;
      pictureIsOld = true;
      if (isOther) gesture = IDLE;
      if (isOther && state.bitmap) view = fitted(room, image());
      if (isOther) isFitted = true;
    }
    if (state.bitmap && isFitted) view = fitted(room, image());
    const { preferences } = bench;
    if (pictureIsOld) {
      const filter = preferences.brightness === 100 && preferences.contrast === 100
        ? "none"
        : `brightness(${preferences.brightness}%) contrast(${preferences.contrast}%)`;
      painter.paintPicture(state.bitmap, view, filter, getComputedStyle(root).backgroundColor);
      pictureIsOld = false;
    }
    const colors = new Map(state.labels.map(({ name, color }) => [name, color]));
    painter.paintBoxes({
      rects: isReady() ? rects() : [],
      selected: new Set(state.selection),
      hovered: bench.ui.hovered,
      color: (label) => colors.get(label) ?? "#808080",
      tags: preferences.tags,
      opacity: preferences.opacity / 100,
      drawn: drawn(),
      label: bench.ui.label,
      crosshair: preferences.crosshair && gesture.fingers.length < 2 ? pointer : null,
    }, view);
    mark(root, "data-scale", view.scale);
    mark(root, "data-left", view.left);
    mark(root, "data-top", view.top);
    bench.set({ scale: view.scale * density });
    root.dispatchEvent(new CustomEvent("painted", { detail: isReady() }));
  }

  /** The box that is being drawn. */
  function drawn() {
    const { phase, down, point } = gesture;
    if (!down || !point || (phase !== "draw" && phase !== "corner")) return null;
    return spanned(down.point, point, image());
  }

  function ask() {
    frame ||= requestAnimationFrame(paint);
  }

  /** @param {PointerEvent | WheelEvent} event */
  function placeOf(event) {
    const box = root.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    return { at, point: toImage(view, at) };
  }

  /** @param {Point} at @param {number} reach @returns {import("./pointer.js").Under} */
  function under(at, reach) {
    const some = chosen();
    for (const rect of some) {
      const handle = handleAt(onSurface(view, rect), at, reach);
      if (handle) return { kind: "handle", id: rect.id, handle };
    }
    const { x, y } = toImage(view, at);
    const inside = some.some((rect) =>
      x >= rect.left && y >= rect.top && x <= rect.left + rect.width && y <= rect.top + rect.height
    );
    return inside ? { kind: "inside" } : { kind: "free" };
  }

  /** @param {import("./pointer.js").PointerInput} input */
  function give(input) {
    const down = gesture.down;
    const next = reducePointer(gesture, input);
    gesture = next.gesture;
    for (const effect of next.effects) apply(effect, down);
    ask();
  }

  /** @param {import("./pointer.js").Effect} effect @param {import("./pointer.js").Down | null} down */
  function apply(effect, down) {
    switch (effect.type) {
      case "click":
        return click(effect);
      case "add":
        return add(spanned(effect.from, effect.to, image()));
      case "move":
      case "resize": {
        const changes = changed(effect.type, effect.dx, effect.dy, down);
        if (!changes.length) return;
        return session.dispatch({
          type: "change",
          ids: changes.map(({ id }) => id),
          rects: changes,
        });
      }
      case "pan":
        return look(panned(view, effect.dx, effect.dy, room, image()));
      case "zoom":
        return look(zoomed(view, effect.at, effect.factor, room, image()));
    }
  }

  /** @param {{ left: number, top: number, width: number, height: number }} box */
  function add(box) {
    session.dispatch({ type: "select", ids: [] });
    if (!isBox(box)) {
      return bench.set({
        toast: { text: "That box is too small. Zoom in or drag further.", undo: null },
      });
    }
    if (!bench.ui.label) {
      return bench.set({ toast: { text: "Choose a label first.", undo: null } });
    }
    session.dispatch({ type: "add", rect: { ...box, label: bench.ui.label } });
    // The next digit is meant for the next box, and the next drag draws.
    session.dispatch({ type: "select", ids: [] });
  }

  /** @param {{ at: Point, adding: boolean, touch: boolean }} effect */
  function click({ at, adding, touch }) {
    const reach = REACH[touch ? "touch" : "mouse"];
    const ids = candidates(rects(), at, view, reach);
    const { selection } = session.state;
    const again = clicked !== null && Math.hypot(clicked.x - at.x, clicked.y - at.y) <= reach;
    clicked = at;
    const id = picked(ids, selection.length === 1 ? selection[0] : null, again);
    if (!adding) {
      session.dispatch({ type: "select", ids: id === null ? [] : [id] });
      return;
    }
    const first = ids[0];
    if (first === undefined) return;
    const others = selection.filter((one) => one !== first);
    session.dispatch({
      type: "select",
      ids: others.length === selection.length ? [...selection, first] : others,
    });
  }

  listen();
  const sizes = new ResizeObserver(([entry]) => measure(entry));
  sizes.observe(root);
  ended.addEventListener("abort", () => sizes.disconnect());

  /** @param {ResizeObserverEntry} entry */
  function measure(entry) {
    const exact = entry.devicePixelContentBoxSize?.[0];
    const before = room;
    room = { width: entry.contentRect.width, height: entry.contentRect.height };
    density = globalThis.devicePixelRatio || 1;
    const width = exact?.inlineSize ?? Math.round(room.width * density);
    const height = exact?.blockSize ?? Math.round(room.height * density);
    painter.resize(Math.max(1, width), Math.max(1, height), density);
    const [dx, dy] = [(room.width - before.width) / 2, (room.height - before.height) / 2];
    if (!isFitted) {
      view = kept({ ...view, left: view.left + dx, top: view.top + dy }, room, image());
    }
    pictureIsOld = true;
    // At once: a canvas that got another size is empty until it is painted.
    cancelAnimationFrame(frame);
    paint();
  }

  function listen() {
    const options = { signal: ended };
    root.addEventListener("pointerdown", (event) => {
      if (event.button > 1 || !isReady()) return;
      event.preventDefault();
      root.focus({ preventScroll: true });
      const isTouch = event.pointerType === "touch";
      const place = placeOf(event);
      try {
        root.setPointerCapture(event.pointerId);
      } catch {
        // A pointer that is gone already.
      }
      give({
        type: "down",
        id: event.pointerId,
        ...place,
        touch: isTouch,
        panning: event.button === 1 || bench.ui.panning,
        drawing: event.ctrlKey || event.metaKey,
        adding: event.shiftKey,
        twoClicks: bench.preferences.twoClicks,
        editable: !session.state.readOnly,
        under: under(place.at, REACH[isTouch ? "touch" : "mouse"]),
      });
    }, options);
    root.addEventListener("pointermove", (event) => {
      const place = placeOf(event);
      pointer = event.pointerType === "touch" ? null : place.at;
      give({ type: "move", id: event.pointerId, ...place });
      bench.set({ at: place.point });
      if (gesture.phase === "idle") hover(place.at);
    }, options);
    root.addEventListener("pointerup", (event) => {
      give({ type: "up", id: event.pointerId, ...placeOf(event) });
    }, options);
    const lost = (/** @type {PointerEvent} */ event) =>
      give({ type: "cancel", id: event.pointerId });
    root.addEventListener("pointercancel", lost, options);
    root.addEventListener("lostpointercapture", lost, options);
    root.addEventListener("pointerleave", () => {
      pointer = null;
      bench.set({ at: null, hovered: null });
      ask();
    }, options);
    root.addEventListener("contextmenu", (event) => event.preventDefault(), options);
    root.addEventListener("auxclick", (event) => event.preventDefault(), options);
    root.addEventListener("wheel", wheel, { passive: false, signal: ended });
  }

  /** @param {WheelEvent} event */
  function wheel(event) {
    event.preventDefault();
    if (!isReady()) return;
    const step = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 300 : 1;
    const pinching = event.ctrlKey ? 6 : 1;
    const factor = Math.exp(-event.deltaY * step * WHEEL_STEP * pinching);
    look(zoomed(view, placeOf(event).at, Math.min(4, Math.max(0.25, factor)), room, image()));
    ask();
  }

  /** @param {Point} at */
  function hover(at) {
    const place = under(at, REACH.mouse);
    const cursor = bench.ui.panning
      ? "grab"
      : place.kind === "handle"
      ? `${CURSORS[place.handle]}-resize`
      : place.kind === "inside"
      ? "move"
      : "crosshair";
    if (root.style.cursor !== cursor) root.style.cursor = cursor;
    const near = candidates(rects(), at, view, REACH.mouse)[0] ?? null;
    if (near !== bench.ui.hovered) bench.set({ hovered: near });
  }

  return {
    root,
    ask,
    refresh() {
      pictureIsOld = true;
      ask();
    },
    isIdle: () => gesture.phase === "idle",
    cancel: () => give({ type: "escape" }),
    fit: () => look(fitted(room, image()), true),
    actual: () => look(hundredPercent(view, room, image(), density)),
    /** @param {number} factor */
    zoom: (factor) =>
      look(
        zoomed(view, pointer ?? { x: room.width / 2, y: room.height / 2 }, factor, room, image()),
      ),
    /** @param {import("./boxes.js").Area} rect */
    reveal: (rect) => {
      const next = revealing(view, rect, room, image());
      if (next !== view) look(next);
    },
    /** A box of a tenth of the view, in its middle. */
    middle: () => {
      const { x, y } = toImage(view, { x: room.width / 2, y: room.height / 2 });
      const half = Math.max(2, Math.min(room.width, room.height) / 10 / view.scale);
      return spanned({ x: x - half, y: y - half }, { x: x + half, y: y + half }, image());
    },
    size: image,
    chosen,
  };
}
