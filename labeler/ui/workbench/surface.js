// The drawing surface: two canvases, their camera, and the current gesture.

import { isBox, spanned } from "./boxes.js";
import { CAMERA, middleBox, reduceCamera } from "./camera.js";
import { element, mark, say } from "./dom.js";
import { candidates, cursorFor, pressedOn, REACH, selectedBy } from "./hits.js";
import { labelsOf } from "./label_set.js";
import { createMotion } from "./motion.js";
import { createPainter } from "./painter.js";
import { filterOf } from "./preferences.js";
import { IDLE, reducePointer } from "./pointer.js";
import { listenToPointers } from "./pointer_events.js";
import { watchRoom } from "./room.js";
import * as scenes from "./scene.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./view.js").Point} Point */

/** @type {readonly never[]} */
const NONE = [];
const NAME = "Image. Drag to draw a box, Tab goes from box to box, question mark shows all keys";
const ROLE = { role: "application", "aria-label": NAME };

/** @param {Bench} bench @param {AbortSignal} ended */
export function createSurface(bench, ended) {
  const { session } = bench;
  const picture = /** @type {HTMLCanvasElement} */ (element("canvas", { "aria-hidden": "true" }));
  const boxes = /** @type {HTMLCanvasElement} */ (element("canvas", { "aria-hidden": "true" }));
  const root = element(
    "div",
    { class: "surface", "data-testid": "surface", tabindex: "0", ...ROLE },
    picture,
    boxes,
  );
  const where = element("span", {});
  const painter = createPainter(picture, boxes);
  const motion = createMotion(refresh);
  ended.addEventListener("abort", motion.stop);
  let camera = CAMERA;
  let gesture = IDLE;
  /** @type {Point | null} */
  let pointer = null;
  /** Where the pointer is in image pixels. @type {Point | null} */
  let pointed = null;
  /** @type {Point | null} */
  let clicked = null;
  /** The image that is painted now. @type {{ image: string | null, picture: object | null }} */
  let shown = { image: null, picture: null };
  let frame = 0;
  let pictureIsOld = true;

  const isReady = () => session.state.phase === "ready" && session.state.bitmap !== null;
  const labels = () => labelsOf(session.state.labels);

  /** @param {import("./camera.js").CameraEvent} event */
  function look(event) {
    const next = reduceCamera(camera, event);
    if (next === camera) return;
    camera = next;
    if (event.type === "pan" || event.type === "zoom") motion.moved();
    else motion.stop();
    refresh();
  }

  function refresh() {
    pictureIsOld = true;
    ask();
  }

  /** The selected boxes that can be changed. */
  function chosen() {
    const selected = new Set(session.state.selection);
    return (session.state.doc?.rects ?? []).filter(({ id }) =>
      selected.has(id) && !bench.ui.locked.has(id)
    );
  }

  const visible = scenes.remembered(scenes.visibleRects);
  const still = scenes.remembered(scenes.withoutIds);

  /** The visible boxes, without what the current gesture changes about them. */
  function rects() {
    const { ui } = bench;
    if (!isReady() || ui.hiding || ui.past || ui.before) return NONE;
    const all = session.state.doc?.rects ?? NONE;
    return visible(all, ui.hidden, ui.hiddenLabels, labels().shown);
  }

  /** The visible boxes that the current gesture changes, as they are now. */
  function changed() {
    const changes = scenes.previewedRects(gesture, chosen(), camera.image);
    if (!changes.length) return NONE;
    const seen = new Set(rects().map(({ id }) => id));
    return changes.filter(({ id }) => seen.has(id));
  }

  function ask() {
    frame ||= requestAnimationFrame(paint);
  }

  function paint() {
    frame = 0;
    if (ended.aborted) return;
    follow();
    const { state } = session;
    const { preferences } = bench;
    if (pictureIsOld) {
      const isHard = motion.isHard();
      painter.paintPicture(state.bitmap, camera.view, filterOf(preferences), isHard);
      if (!isHard) motion.measure();
      pictureIsOld = false;
    }
    const changes = changed();
    painter.paintBoxes({
      rects: still(rects(), JSON.stringify(changes.map(({ id }) => id))),
      changed: changes,
      selected: state.selection,
      hovered: bench.ui.hovered,
      shown: labels().shown,
      tags: preferences.tags,
      opacity: preferences.opacity / 100,
      drawn: scenes.drawnBox(gesture, camera.image),
      label: bench.ui.label,
      conflicts: isReady() ? state.conflicts : NONE,
      crosshair: preferences.crosshair && gesture.fingers.length < 2 ? pointer : null,
    }, camera.view);
    for (const name of /** @type {const} */ (["scale", "left", "top"])) {
      mark(root, `data-${name}`, camera.view[name]);
    }
    const percent = `${Math.round(camera.view.scale * camera.density * 100)} %`;
    const place = pointed ? ` · x ${Math.floor(pointed.x)} y ${Math.floor(pointed.y)}` : "";
    say(where, `${percent}${place}`);
    root.dispatchEvent(new CustomEvent("painted", { detail: isReady() }));
  }

  /** Points the camera at the image that is open now. */
  function follow() {
    const { state } = session;
    if (state.bitmap === shown.picture && state.image === shown.image) return;
    const isOther = state.image !== shown.image;
    shown = { image: state.image, picture: state.bitmap };
    pictureIsOld = true;
    if (isOther) {
      gesture = IDLE;
      clicked = null;
    }
    const { width, height } = state.bitmap ?? camera.image;
    look({ type: "image", image: { width, height }, isOther });
  }

  /** @param {import("./pointer.js").PointerInput} input */
  function give(input) {
    const { down } = gesture;
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
        return add(spanned(effect.from, effect.to, camera.image));
      case "pan":
      case "zoom":
        return look(effect);
      default: {
        const { type, dx, dy } = effect;
        const changes = scenes.changedRects(type, down, chosen(), dx, dy, camera.image);
        const ids = changes.map(({ id }) => id);
        if (ids.length) session.dispatch({ type: "change", ids, rects: changes });
      }
    }
  }

  /** @param {import("./boxes.js").Area} box */
  function add(box) {
    session.dispatch({ type: "select", ids: [] });
    const problem = !isBox(box)
      ? "That box is too small. Zoom in or drag further."
      : bench.ui.label
      ? null
      : "There is no label to draw with. Ask an admin to add one.";
    if (problem) return bench.set({ toast: { text: problem, undo: null } });
    session.dispatch({ type: "add", rect: { ...box, label: bench.ui.label } });
    // The next digit is meant for the next box, and the next drag draws.
    session.dispatch({ type: "select", ids: [] });
  }

  /** @param {{ at: Point, adding: boolean, touch: boolean }} effect */
  function click({ at, adding, touch }) {
    const reach = REACH[touch ? "touch" : "mouse"];
    const ids = candidates(rects(), at, camera.view, reach);
    const isAgain = clicked !== null && Math.hypot(clicked.x - at.x, clicked.y - at.y) <= reach;
    clicked = at;
    const { selection } = session.state;
    session.dispatch({ type: "select", ids: selectedBy(ids, selection, isAgain, adding) });
  }

  /** @param {Point | null} at @param {Point | null} point */
  function hover(at, point) {
    pointer = at;
    pointed = point;
    ask();
    const isIdle = gesture.phase === "idle" && at !== null && isReady();
    const under = isIdle ? pressedOn(chosen(), at, camera.view, REACH.mouse) : null;
    const cursor = bench.ui.panning ? "grab" : cursorFor(under);
    if (root.style.cursor !== cursor) root.style.cursor = cursor;
    const hovered = isIdle
      ? candidates(rects(), at, camera.view, REACH.mouse)[0] ?? null
      : bench.ui.hovered;
    bench.set({ hovered: at === null ? null : hovered });
  }

  listenToPointers(root, {
    isReady,
    view: () => camera.view,
    pressed: (event, at) => ({
      panning: bench.ui.panning,
      twoClicks: bench.preferences.twoClicks,
      editable: !session.state.readOnly,
      under: pressedOn(
        chosen(),
        at,
        camera.view,
        REACH[event.pointerType === "touch" ? "touch" : "mouse"],
      ),
    }),
    give,
    hover,
    zoom: (at, factor) => look({ type: "zoom", at, factor }),
  }, ended);

  watchRoom(root, ended, (room, device, density) => {
    painter.resize(device.width, device.height, density);
    look({ type: "room", room, density });
    pictureIsOld = true;
    // Painted at once, because a resized canvas is empty until it is painted.
    cancelAnimationFrame(frame);
    paint();
  });

  return {
    root,
    /** The scale, and the place of the pointer in the image. */
    where,
    ask,
    refresh,
    isIdle: () => gesture.phase === "idle",
    /** Whether the open image is what the person sees. */
    isSeen: () => isReady() && shown.image === session.state.image,
    cancel: () => give({ type: "escape" }),
    look,
    /** @param {number} factor */
    zoom: (factor) => {
      const { width, height } = camera.room;
      look({ type: "zoom", at: pointer ?? { x: width / 2, y: height / 2 }, factor });
    },
    middle: () => middleBox(camera),
    size: () => session.state.bitmap ?? camera.image,
    chosen,
  };
}
