// The gestures of mouse, pen and fingers as a state machine. Pure.
//
// phase   | down                   | move               | up                  | second finger | escape
// idle    | press or pan           | hover              |                     |               |
// press   |                        | begins a drag      | click               | pinch         | idle
// draw    |                        | preview            | add                 | pinch         | idle
// move    |                        | preview            | change              | pinch         | idle
// resize  |                        | preview            | change              | pinch         | idle
// pan     |                        | pan                | idle                | pinch         | idle
// pinch   |                        | pan and zoom       | rest or idle        |               | idle
// rest    |                        |                    | idle at the last up |               | idle
// corner  | add (the second click) | preview            |                     | pinch         | idle

/** @typedef {import("./view.js").Point} Point */
/** @typedef {import("./hits.js").Handle} Handle */
/**
 * Where a press begins: off all selected boxes, inside a selected box, or on a handle of one.
 * @typedef {{ kind: "free" } | { kind: "inside" } | { kind: "handle", id: string, handle: Handle }} Under
 */
/**
 * `at` is in CSS pixels on the surface; `point` is the same place in image pixels.
 * @typedef {{ id: number, at: Point, point: Point }} Place
 * @typedef {Place & { type: "down", touch: boolean, panning: boolean, drawing: boolean, adding: boolean,
 *   twoClicks: boolean, editable: boolean, under: Under }} Down
 * @typedef {Down | (Place & { type: "move" }) | (Place & { type: "up" }) | { type: "cancel", id: number }
 *   | { type: "escape" }} PointerInput
 */
/**
 * @typedef {"idle" | "press" | "draw" | "move" | "resize" | "pan" | "pinch" | "rest" | "corner"} Phase
 * @typedef {{ phase: Phase, down: Down | null, fingers: Place[], point: Point | null }} Gesture
 */
/**
 * @typedef {{ type: "click", at: Point, adding: boolean, touch: boolean }
 *   | { type: "add", from: Point, to: Point }
 *   | { type: "move" | "resize", dx: number, dy: number }
 *   | { type: "pan", dx: number, dy: number }
 *   | { type: "zoom", at: Point, factor: number }} Effect
 */
/** @typedef {{ gesture: Gesture, effects: Effect[] }} Step */

/** @type {Gesture} */
export const IDLE = { phase: "idle", down: null, fingers: [], point: null };

const SLACK = { mouse: 3, touch: 8 };

/** The gesture after the input, and its effects. @param {Gesture} gesture @param {PointerInput} input @returns {Step} */
export function reducePointer(gesture, input) {
  switch (input.type) {
    case "down":
      return down(gesture, input);
    case "move":
      return move(gesture, input);
    case "up":
      return up(gesture, input);
    case "cancel":
      return step(released(gesture, input.id, gesture.fingers.length > 1 ? "rest" : "idle"));
    case "escape":
      return step(
        gesture.fingers.length ? { ...IDLE, phase: "rest", fingers: gesture.fingers } : IDLE,
      );
  }
}

/** @param {Gesture} gesture @param {Effect[]} effects @returns {Step} */
const step = (gesture, effects = []) => ({ gesture, effects });

/** @param {Gesture} gesture @param {Down} input */
function down(gesture, input) {
  const fingers = [...gesture.fingers.filter(({ id }) => id !== input.id), input];
  if (fingers.length > 1) {
    return step({ ...IDLE, phase: fingers.length === 2 ? "pinch" : "rest", fingers });
  }
  if (gesture.phase === "corner" && gesture.down && !input.panning) {
    const effects = /** @type {Effect[]} */ ([{
      type: "add",
      from: gesture.down.point,
      to: input.point,
    }]);
    return step({ ...IDLE, phase: "rest", fingers }, effects);
  }
  const phase = input.panning ? "pan" : "press";
  return step({ phase, down: input, fingers, point: input.point });
}

/** @param {Gesture} gesture @param {Place} input */
function move(gesture, input) {
  const held = gesture.fingers.find(({ id }) => id === input.id);
  if (gesture.phase === "corner") return step({ ...gesture, point: input.point });
  if (!held) return step(gesture);
  const fingers = gesture.fingers.map((finger) => finger.id === input.id ? input : finger);
  const next = { ...gesture, fingers, point: input.point };
  if (gesture.phase === "pan") {
    const [dx, dy] = [input.at.x - held.at.x, input.at.y - held.at.y];
    return step(next, [{ type: "pan", dx, dy }]);
  }
  if (gesture.phase === "pinch") return step(next, pinched(gesture.fingers, fingers));
  if (gesture.phase === "press" && gesture.down) {
    const start = gesture.down;
    const far = Math.hypot(input.at.x - start.at.x, input.at.y - start.at.y);
    if (far < SLACK[start.touch ? "touch" : "mouse"]) return step(next);
    return step({ ...next, phase: begun(start) });
  }
  return step(next);
}

/** @param {Down} start @returns {Phase} */
function begun(start) {
  if (!start.editable) return "pan";
  if (start.drawing || start.under.kind === "free") return "draw";
  return start.under.kind === "handle" ? "resize" : "move";
}

/** @param {Place[]} before @param {Place[]} after @returns {Effect[]} */
function pinched(before, after) {
  const [was, is] = [before, after].map(([a, b]) => ({
    x: (a.at.x + b.at.x) / 2,
    y: (a.at.y + b.at.y) / 2,
    apart: Math.max(1, Math.hypot(a.at.x - b.at.x, a.at.y - b.at.y)),
  }));
  return [
    { type: "pan", dx: is.x - was.x, dy: is.y - was.y },
    { type: "zoom", at: { x: is.x, y: is.y }, factor: is.apart / was.apart },
  ];
}

/** @param {Gesture} gesture @param {Place} input */
function up(gesture, input) {
  const start = gesture.down;
  const over = released(gesture, input.id, "idle");
  if (!start || start.id !== input.id) return step(over);
  const [dx, dy] = [input.point.x - start.point.x, input.point.y - start.point.y];
  switch (gesture.phase) {
    case "press": {
      if (start.twoClicks && start.editable && start.under.kind === "free" && !start.adding) {
        return step({ phase: "corner", down: start, fingers: [], point: input.point });
      }
      const { at, adding, touch } = start;
      return step(over, [{ type: "click", at, adding, touch }]);
    }
    case "draw":
      return step(over, [{ type: "add", from: start.point, to: input.point }]);
    case "move":
    case "resize":
      return step(over, [{ type: gesture.phase, dx, dy }]);
    default:
      return step(over);
  }
}

/** The gesture without that finger; fingers that still touch have no further effect. @param {Gesture} gesture @param {number} id @param {"idle" | "rest"} phase @returns {Gesture} */
function released(gesture, id, phase) {
  const fingers = gesture.fingers.filter((finger) => finger.id !== id);
  if (gesture.phase === "corner") return gesture;
  return { ...IDLE, phase: fingers.length ? "rest" : phase === "rest" ? "idle" : phase, fingers };
}
