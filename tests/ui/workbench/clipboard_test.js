// What Ctrl+V pastes, whatever the browser tells of the clipboard.

import assert from "node:assert/strict";
import { pause } from "../clock.js";
import { createClipboard } from "../../../labeler/ui/workbench/clipboard.js";

/** @typedef {import("../../../labeler/ui/workbench/contract.js").Bench} Bench */

/** @param {string} key @param {boolean} repeat */
const pressed = (
  key,
  repeat = false,
) => /** @type {KeyboardEvent} */ (/** @type {unknown} */ ({ key, ctrlKey: true, repeat }));

/** @param {"copy" | "paste"} type @param {string[]} files */
function told(type, files = []) {
  const event = new Event(type, { cancelable: true });
  globalThis.dispatchEvent(Object.assign(event, { clipboardData: { files, setData() {} } }));
  return event;
}

const release = () => globalThis.dispatchEvent(new Event("keyup"));

/** A clipboard that boxes have been copied to. @param {(clipboard: ReturnType<typeof createClipboard>, acts: string[]) => Promise<void> | void} test */
async function withCopied(test) {
  /** @type {string[]} */
  const acts = [];
  const bench = /** @type {Bench} */ (
    /** @type {unknown} */ ({ act: (/** @type {string} */ name) => acts.push(name) })
  );
  const end = new AbortController();
  const clipboard = createClipboard(bench, end.signal);
  assert.equal(clipboard.copy(pressed("c")), false);
  assert.equal(told("copy").defaultPrevented, true);
  acts.length = 0;
  await test(clipboard, acts);
  end.abort();
}

Deno.test("boxes are pasted when the browser tells that nothing newer is there", () =>
  withCopied(async (clipboard, acts) => {
    assert.equal(clipboard.paste(pressed("v")), false);
    assert.equal(told("paste").defaultPrevented, true);
    release();
    await pause(1000);
    assert.deepEqual(acts, ["paste"]);
  }));

Deno.test("an image that was copied later is left to the page", () =>
  withCopied(async (clipboard, acts) => {
    clipboard.paste(pressed("v"));
    assert.equal(told("paste", ["a.png"]).defaultPrevented, false);
    release();
    await pause(1000);
    assert.deepEqual(acts, []);
  }));

Deno.test("the browser may tell after the key is released", () =>
  withCopied(async (clipboard, acts) => {
    clipboard.paste(pressed("v"));
    release();
    await pause(100);
    assert.equal(told("paste", ["a.png"]).defaultPrevented, false);
    await pause(1000);
    assert.deepEqual(acts, []);
  }));

Deno.test("a browser that tells nothing pastes the boxes, once for each key", () =>
  withCopied(async (clipboard, acts) => {
    for (let turn = 0; turn < 2; turn++) {
      clipboard.paste(pressed("v"));
      release();
      await pause(50);
    }
    await pause(1000);
    assert.deepEqual(acts, ["paste", "paste"]);
  }));

Deno.test("a held key pastes once", () =>
  withCopied(async (clipboard, acts) => {
    clipboard.paste(pressed("v"));
    told("paste");
    assert.equal(clipboard.paste(pressed("v", true)), true);
    release();
    await pause(1000);
    assert.deepEqual(acts, ["paste"]);
  }));
