// What Ctrl+V pastes: the copied boxes, or an image that was copied elsewhere after them.

/** @typedef {import("./contract.js").Bench} Bench */

/** Copied boxes take the clipboard, so that an image in it is newer than they are. */
const TYPE = "application/x-labeler-boxes";

/** How long after the key the browser may still tell of the paste, in ms. */
const TOLD_MS = 300;

/** @param {Bench} bench @param {AbortSignal} ended */
export function createClipboard(bench, ended) {
  const options = { capture: true, signal: ended };
  /** Whether the clipboard was given to the boxes when they were copied. */
  let isTaken = false;
  /** The event that the browser sends for the pressed key. @type {"copy" | "paste" | null} */
  let awaited = null;
  globalThis.addEventListener("copy", copied, options);
  globalThis.addEventListener("paste", pasted, options);
  globalThis.addEventListener("keyup", released, options);

  /** @param {ClipboardEvent} event */
  function copied(event) {
    if (awaited !== "copy" || !event.clipboardData) return;
    awaited = null;
    event.clipboardData.setData(TYPE, "copied");
    isTaken = true;
    end(event);
  }

  /** @param {ClipboardEvent} event */
  function pasted(event) {
    if (awaited !== "paste") return;
    if (event.clipboardData?.files.length) {
      awaited = null;
      return; // for the page around
    }
    pasteBoxes();
    end(event);
  }

  /** A browser that tells of no paste, as where no field has the focus, pastes the boxes. */
  function released() {
    if (awaited === "copy") awaited = null;
    if (awaited === "paste") setTimeout(pasteBoxes, TOLD_MS);
  }

  function pasteBoxes() {
    if (awaited !== "paste" || ended.aborted) return;
    awaited = null;
    bench.act("paste");
  }

  return {
    /** Copies the boxes, and tells whether that is all that the key does. @param {KeyboardEvent} event */
    copy(event) {
      bench.act("copy");
      isTaken = false;
      if (!isNative(event, "c")) return true;
      awaited = "copy";
      return false;
    },
    /** Pastes the boxes unless the browser is to tell first what else there is. @param {KeyboardEvent} event */
    paste(event) {
      if (event.repeat) return true;
      pasteBoxes(); // those of the key before, which the browser has told nothing of
      if (isTaken && isNative(event, "v")) {
        awaited = "paste";
        return false;
      }
      bench.act("paste");
      return true;
    },
  };
}

/** Whether the browser itself copies or pastes at the key. @param {KeyboardEvent} event @param {string} letter */
const isNative = ({ key, ctrlKey, metaKey, shiftKey, altKey }, letter) =>
  key.toLowerCase() === letter && (ctrlKey || metaKey) && !shiftKey && !altKey;

/** @param {Event} event */
function end(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
