// Uploads: each file goes from the browser straight to POST /api/images, a few at a time, so that
// any instance can take it and none has to hold it. The page hears of a batch when it is over.

const AT_ONCE = 3;
const TRIES = 6;
const FIRST_PAUSE_MS = 500;
const RENEW_WITHIN_MS = 15000;
const SIGN_IN = "sign in again in another tab, then choose it again.";
const MOST_SHOWN = 100;
const PASTED = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

// What pictures begin with: JPEG, PNG, GIF, BMP, TIFF, WebP.
const BEGINNINGS = [
  /^\xff\xd8\xff/,
  /^\x89PNG/,
  /^GIF8/,
  /^BM/,
  /^II\*\0|^MM\0\*/,
  /^RIFF....WEBP/s,
];

/** Whether a file of a folder is taken: by its extension, or by its first bytes.
 * @param {File} file
 * @param {string[]} extensions those of images, in lower case
 */
export async function isPicture(file, extensions) {
  if (extensions.includes(file.name.split(".").pop()?.toLowerCase() ?? "")) return true;
  const head = await file.slice(0, 16).arrayBuffer().catch(() => new ArrayBuffer(0));
  const text = String.fromCharCode(...new Uint8Array(head));
  return BEGINNINGS.some((beginning) => beginning.test(text));
}

/** The files of a chosen folder with their paths below it.
 * @param {Iterable<File>} files
 */
export function below(files) {
  return [...files].map((file) => {
    const path = file.webkitRelativePath.split("/").slice(1).join("/");
    return { file, path: path || file.name };
  });
}

function createUploader(root) {
  const listeners = new AbortController();
  const options = { signal: listeners.signal };
  const part = (name) => root.querySelector(`.${name}`);
  const input = part("files");
  let component = null;
  let setup = {};
  const waiting = [];
  let running = 0;
  let batch = null;
  let batches = 0;
  let renewing = null; // while the page is asked for a fresh token

  // --- choosing --------------------------------------------------------------------------

  // A folder brings along what is no picture: those are left out without a word.
  async function addFolder(files) {
    const taken = await Promise.all(files.map(({ file }) => isPicture(file, setup.extensions)));
    add(files.filter((_, index) => taken[index]), { quietly: true });
  }

  // Each file with its path below the folder that was chosen.
  function add(chosen, { quietly = false } = {}) {
    if (!chosen.length) {
      if (quietly && !batch) say("There is no image in this folder.", "bad");
      return;
    }
    if (!batch) {
      batch = { id: ++batches, session: setup.session, all: 0, done: 0, fresh: 0, known: 0 };
      batch.failed = 0;
      batch.first = "";
      batch.firstPlace = Infinity;
      clear();
    }
    waiting.push(...chosen.map((one, index) => ({ ...one, place: batch.all + index })));
    batch.all += chosen.length;
    show();
    while (running < AT_ONCE && waiting.length) work();
  }

  async function work() {
    running += 1;
    while (waiting.length) {
      const { file, path, place } = waiting.shift();
      await take(file, path, place);
      batch.done += 1;
      show();
    }
    running -= 1;
    if (running === 0 && batch) finish();
  }

  // --- one file ----------------------------------------------------------------------------

  async function take(file, path, place) {
    if (file.size > setup.maxBytes) {
      const size = (file.size / 2 ** 20).toFixed(1);
      fail(`${file.name} has ${size} MB; at most ${setup.maxBytes / 2 ** 20} MB are taken.`);
      return;
    }
    let problem = "";
    let refused = false;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      if (attempt) await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
      try {
        const answer = await send(file, path);
        const body = await answer.json().catch(() => ({}));
        if (answer.ok) {
          if (place < batch.firstPlace) {
            batch.firstPlace = place;
            batch.first = body.image_id;
          }
          if (answer.status === 201) batch.fresh += 1;
          else batch.known += 1;
          return;
        }
        problem = body.error?.message ?? `The server answered ${answer.status}.`;
        if (answer.status === 401 && !refused) {
          refused = true;
          if (await renewed()) continue;
        }
        // Not our own words: a proxy before us wants people to sign in again.
        if (answer.status === 401 && !body.error) {
          problem = `${file.name} was not taken: ${SIGN_IN}`;
        }
        if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) break;
      } catch {
        problem = await readable(file)
          ? `${file.name} could not be sent: the server can't be reached. Choose it again.`
          : `${file.name} can't be read any more. Choose it again.`;
      }
    }
    fail(problem);
  }

  const send = (file, path) =>
    fetch("api/images", {
      method: "POST",
      body: file,
      headers: {
        ...setup.tokenHeaders,
        "X-File-Name": encodeURIComponent(path),
        "X-Labeler-Client": "page",
      },
    });

  // Whether a run of the page has brought a token since: in a tab that was open for hours the one
  // from before has run out.
  function renewed() {
    renewing ??= renew().finally(() => (renewing = null));
    return renewing;
  }

  async function renew() {
    const asked = Date.now();
    component.setStateValue("renewal", asked);
    while (setup.renewal < asked && Date.now() < asked + RENEW_WITHIN_MS) await pause(50);
    return setup.renewal >= asked;
  }

  const readable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

  function fail(text) {
    batch.failed += 1;
    if (batch.failed > MOST_SHOWN) return;
    const line = document.createElement("li");
    line.textContent = text;
    part("failures").append(line);
  }

  // --- telling -------------------------------------------------------------------------------

  const counted = (count, one, many) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

  function show() {
    const { all, done } = batch;
    window.labelerPresence?.awake();
    part("progress").hidden = false;
    part("progress").max = all;
    part("progress").value = done;
    say(`${done.toLocaleString()} of ${counted(all, "file", "files")} …`);
  }

  function say(text, how = "") {
    part("said").className = `said ${how}`;
    part("said").textContent = text;
    part("close").hidden = !how; // what is still going on can't be closed
  }

  function clear() {
    say("");
    part("failures").replaceChildren();
  }

  function finish() {
    const { fresh, known, failed } = batch;
    const said = [];
    if (fresh) said.push(`${counted(fresh, "image", "images")} added.`);
    if (known) {
      said.push(`${counted(known, "image was", "images were")} here already, with all boxes.`);
    }
    if (failed) said.push(`${counted(failed, "file was", "files were")} not taken:`);
    part("progress").hidden = true;
    say(said.join(" "), failed ? "bad" : "good");
    const { id, session, first } = batch;
    batch = null;
    const tell = () => component.setStateValue("batch", { id, session, first });
    // The page goes on to the first of them: that takes the canvas away, like a click on "next".
    if (window.labelerCanvas) window.labelerCanvas.leave(tell);
    else tell();
  }

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  // --- folders and drops ----------------------------------------------------------------------

  const named = (files) => [...files].map((file) => ({ file, path: file.name }));

  async function filesIn(entry, folder = "") {
    if (entry.isFile) {
      const file = await new Promise((resolve, fail) => entry.file(resolve, fail));
      return [{ file, path: folder + file.name }];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, fail) => reader.readEntries(resolve, fail));
      if (!some.length) return found;
      for (const inner of some) {
        const below = inner.isDirectory ? `${folder}${inner.name}/` : folder;
        found.push(...(await filesIn(inner, below)));
      }
    }
  }

  // Anywhere on the page: what is let go beside the uploader, the browser would open in its place.
  const takes = (event) => !event.defaultPrevented && event.dataTransfer.types.includes("Files");

  function onDragOver(event) {
    root.classList.toggle("over", takes(event));
    if (takes(event)) event.preventDefault();
  }

  async function onDrop(event) {
    root.classList.remove("over");
    if (!takes(event)) return;
    event.preventDefault();
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    // All at once, before the first wait: afterwards the event holds nothing any more.
    const dropped = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
    const found = await Promise.all(
      dropped.map(([entry, file]) => (entry ? filesIn(entry) : file ? named([file]) : [])),
    );
    found.forEach((files, index) => (dropped[index][0]?.isDirectory ? addFolder : add)(files));
  }

  function onPaste(event) {
    const node = event.composedPath()[0];
    if (/^(input|textarea)$/i.test(node.tagName) || node.isContentEditable) return;
    const stamp = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15);
    const files = [...event.clipboardData.files].map((file, index) =>
      file.name && file.name !== "image.png"
        ? file
        : new File([file], `pasted_${stamp}_${index}.${PASTED[file.type] ?? "png"}`)
    );
    add(named(files));
  }

  function chooseFolder() {
    const folder = Object.assign(document.createElement("input"), { type: "file" });
    folder.webkitdirectory = true;
    folder.addEventListener("change", () => addFolder(below(folder.files)));
    folder.click();
  }

  function onFiles() {
    add(named(input.files));
    input.value = "";
  }

  input.addEventListener("change", onFiles, options);
  part("choose").addEventListener("click", () => input.click(), options);
  part("folder").addEventListener("click", chooseFolder, options);
  part("close").addEventListener("click", clear, options);
  document.addEventListener("dragover", onDragOver, options);
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) root.classList.remove("over"); // it has left the page
  }, options);
  document.addEventListener("drop", onDrop, options);
  document.addEventListener("paste", onPaste, options);
  window.addEventListener("beforeunload", (event) => {
    if (batch) event.preventDefault(); // files are still on their way
  }, options);

  return {
    update(next) {
      component = next;
      setup = JSON.parse(next.data.setup);
      input.accept = setup.extensions.map((extension) => `.${extension}`).join(",");
      if (input.files.length) onFiles(); // chosen before this was there to hear of it
    },
    end() {
      listeners.abort();
    },
  };
}

const uploaders = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".uploader");
  let uploader = uploaders.get(component.parentElement);
  if (!uploader) {
    uploader = createUploader(root);
    uploaders.set(component.parentElement, uploader);
  }
  uploader.update(component);
  return () => {
    uploaders.get(component.parentElement)?.end();
    uploaders.delete(component.parentElement);
  };
}
