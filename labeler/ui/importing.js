// The import view: the file goes from the browser to POST /api/imports, first for a dry run, whose
// report is shown, then for the import. Both answer line by line: how far it is, then the report.

const PACK_ABOVE = 2 ** 20;
const MOST_SHOWN = 2000;
const RENEW_WITHIN_MS = 15000;
const BUSY_PAUSE_MS = 2000;
const ZIP = "PK";
// What would happen, and what has: each for one and for many.
const WORDS = {
  added: [["image is added", "images are added"], ["image was added", "images were added"]],
  boxes: [["box is imported", "boxes are imported"], ["box was imported", "boxes were imported"]],
  imported: [["image gets them", "images get them"], ["image got them", "images got them"]],
  unchanged: [["image has just these already", "images have just these already"]],
  kept: [
    ["image keeps its boxes", "images keep their boxes"],
    ["image kept its boxes", "images kept their boxes"],
  ],
  left_out: [
    ["image of the file is left out", "images of the file are left out"],
    ["image of the file was left out", "images of the file were left out"],
  ],
};

function createImporter(root) {
  const listeners = new AbortController();
  const options = { signal: listeners.signal };
  const part = (name) => root.querySelector(`.${name}`);
  let component = null;
  let setup = {};
  let file = null;
  let running = false;
  let importing = false; // not only for a dry run
  let waiting = null; // the file that was chosen during a dry run, which is looked at then

  // --- sending -----------------------------------------------------------------------------

  // Text packs to a tenth: so large data sets get through servers that take small requests only.
  async function packed() {
    const isZip = (await file.slice(0, 2).text()) === ZIP;
    if (isZip || file.size < PACK_ABOVE || !window.CompressionStream) return file;
    return new Response(file.stream().pipeThrough(new CompressionStream("gzip"))).blob();
  }

  function send(body, dryRun) {
    const query = new URLSearchParams({
      format: part("format").value,
      existing: part("existing").value,
      dry_run: dryRun ? "1" : "0",
    });
    return fetch(`api/imports?${query}`, {
      method: "POST",
      body,
      headers: {
        Accept: "application/x-ndjson",
        ...setup.tokenHeaders,
        "X-File-Name": encodeURIComponent(file.name),
        "X-Labeler-Client": "page",
      },
    });
  }

  // In a tab that was open for hours the token has run out: a run of the page brings another one.
  async function renewed() {
    const asked = Date.now();
    component.setStateValue("renewal", asked);
    while (setup.renewal < asked && Date.now() < asked + RENEW_WITHIN_MS) {
      await pause(50);
    }
    return setup.renewal >= asked;
  }

  async function answerTo(dryRun) {
    const body = await packed();
    let answer = await send(body, dryRun);
    if (answer.status === 401 && (await renewed())) answer = await send(body, dryRun);
    let problem = await problemOf(answer);
    // One import runs at a time: another person's, or this one from before the page was reloaded.
    while (problem?.error?.code === "busy") {
      tell({});
      part("said").textContent = problem.error.message;
      await pause(BUSY_PAUSE_MS);
      answer = await send(body, dryRun);
      problem = await problemOf(answer);
    }
    if (!answer.ok) {
      throw new Error(problem?.error?.message ?? `The server answered ${answer.status}.`);
    }
    let last = {};
    for await (const line of linesOf(answer.body)) {
      last = line;
      if (line.doing) tell(line);
    }
    if (last.report) return last.report;
    throw new Error(
      last.error?.message ??
        "The connection was cut. Import the file again: what is done already stays.",
    );
  }

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const problemOf = (answer) => (answer.ok ? null : answer.json().catch(() => null));

  async function* linesOf(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop();
      for (const line of lines) yield JSON.parse(line);
    }
  }

  async function run(dryRun) {
    if (running || !file) return;
    running = true;
    importing = !dryRun;
    clear();
    lock(true);
    tell({ doing: "sending the file" });
    try {
      const report = await answerTo(dryRun);
      part("said").textContent = "";
      if (waiting) return;
      show(report);
      const idle = dryRun && !(report.images.imported || report.added_images);
      part("nothing").hidden = !idle;
      part("go").hidden = !dryRun || idle;
      if (!dryRun) component.setStateValue("imported", Date.now());
    } catch (error) {
      const lost = error instanceof TypeError;
      part("said").className = "said bad";
      part("said").textContent = lost
        ? "The file could not be sent: the server can't be reached, or the file was changed. " +
          "Choose it again."
        : error.message;
    } finally {
      running = importing = false;
      lock(false);
      part("progress").hidden = true;
      part("chosen").textContent = named(file);
      if (waiting) choose([waiting]);
    }
  }

  // --- telling -----------------------------------------------------------------------------

  const number = (count) => count.toLocaleString();

  function tell({ doing, done = 0, total = 0 }) {
    window.labelerPresence?.awake();
    const bar = part("progress");
    bar.hidden = false;
    if (total) {
      bar.max = total;
      bar.value = done;
    } else bar.removeAttribute("value");
    part("said").className = "said";
    const words = doing ? doing[0].toUpperCase() + doing.slice(1) : "Working";
    part("said").textContent = total
      ? `${words}: ${number(done)} of ${number(total)} …`
      : `${words}${done ? `: ${number(done)}` : ""} …`;
  }

  function row(count, what, tense) {
    const text = (WORDS[what][tense] ?? WORDS[what][0])[count === 1 ? 0 : 1];
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, detail.textContent] = [number(count), text];
    part("counts").append(term, detail);
  }

  function show(report) {
    const tense = report.dry_run ? 0 : 1;
    const boxes = Object.values(report.boxes).reduce((sum, count) => sum + count, 0);
    part("report").hidden = false;
    part("title").textContent = report.dry_run ? "What would happen" : "Imported";
    part("counts").replaceChildren();
    if (report.added_images) row(report.added_images, "added", tense);
    row(boxes, "boxes", tense);
    for (const [outcome, count] of Object.entries(report.images)) {
      if (count || outcome === "imported") row(count, outcome, tense);
    }
    const labels = report.new_labels;
    part("labels").textContent = labels.length
      ? `New labels (${number(labels.length)}): ${labels.join(", ")}`
      : "";
    part("head").textContent = report.problem_count
      ? `Left out or changed (${number(report.problem_count)}):`
      : "";
    part("problems").replaceChildren(
      ...report.problems.slice(0, MOST_SHOWN).map(({ file, place, reason, fault }) => {
        const line = document.createElement("li");
        line.textContent = `${[file, place].filter(Boolean).join(": ")}: ${reason}`;
        if (fault) line.className = "bad";
        return line;
      }),
    );
    if (report.problem_count > MOST_SHOWN) {
      part("head").textContent += ` the first ${number(MOST_SHOWN)} are listed`;
    }
  }

  function clear() {
    part("report").hidden = true;
    part("problems").replaceChildren();
    part("nothing").hidden = part("go").hidden = true;
    part("said").textContent = "";
  }

  function lock(locked) {
    for (const name of ["format", "existing", "go"]) part(name).disabled = locked;
  }

  // --- choosing ----------------------------------------------------------------------------

  const size = (bytes) =>
    bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const named = ({ name, size: bytes }) => `${name} (${size(bytes)})`;

  function choose(files) {
    if (!files.length) return;
    const [chosen] = files;
    const said = part("chosen");
    if (importing) {
      said.textContent = `${named(file)} is being imported. Choose ${chosen.name} again after it.`;
      return;
    }
    if (running) {
      waiting = chosen;
      said.textContent = `${named(file)}, then ${named(chosen)}`;
      return;
    }
    waiting = null;
    file = chosen;
    said.textContent = named(file);
    run(true);
  }

  part("file").addEventListener("change", () => {
    choose([...part("file").files]);
    part("file").value = ""; // the same file may be chosen again, after a change
  }, options);
  for (const name of ["format", "existing"]) {
    part(name).addEventListener("change", () => run(true), options);
  }
  part("go").addEventListener("click", () => run(false), options);
  // Anywhere on the page but on the uploader, which would take it for an image.
  const drop = part("drop");
  const mine = (event) =>
    event.dataTransfer.types.includes("Files") &&
    !event.composedPath().some((node) => node.matches?.(".uploader"));
  const capture = { ...options, capture: true };
  document.addEventListener("dragover", (event) => {
    drop.classList.toggle("over", mine(event));
    if (mine(event)) event.preventDefault();
  }, capture);
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) drop.classList.remove("over"); // it has left the page
  }, capture);
  document.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!mine(event)) return;
    event.preventDefault();
    choose([...event.dataTransfer.files]);
  }, capture);
  window.addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault(); // the file is still on its way
  }, options);

  return {
    update(next) {
      component = next;
      setup = JSON.parse(next.data.setup);
    },
    end() {
      listeners.abort();
    },
  };
}

const importers = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".importer");
  let importer = importers.get(component.parentElement);
  if (!importer) {
    importer = createImporter(root);
    importers.set(component.parentElement, importer);
  }
  importer.update(component);
  return () => {
    importers.get(component.parentElement)?.end();
    importers.delete(component.parentElement);
  };
}
