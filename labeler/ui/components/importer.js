// The import view. The browser sends the file to POST /api/imports twice: for a dry run, whose
// report is shown, and then for the import.

import { importAddress, importFile, packed, Refused } from "./importer_request.js";
import { isIdle, nameAndSize, progressText, reportWords } from "./importer_report.js";
import { EMPTY, isRunning, reduceImporter } from "./importer_state.js";
import { mountOnce, part } from "./mount.js";
import { page, pause } from "./page.js";
import { fileHeaders, renewToken } from "./transfer.js";

/** @typedef {{ tokenHeaders: Record<string, string>, renewal: number }} Setup */
/** @typedef {import("./page.js").Component<{ setup: string }>} Importer */
/** @typedef {import("./importer_state.js").State} State */

const NAMES_MISSING = "class_names_missing";

/** @param {HTMLElement} root */
function createImporter(root) {
  const listeners = new AbortController();
  const options = { signal: listeners.signal };
  /** @param {string} name */
  const element = (name) => part(root, name, HTMLElement);
  const input = part(root, "file", HTMLInputElement);
  const progress = part(root, "progress", HTMLProgressElement);
  const format = part(root, "format", HTMLSelectElement);
  const existing = part(root, "existing", HTMLSelectElement);
  const status = part(root, "status", HTMLSelectElement);
  const names = part(root, "names", HTMLTextAreaElement);
  const go = part(root, "go", HTMLButtonElement);
  const [said, chosen, nothing] = [element("said"), element("chosen"), element("nothing")];
  /** @type {Importer} */
  let component;
  /** @type {Setup} */
  let setup;
  /** @type {State} */
  let state = EMPTY;

  /** @param {import("./importer_state.js").ImporterEvent} event */
  function dispatch(event) {
    const { state: next, effect } = reduceImporter(state, event);
    state = next;
    if (!state.file) return;
    const name = nameAndSize(state.file);
    if (effect === "look" || effect === "import") run(state.file, effect === "look");
    else if (effect === "wait" && state.waiting) {
      chosen.textContent = `${name}, then ${nameAndSize(state.waiting)}`;
    } else if (effect === "refuse" && event.type === "chosen") {
      chosen.textContent =
        `${name} is being imported. Choose ${event.file.name} again when it is done.`;
    }
  }

  // --- sending -----------------------------------------------------------------------------

  /** @param {File} file @param {boolean} dryRun */
  async function run(file, dryRun) {
    chosen.textContent = nameAndSize(file);
    clear();
    lock(true);
    tell({ doing: "sending the file" });
    try {
      const report = await send(file, dryRun);
      said.textContent = "";
      if (!state.waiting) {
        show(report);
        nothing.hidden = !isIdle(report);
        go.hidden = !dryRun || isIdle(report);
        if (!dryRun) component.setStateValue("imported", Date.now());
      }
    } catch (error) {
      if (error instanceof Refused && error.code === NAMES_MISSING) element("named").hidden = false;
      said.className = "said bad";
      said.textContent = error instanceof TypeError
        ? "The file could not be sent: the server can't be reached, or the file was changed. " +
          "Choose it again."
        : /** @type {Error} */ (error).message;
    }
    lock(false);
    progress.hidden = true;
    chosen.textContent = nameAndSize(file);
    dispatch({ type: "ended" });
  }

  /** @param {File} file @param {boolean} dryRun */
  async function send(file, dryRun) {
    const body = await packed(file);
    return importFile({
      send() {
        const address = importAddress({
          format: format.value,
          existing: existing.value,
          status: status.value,
          names: names.value,
          dryRun,
        });
        const headers = fileHeaders(setup.tokenHeaders, file.name);
        return fetch(address, {
          method: "POST",
          body,
          headers: { Accept: "application/x-ndjson", ...headers },
        });
      },
      renew: () => renewToken(component, () => setup.renewal),
      pause,
      tell,
      wait(message) {
        tell({});
        said.textContent = message;
      },
    });
  }

  // --- telling -----------------------------------------------------------------------------

  /** @param {import("./importer_request.js").Progress} how */
  function tell(how) {
    page.labelerPresence?.awake();
    progress.hidden = false;
    if (how.total) {
      progress.max = how.total;
      progress.value = how.done ?? 0;
    } else progress.removeAttribute("value");
    said.className = "said";
    said.textContent = progressText(how);
  }

  /** @param {string} tag @param {string} text @param {string} [className] */
  const made = (tag, text, className = "") =>
    Object.assign(document.createElement(tag), { textContent: text, className });

  /** @param {import("./importer_report.js").Report} report */
  function show(report) {
    const words = reportWords(report);
    element("report").hidden = false;
    element("title").textContent = words.title;
    const detected = format.value === report.format ? "" : optionOf(report.format);
    element("detected").textContent = detected && `Format: ${detected}`;
    element("labels").textContent = words.labels;
    element("head").textContent = words.head;
    element("counts").replaceChildren(
      ...words.counts.flatMap(({ count, text }) => [made("dt", count), made("dd", text)]),
    );
    element("problems").replaceChildren(
      ...words.problems.map(({ text, bad }) => made("li", text, bad ? "bad" : "")),
    );
  }

  function clear() {
    element("report").hidden = true;
    element("problems").replaceChildren();
    nothing.hidden = go.hidden = true;
    said.textContent = "";
  }

  /** @param {string} value the text of that format option */
  const optionOf = (value) =>
    [...format.options].find((option) => option.value === value)?.textContent ?? value;

  /** @param {boolean} locked */
  function lock(locked) {
    for (const control of [format, existing, status, names, go]) control.disabled = locked;
  }

  // --- choosing ----------------------------------------------------------------------------

  /** @param {FileList | null | undefined} files */
  function choose(files) {
    if (files?.length) dispatch({ type: "chosen", file: files[0] });
  }

  // Anywhere on the page except on the uploader, which would treat it as an image.
  /** @param {DragEvent} event */
  const mine = (event) =>
    !!event.dataTransfer?.types.includes("Files") &&
    !event.composedPath().some((node) => node instanceof Element && node.matches(".uploader"));

  const drop = element("drop");
  const capture = { ...options, capture: true };
  input.addEventListener("change", () => {
    choose(input.files);
    input.value = ""; // the same file may be chosen again, after a change
  }, options);
  for (const choice of [format, existing, status, names]) {
    choice.addEventListener("change", () => dispatch({ type: "changed" }), options);
  }
  go.addEventListener("click", () => dispatch({ type: "agreed" }), options);
  document.addEventListener("dragover", (event) => {
    drop.classList.toggle("over", mine(event));
    if (mine(event)) event.preventDefault();
  }, capture);
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) drop.classList.remove("over"); // the pointer has left the page
  }, capture);
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!mine(event)) return;
    event.preventDefault();
    choose(event.dataTransfer?.files);
  }, capture);
  window.addEventListener("beforeunload", (event) => {
    if (isRunning(state)) event.preventDefault(); // the file is still on its way
  }, options);

  return {
    /** @param {Importer} next */
    update(next) {
      component = next;
      setup = JSON.parse(next.data.setup);
    },
    end: () => listeners.abort(),
  };
}

export default mountOnce("importer", createImporter);
