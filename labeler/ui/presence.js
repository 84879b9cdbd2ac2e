// The tab's connection: told honestly, and let go while nobody is there. An open websocket keeps an
// instance of the service running. After a set time without pointer or key this component has the
// canvas send everything and the page save it, and then asks Streamlit's own client to close the
// websocket, by the messages that the client takes from a page that hosts it. A click or a key
// opens another one, to whichever instance answers.

const CHECK_EVERY = 1000; // ms; a hidden tab's timers are slower
const ANSWER_WITHIN = 15000;
const TRY_AGAIN_AFTER = 5000;
const SAY_AFTER = 600; // a websocket that is cut is back sooner, as a rule
const NEWS_STAY = 4000;
const SETTLED_AFTER = 150;
const RUN_AFTER = 300;
const GIVE_UP_AFTER = 12000;
const MOUNTED_AGAIN_WITHIN = 100; // it is one change of the page
const STYLE = `
  .labeler-connection {
    position: fixed; z-index: 1000000; bottom: 0.6rem; left: 50%; transform: translateX(-50%);
    width: max-content; max-width: calc(100vw - 1rem); padding: 0.3rem 0.9rem;
    border-radius: 1rem; box-sizing: border-box;
    font: 0.875rem sans-serif; color: #fff; background: #444c56; pointer-events: none;
  }
  .labeler-connection:empty { display: none; }
  .labeler-connection.good { background: #1a7f37; }
  .labeler-paused ~ .labeler-connection { bottom: 55%; font-size: 1rem; padding: 0.6rem 1.4rem; }
  .labeler-paused { position: fixed; z-index: 999999; inset: 0; background: #ffffff66; }
  .labeler-paused { cursor: pointer; touch-action: none; }
  /* Streamlit's own words: an error, where there is none. */
  :root:not([data-connection=here]) [data-testid=stStatusWidget] { display: none; }
  /* What it says may be out of date. */
  :root[data-connection=away] .st-key-save_state * { visibility: hidden !important; }`;

// Streamlit fetches a part of its page when it is first shown. One that can't be fetched at that
// moment stays broken until the page is reloaded: so all that this page may need is fetched ahead,
// again and again until it is here, and then comes out of the browser's cache.
const PARTS =
  "Checkbox ColorPicker DownloadButton FileUploader Multiselect NumberInput ProgressBar Selectbox " +
  "Slider TextArea TextInput Toast";
const AHEAD_AFTER = 1500;

async function fetchAhead() {
  const main = document.querySelector("script[type=module][src*='static/js/index.']")?.src;
  const text = main && (await fetchSurely(main));
  if (!text) return;
  const seen = new Set([main]);
  const take = async (name) => {
    const url = new URL(name, main).href;
    if (seen.has(url)) return;
    seen.add(url);
    const more = (await fetchSurely(url)).matchAll(/(?:from|import) ?"(\.\/[^"]+\.js)"/g);
    for (const [, next] of more) await take(next);
  };
  for (const part of PARTS.split(" ")) {
    for (const [name] of text.matchAll(new RegExp(`\\./${part}\\.[\\w-]+\\.js`, "g"))) {
      await take(name);
    }
  }
}

async function fetchSurely(url) {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    try {
      const answer = await fetch(url, { priority: "low" });
      if (answer.ok) return await answer.text();
    } catch {
      // an instance that ends; the next one has it
    }
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
  }
  return "";
}

function createPresence() {
  const listeners = new AbortController();
  const options = { capture: true, signal: listeners.signal, passive: false };
  const add = (tag, place, more) =>
    place.appendChild(Object.assign(document.createElement(tag), more));
  const style = add("style", document.head, { textContent: STYLE });
  const pill = add("div", document.body, { className: "labeler-connection", role: "status" });
  let component = null;
  let task = { session: "", heard: 0, unsaved: false, pauseAfter: 0 };
  let asked = 0;
  let lastInput = Date.now();
  let pausing = false;
  let cover = null; // over the page while it is paused
  let held = null; // a click from between the new connection and the page's first run on it
  let telling = 0;
  let settling = 0;
  let asking = 0;
  let running = false;
  let drawn = false; // whether a run of the page has been drawn since the connection came back
  let losses = 0; // how often the connection has been lost
  let away = false; // there has been no connection for long enough to say so

  const state = (name) =>
    name
      ? (document.documentElement.dataset.connection = name)
      : document.documentElement.dataset.connection;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  state("here");

  function tell(text, good = false, ms = 0) {
    clearTimeout(telling);
    pill.textContent = text;
    pill.classList.toggle("good", good);
    if (ms) telling = setTimeout(() => tell(""), ms);
  }

  const toClient = (type) => window.postMessage({ stCommVersion: 1, type }, window.location.origin);

  // --- letting go ------------------------------------------------------------------------

  async function check() {
    const due = () => task.pauseAfter && Date.now() - lastInput > task.pauseAfter * 1000;
    if (pausing || state() !== "here" || running || !due()) return;
    pausing = true;
    if ((await allSaved()) && due() && state() === "here" && !running) await letGo();
    else await pause(TRY_AGAIN_AFTER);
    pausing = false;
  }

  // Whether the canvas has sent everything, and the page has stored it.
  async function allSaved() {
    await window.labelerCanvas?.quiet();
    component.setStateValue("asked", ++asked);
    const deadline = Date.now() + ANSWER_WITHIN;
    while (task.heard < asked || running) {
      if (Date.now() > deadline) return false;
      await pause(50);
    }
    return !task.unsaved;
  }

  async function letGo() {
    state("pausing");
    toClient("TERMINATE_WEBSOCKET_CONNECTION");
    await pause(2000);
    if (state() === "pausing") {
      state("here"); // the client does not know the message
      lastInput = Date.now();
    }
  }

  function paused() {
    state("paused");
    cover = document.createElement("div");
    cover.className = "labeler-paused";
    pill.before(cover);
    tell("Paused; all is saved. Click or press a key to go on.");
  }

  function onInput(event) {
    lastInput = Date.now();
    if (!cover || !event.isTrusted || /move|wheel/.test(event.type)) return;
    stop(event);
    if (state() !== "paused") return;
    state("away");
    tell("Connecting …");
    toClient("RESTART_WEBSOCKET_CONNECTION");
  }

  // --- gone and back ---------------------------------------------------------------------

  function onMessage({ data, source }) {
    if (source !== window || data?.stCommVersion !== 1) return;
    if (data.type === "WEBSOCKET_DISCONNECTED") lost();
    if (data.type === "WEBSOCKET_CONNECTED") found();
    if (data.type === "SCRIPT_RUN_STATE_CHANGED") ran(data.scriptRunState !== "notRunning");
  }

  function lost() {
    losses += 1;
    running = false;
    clearTimeout(settling);
    clearTimeout(asking);
    if (state() === "pausing") {
      paused();
    } else if (state() !== "paused") {
      state("away");
      telling = setTimeout(() => {
        away = true;
        tell("Not connected. Your boxes are kept here.");
      }, SAY_AFTER);
    }
  }

  function found() {
    if (state() === "here") return;
    state("back");
    drawn = false;
    settling = setTimeout(settled, GIVE_UP_AFTER);
    asking = setTimeout(runPage, RUN_AFTER);
  }

  // The client has the page run by itself only where a run was cut off. Without one, an instance
  // that knows nothing of this tab would learn of it by a click, and take that for nothing.
  function runPage() {
    if (state() === "back" && !running && !drawn) component.setStateValue("asked", ++asked);
  }

  function ran(now) {
    running = now;
    if (state() === "back") settle();
  }

  // Back, once a run of the page on the new connection is over and drawn: before it, an instance
  // that knows nothing of this tab would take a click for nothing.
  function settle() {
    clearTimeout(settling);
    clearTimeout(asking);
    settling = setTimeout(settled, drawn && !running ? SETTLED_AFTER : GIVE_UP_AFTER);
    if (!drawn && !running) asking = setTimeout(runPage, RUN_AFTER);
  }

  function settled() {
    state("here");
    lastInput = Date.now();
    cover?.remove();
    tell("");
    if (away || cover) news();
    away = false;
    cover = null;
    passOn();
  }

  // A connection that is lost once more disables the buttons: the click waits for the next one.
  async function passOn() {
    for (let tries = 0; held && state() === "here" && tries < 20; tries += 1) {
      if (held()) held = null;
      else await pause(50);
    }
    if (state() === "here") held = null;
  }

  async function news() {
    tell("Connected again; saving …");
    const saved = await allSaved();
    if (state() === "here") tell(saved ? "Connected again; all is saved." : "", true, NEWS_STAY);
  }

  function onClick(event) {
    if (state() !== "back" || cover) return;
    const button = event.composedPath().find((node) =>
      node.matches?.("button, label, [role=option]")
    );
    if (!button) return;
    stop(event);
    const place = button.closest("[class*=st-key-leave_]") ?? button.closest("[class*=st-key-]");
    const key = String(place?.className).match(/st-key-(leave_)?\S+/)?.[0];
    const again = () => (key && document.querySelector(`.${CSS.escape(key)} ${button.localName}`));
    const image = window.labelerCanvas?.image();
    held = () => {
      if (key?.startsWith("st-key-leave_") && image !== window.labelerCanvas?.image()) return true;
      const target = button.isConnected ? button : again();
      if (!target || target.disabled) return false;
      target.click();
      return true;
    };
  }

  function stop(event) {
    event.stopImmediatePropagation();
    event.preventDefault();
  }

  for (const type of ["pointerdown", "keydown"]) window.addEventListener(type, onInput, options);
  for (const type of ["pointermove", "wheel"]) {
    window.addEventListener(type, onInput, { ...options, passive: true });
  }
  window.addEventListener("click", onClick, options);
  window.addEventListener("message", onMessage, { signal: listeners.signal });
  const timer = setInterval(check, CHECK_EVERY);
  setTimeout(fetchAhead, AHEAD_AFTER);

  // For other components: whether there is a connection, how often it was lost, and that somebody
  // is still at work.
  window.labelerPresence = {
    connected: () => state() === "here" || state() === "pausing",
    losses: () => losses,
    awake: () => (lastInput = Date.now()),
  };

  let place = null;
  let ending = 0;

  // A connection that breaks in the middle of a run takes the component along, until the next one.
  function endSoon() {
    ending = setTimeout(state() === "here" ? end : endSoon, MOUNTED_AGAIN_WITHIN);
  }

  function end() {
    listeners.abort();
    clearInterval(timer);
    clearTimeout(settling);
    clearTimeout(asking);
    for (const node of [style, pill, cover]) node?.remove();
    delete window.labelerPresence;
    delete window.labelerTab;
    delete document.documentElement.dataset.connection;
  }

  return {
    // What is known of the connection outlives the component's place: Streamlit may take that away
    // and mount another.
    attach(node, next) {
      clearTimeout(ending);
      place = node;
      component = next;
      const before = task;
      task = JSON.parse(next.data.task);
      asked = Math.max(asked, task.heard);
      if (Object.keys(task).every((name) => task[name] === before[name])) return;
      drawn = true;
      if (state() === "back") settle();
    },
    detach(node) {
      if (node === place) ending = setTimeout(endSoon, MOUNTED_AGAIN_WITHIN);
    },
  };
}

export default function (component) {
  const node = component.parentElement;
  const presence = (window.labelerTab ??= createPresence());
  presence.attach(node, component);
  return () => presence.detach(node);
}
