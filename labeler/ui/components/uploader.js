// Uploads. The browser sends each file directly to POST /api/images, a few at a time, so any
// instance can accept it and none has to hold it. The page is told of a batch when it ends.

import { mountOnce, part } from "./mount.js";
import { page, pause } from "./page.js";
import { fileHeaders, renewToken } from "./transfer.js";
import {
  newBatch,
  pastedName,
  progressText,
  reduceBatch,
  sizeProblem,
  summary,
} from "./uploader_batch.js";
import { below, filesOf, isImageFile, single } from "./uploader_files.js";
import { uploadFile } from "./uploader_request.js";

/**
 * @typedef {{
 *   session: string,
 *   maxBytes: number,
 *   extensions: string[],
 *   tokenHeaders: Record<string, string>,
 *   renewal: number,
 * }} Setup
 */
/** @typedef {import("./page.js").Component<{ setup: string }>} Uploader */
/** @typedef {import("./uploader_files.js").PlacedFile} PlacedFile */

const AT_ONCE = 3;
const MOST_SHOWN = 100;

/** @param {HTMLElement} root */
function createUploader(root) {
  const listeners = new AbortController();
  const options = { signal: listeners.signal };
  const input = part(root, "files", HTMLInputElement);
  const progress = part(root, "progress", HTMLProgressElement);
  const said = part(root, "said", HTMLElement);
  const failures = part(root, "failures", HTMLElement);
  const close = part(root, "close", HTMLButtonElement);
  /** @type {Uploader} */
  let component;
  /** @type {Setup} */
  let setup;
  /** @type {(PlacedFile & { place: number })[]} */
  const waiting = [];
  let running = 0;
  /** @type {import("./uploader_batch.js").Batch | null} */
  let batch = null;
  let batches = 0;
  /** @type {Promise<boolean> | null} */
  let renewing = null; // while the page is asked for a fresh token

  // --- sending -----------------------------------------------------------------------------

  // Folders also contain other files than images. They are left out silently.
  /** @param {PlacedFile[]} files */
  async function addFolder(files) {
    const isImage = await Promise.all(files.map(({ file }) => isImageFile(file, setup.extensions)));
    const chosen = files.filter((_, index) => isImage[index]);
    if (chosen.length) add(chosen);
    else if (!batch) say("There is no image in this folder.", "bad");
  }

  /** @param {PlacedFile[]} chosen */
  function add(chosen) {
    if (!chosen.length) return;
    if (!batch) {
      batch = newBatch(++batches, setup.session);
      clear();
    }
    const { all } = batch;
    waiting.push(...chosen.map((one, index) => ({ ...one, place: all + index })));
    change({ type: "chosen", count: chosen.length });
    while (running < AT_ONCE && waiting.length) work();
  }

  async function work() {
    running += 1;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const outcome = await take(next);
      if (outcome.type === "failed") list(outcome.problem);
      change(outcome);
    }
    running -= 1;
    if (running === 0) finish();
  }

  /** @param {PlacedFile & { place: number }} next */
  async function take({ file, path, place }) {
    const problem = sizeProblem(file, setup.maxBytes);
    if (problem) return /** @type {const} */ ({ type: "failed", problem });
    return await uploadFile({ name: file.name, place }, {
      send: () => send(file, path),
      renew: renewed,
      readable: () => file.slice(0, 1).arrayBuffer().then(() => true, () => false),
      pause,
      random: Math.random,
    });
  }

  /** @param {File} file @param {string} path */
  async function send(file, path) {
    const headers = fileHeaders(setup.tokenHeaders, path);
    const answer = await fetch("api/images", { method: "POST", body: file, headers });
    const body = await answer.json().catch(() => ({}));
    return { status: answer.status, body, after: answer.headers.get("Retry-After") };
  }

  function renewed() {
    renewing ??= renewToken(component, () => setup.renewal).finally(() => (renewing = null));
    return renewing;
  }

  // --- telling -----------------------------------------------------------------------------

  /** @param {import("./uploader_batch.js").BatchEvent} event */
  function change(event) {
    if (!batch) return;
    batch = reduceBatch(batch, event);
    page.labelerPresence?.awake();
    progress.hidden = false;
    progress.max = batch.all;
    progress.value = batch.done;
    say(progressText(batch));
  }

  /** @param {string} text @param {"" | "good" | "bad"} [how] */
  function say(text, how = "") {
    said.className = `said ${how}`;
    said.textContent = text;
    close.hidden = !how; // the message of a running batch can't be closed
  }

  /** @param {string} problem */
  function list(problem) {
    if (failures.childElementCount >= MOST_SHOWN) return;
    const line = document.createElement("li");
    line.textContent = problem;
    failures.append(line);
  }

  function clear() {
    say("");
    failures.replaceChildren();
  }

  function finish() {
    if (!batch) return;
    const { id, session, first, failed } = batch;
    progress.hidden = true;
    say(summary(batch), failed ? "bad" : "good");
    batch = null;
    const tell = () => component.setStateValue("batch", { id, session, first });
    // The page opens the first new image, but not while a box is being drawn.
    if (page.labelerCanvas) page.labelerCanvas.leave(tell);
    else tell();
  }

  // --- choosing ----------------------------------------------------------------------------

  // Anywhere on the page: otherwise the browser would open a file dropped beside the uploader.
  /** @param {DragEvent} event */
  const takes = (event) => !event.defaultPrevented && !!event.dataTransfer?.types.includes("Files");

  /** @param {DragEvent} event */
  function onDragOver(event) {
    root.classList.toggle("over", takes(event));
    if (takes(event)) event.preventDefault();
  }

  /** @param {DragEvent} event */
  async function onDrop(event) {
    root.classList.remove("over");
    if (!takes(event) || !event.dataTransfer) return;
    event.preventDefault();
    for (const { files, fromFolder } of await filesOf(event.dataTransfer)) {
      (fromFolder ? addFolder : add)(files);
    }
  }

  /** @param {ClipboardEvent} event */
  function onPaste(event) {
    const node = /** @type {HTMLElement} */ (event.composedPath()[0]);
    if (/^(input|textarea)$/i.test(node.tagName) || node.isContentEditable) return;
    const now = new Date();
    const files = [...(event.clipboardData?.files ?? [])].map((file, index) => {
      const name = pastedName(file, now, index);
      return name === file.name ? file : new File([file], name);
    });
    add(single(files));
  }

  function chooseFolder() {
    const folder = Object.assign(document.createElement("input"), { type: "file" });
    folder.webkitdirectory = true;
    folder.addEventListener("change", () => addFolder(below(folder.files ?? [])));
    folder.click();
  }

  function onFiles() {
    add(single(input.files ?? []));
    input.value = "";
  }

  input.addEventListener("change", onFiles, options);
  part(root, "choose", HTMLElement).addEventListener("click", () => input.click(), options);
  part(root, "folder", HTMLElement).addEventListener("click", chooseFolder, options);
  close.addEventListener("click", clear, options);
  document.addEventListener("dragover", onDragOver, options);
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) root.classList.remove("over"); // the pointer has left the page
  }, options);
  document.addEventListener("drop", onDrop, options);
  document.addEventListener("paste", onPaste, options);
  window.addEventListener("beforeunload", (event) => {
    if (batch) event.preventDefault(); // files are still on their way
  }, options);

  return {
    /** @param {Uploader} next */
    update(next) {
      component = next;
      setup = JSON.parse(next.data.setup);
      input.accept = setup.extensions.map((extension) => `.${extension}`).join(",");
      if (input.files?.length) onFiles(); // chosen before this listener existed
    },
    end: () => listeners.abort(),
  };
}

export default mountOnce("uploader", createUploader);
