// Turns the browser's pointer events into inputs of the gestures.

import { toImage } from "./view.js";

/** @typedef {import("./view.js").Point} Point */
/** @typedef {import("./pointer.js").PointerInput} PointerInput */
/**
 * What the surface answers to pointers.
 * @typedef {object} Answers
 * @property {() => boolean} isReady whether anything can be done to the image
 * @property {() => import("./view.js").View} view
 * @property {(event: PointerEvent, at: Point) => { panning: boolean, twoClicks: boolean,
 *   editable: boolean, under: import("./pointer.js").Under }} pressed what a press there begins
 * @property {(input: PointerInput) => void} give
 * @property {(at: Point | null, point: Point | null) => void} hover null if the pointer has left
 * @property {(at: Point, factor: number) => void} zoom
 */

const WHEEL_STEP = 0.0016;
/** Pixels per line and per page, for a wheel that counts in lines or pages. */
const STEPS = [1, 33, 300];

/** @param {HTMLElement} root @param {Answers} answers @param {AbortSignal} ended */
export function listenToPointers(root, answers, ended) {
  const options = { signal: ended };
  /** The pointers that were pressed here. @type {Set<number>} */
  const held = new Set();
  let box = root.getBoundingClientRect();

  /**
   * The page may take the surface away while somebody draws, as another view does. Without a place
   * of its own it counts as where it was, so that the box has the corners that were pointed at.
   * @param {PointerEvent | WheelEvent} event
   */
  function placeOf(event) {
    if (root.isConnected) box = root.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    return { at, point: toImage(answers.view(), at) };
  }

  root.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || !answers.isReady()) return;
    event.preventDefault();
    root.focus({ preventScroll: true });
    try {
      root.setPointerCapture(event.pointerId);
    } catch {
      // The pointer is gone already.
    }
    held.add(event.pointerId);
    const place = placeOf(event);
    const pressed = answers.pressed(event, place.at);
    answers.give({
      type: "down",
      id: event.pointerId,
      ...place,
      ...pressed,
      touch: event.pointerType === "touch",
      panning: event.button === 1 || pressed.panning,
      drawing: event.ctrlKey || event.metaKey,
      adding: event.shiftKey,
    });
  }, options);
  root.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    answers.give({ type: "move", id: event.pointerId, ...place });
    answers.hover(event.pointerType === "touch" ? null : place.at, place.point);
  }, options);
  // On the whole window: a person who draws may leave the surface, and the surface's place on the
  // page may change meanwhile, which releases the pointer's capture.
  const always = { capture: true, signal: ended };
  globalThis.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId) || event.composedPath().includes(root)) return;
    answers.give({ type: "move", id: event.pointerId, ...placeOf(event) });
  }, always);
  globalThis.addEventListener("pointerup", (event) => {
    if (!held.delete(event.pointerId)) return;
    answers.give({ type: "up", id: event.pointerId, ...placeOf(event) });
  }, always);
  globalThis.addEventListener("pointercancel", (event) => {
    if (held.delete(event.pointerId)) answers.give({ type: "cancel", id: event.pointerId });
  }, always);
  root.addEventListener("pointerleave", () => answers.hover(null, null), options);
  root.addEventListener("contextmenu", (event) => event.preventDefault(), options);
  root.addEventListener("auxclick", (event) => event.preventDefault(), options);
  root.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (!answers.isReady()) return;
    // A pinch on a touchpad arrives as wheel events with Ctrl, in small steps.
    const step = STEPS[event.deltaMode] * WHEEL_STEP * (event.ctrlKey ? 6 : 1);
    const factor = Math.exp(-event.deltaY * step);
    answers.zoom(placeOf(event).at, Math.min(4, Math.max(0.25, factor)));
  }, { passive: false, signal: ended });
}
