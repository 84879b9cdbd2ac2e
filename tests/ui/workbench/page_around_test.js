// What the rest of the page asks of the workbench, over a document of a few lines.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createPageAround } from "../../../labeler/ui/workbench/page_around.js";

/** A button of the page. */
class Button extends EventTarget {
  clicks = 0;
  isConnected = true;
  /** @param {string} textContent @param {boolean} [isAwaited] */
  constructor(textContent, isAwaited = true) {
    super();
    this.textContent = textContent;
    this.isAwaited = isAwaited;
  }
  closest() {
    return this.isAwaited ? this : null;
  }
  /** As a browser does: the page hears of it, unless somebody stops it. */
  click() {
    const event = new Event("click", { cancelable: true });
    Object.defineProperty(event, "composedPath", { value: () => [this] });
    globalThis.document.dispatchEvent(event);
    if (!event.defaultPrevented) this.clicks += 1;
  }
}

function scene() {
  /** @type {Button[]} */
  const buttons = [];
  const page = Object.assign(new EventTarget(), { querySelectorAll: () => buttons });
  Object.assign(globalThis, { document: page, HTMLElement: Button });
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {string[]} */
  const told = [];
  /** @type {any} */
  const session = {
    state: { save: { state: "saved", count: 0 } },
    retries: 0,
    retry: () => session.retries += 1,
    subscribe(/** @type {() => void} */ listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  /** @type {(() => void)[]} */
  const waiting = [];
  const workbench = {
    isIdle: true,
    whenIdle: (/** @type {() => void} */ act) => workbench.isIdle ? act() : waiting.push(act),
    tell: (/** @type {string} */ text) => void told.push(text),
  };
  const around = createPageAround(session, workbench, () => ".export");
  return {
    around,
    buttons,
    session,
    told,
    workbench,
    listeners,
    /** @param {"saved" | "pending" | "offline"} state */
    save(state, count = state === "saved" ? 0 : 1) {
      session.state = { save: { state, count } };
      for (const listener of listeners) listener();
    },
    idle() {
      workbench.isIdle = true;
      for (const act of waiting.splice(0)) act();
    },
    canvas: () => /** @type {any} */ (globalThis).labelerCanvas,
  };
}

Deno.test("a click passes at once where everything is saved, and where nobody has to wait", () => {
  const { buttons, save, around, told } = scene();
  const [exporting, other] = [new Button("Export COCO"), new Button("Next", false)];
  buttons.push(exporting);
  exporting.click();
  save("pending");
  other.click();
  assert.deepEqual([exporting.clicks, other.clicks, told], [1, 1, []]);
  around.end();
});

Deno.test("a click waits until the last changes are saved, and is done once", async () => {
  const { buttons, save, around, session, told, listeners } = scene();
  const exporting = new Button("Export COCO");
  buttons.push(exporting);
  save("pending");
  exporting.click();
  assert.equal(exporting.clicks, 0);
  assert.deepEqual([session.retries, told], [1, ["Saving your last changes first …"]]);
  save("offline");
  await pause(5);
  assert.equal(exporting.clicks, 0);
  save("saved");
  await until(() => exporting.clicks === 1);
  assert.equal(told.at(-1), "");
  await pause(5);
  assert.deepEqual([exporting.clicks, listeners.size], [1, 0]);
  around.end();
});

Deno.test("a click that waited is given to what stands in the button's place by then", async () => {
  const { buttons, save, around } = scene();
  const [old, another, renewed] = ["Export COCO", "Export YOLO", "Export COCO"].map((text) =>
    new Button(text)
  );
  buttons.push(old);
  save("pending");
  old.click();
  old.isConnected = false;
  buttons.splice(0, 1, another, renewed);
  save("saved");
  await until(() => renewed.clicks === 1);
  assert.deepEqual([old.clicks, another.clicks], [0, 0]);
  around.end();
});

Deno.test("a click goes on after its patience, and the person is told what is not saved", async () => {
  const { buttons, save, around, told } = scene();
  const exporting = new Button("Export COCO");
  buttons.push(exporting);
  save("offline", 3);
  exporting.click();
  await until(() => exporting.clicks === 1);
  assert.equal(told.at(-1), "Going on, but 3 images have changes that are not saved yet.");
  around.end();
});

Deno.test("the page leaves when no box is being drawn and everything is saved", async () => {
  const { save, around, canvas, workbench, idle } = scene();
  workbench.isIdle = false;
  save("pending");
  let [isLeft, isQuiet] = [false, false];
  canvas().leave(() => isLeft = true);
  canvas().quiet().then((/** @type {boolean} */ answer) => isQuiet = answer);
  save("saved");
  await pause(5);
  assert.deepEqual([isLeft, isQuiet], [false, false]);
  idle();
  await until(() => isLeft && isQuiet);
  around.end();
});

Deno.test("another workbench's answer to the page is left where it is", () => {
  const { around, canvas } = scene();
  const first = canvas();
  const second = scene();
  assert.notEqual(canvas(), first);
  around.end();
  assert.ok(canvas());
  second.around.end();
  assert.equal(canvas(), undefined);
});
