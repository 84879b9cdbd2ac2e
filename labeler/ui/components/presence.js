// The tab's connection: its state is shown, and it is closed while nobody uses the tab. An open
// websocket keeps an instance of the service running. After a set time without pointer or key, this
// component asks for a run of the page, which saves what is unsaved. It then asks Streamlit's
// client to close the websocket, by the messages that the client accepts from a page that hosts it.
// A click or a key opens another websocket, to whichever instance answers.

import { page, pause } from "./page.js";
import { fetchAhead } from "./presence_files.js";
import { HERE, reducePresence, waits } from "./presence_state.js";
import { createView } from "./presence_view.js";

/**
 * What Python hands over. `heard` is the last request that a run of the page has answered;
 * `pauseAfter` is in seconds, 0 for never; `away` is the text to show without a connection;
 * `saveState` is the key of the line about saving.
 * @typedef {{
 *   session: string,
 *   heard: number,
 *   unsaved: boolean,
 *   pauseAfter: number,
 *   away: string,
 *   saveState: string,
 * }} Task
 */
/** @typedef {import("./page.js").Component<{ task: string }>} PresenceComponent */
/** @typedef {import("./presence_state.js").Effect} Effect */

const CHECK_EVERY = 1000; // ms; a hidden tab's timers are slower
const ANSWER_WITHIN = 15000;
const TRY_AGAIN_AFTER = 5000;
const LET_GO_WITHIN = 2000;
const SAY_AFTER = 600; // a cut websocket is usually back sooner
const NEWS_STAY = 4000;
const MOUNTED_AGAIN_WITHIN = 100; // both belong to one change of the page
const AHEAD_AFTER = 1500;

/** @param {PresenceComponent} first */
function createPresence(first) {
  const listeners = new AbortController();
  const options = { capture: true, signal: listeners.signal, passive: false };
  let component = first;
  let task = /** @type {Task} */ (JSON.parse(first.data.task));
  let state = HERE;
  let asked = task.heard;
  let lastInput = Date.now();
  let checking = false;
  let place = /** @type {Node} */ (first.parentElement);
  /** @type {Partial<Record<"settling" | "asking" | "ending", ReturnType<typeof setTimeout>>>} */
  const timers = {};

  const view = createView(task.saveState);
  view.mark(state.connection);
  const isHere = () => state.connection === "here";

  /** @type {Record<Effect, () => void>} */
  const effects = {
    terminate: () => tellClient("TERMINATE_WEBSOCKET_CONNECTION"),
    restart() {
      view.tell("Connecting …");
      tellClient("RESTART_WEBSOCKET_CONNECTION");
    },
    cover() {
      view.cover();
      view.tell("Paused. Everything is saved. Click or press any key to continue.");
    },
    uncover() {
      view.uncover();
      view.tell("");
    },
    touch: () => (lastInput = Date.now()),
    tellLater: () => view.later(() => dispatch({ type: "late" }), SAY_AFTER),
    tellAway: () => view.tell(task.away),
    stopWaiting,
    settle() {
      stopWaiting();
      const { settled, ask } = waits(state);
      timers.settling = setTimeout(() => dispatch({ type: "settled" }), settled);
      if (ask !== null) timers.asking = setTimeout(askForRun, ask);
    },
    news,
  };

  /** @param {import("./presence_state.js").PresenceEvent} event */
  function dispatch(event) {
    const next = reducePresence(state, event);
    state = next.state;
    view.mark(state.connection);
    for (const effect of next.effects) effects[effect]();
  }

  function stopWaiting() {
    clearTimeout(timers.settling);
    clearTimeout(timers.asking);
  }

  /** @param {string} type */
  const tellClient = (type) =>
    window.postMessage({ stCommVersion: 1, type }, window.location.origin);

  const askForRun = () => component.setStateValue("asked", ++asked);

  // --- letting go ------------------------------------------------------------------------

  async function check() {
    const due = () => task.pauseAfter && Date.now() - lastInput > task.pauseAfter * 1000;
    const free = () => isHere() && !state.running && due();
    if (checking || !free()) return;
    checking = true;
    if ((await allSaved()) && free()) {
      dispatch({ type: "letGo" });
      await pause(LET_GO_WITHIN);
      dispatch({ type: "unheard" });
    } else await pause(TRY_AGAIN_AFTER);
    checking = false;
  }

  // Whether the canvas has sent everything and the server has stored it.
  async function allSaved() {
    const isSaved = await page.labelerCanvas?.quiet();
    askForRun();
    const deadline = Date.now() + ANSWER_WITHIN;
    while (task.heard < asked || state.running) {
      if (Date.now() > deadline) return false;
      await pause(50);
    }
    return isSaved !== false && !task.unsaved;
  }

  // --- gone and back ---------------------------------------------------------------------

  /** @param {MessageEvent} event */
  function onMessage({ data, source }) {
    if (source !== window || data?.stCommVersion !== 1) return;
    if (data.type === "WEBSOCKET_DISCONNECTED") dispatch({ type: "lost" });
    if (data.type === "WEBSOCKET_CONNECTED") dispatch({ type: "found" });
    if (data.type === "SCRIPT_RUN_STATE_CHANGED") {
      dispatch({ type: "ran", running: data.scriptRunState !== "notRunning" });
    }
  }

  async function news() {
    view.tell("Connected again; saving …");
    const saved = await allSaved();
    if (isHere()) view.tell(saved ? "Back online. Everything is saved." : "", true, NEWS_STAY);
  }

  // --- pointer and keys --------------------------------------------------------------------

  /** @param {Event} event */
  function onInput(event) {
    lastInput = Date.now();
    if (!state.covered || !event.isTrusted || /move|wheel/.test(event.type)) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    dispatch({ type: "input" });
  }

  for (const type of ["pointerdown", "keydown"]) window.addEventListener(type, onInput, options);
  for (const type of ["pointermove", "wheel"]) {
    window.addEventListener(type, onInput, { ...options, passive: true });
  }
  window.addEventListener("message", onMessage, { signal: listeners.signal });
  const timer = setInterval(check, CHECK_EVERY);
  setTimeout(() => {
    const main = document.querySelector("script[type=module][src*='static/js/index.']");
    if (main instanceof HTMLScriptElement) fetchAhead(main.src);
  }, AHEAD_AFTER);

  // Other components report here that somebody is still working.
  page.labelerPresence = { awake: () => (lastInput = Date.now()) };

  // A connection that breaks during a run removes the component until the next run.
  function endSoon() {
    timers.ending = setTimeout(isHere() ? end : endSoon, MOUNTED_AGAIN_WITHIN);
  }

  function end() {
    listeners.abort();
    clearInterval(timer);
    stopWaiting();
    view.remove();
    delete page.labelerPresence;
    delete page.labelerTab;
  }

  return {
    /**
     * The state of the connection outlives the component's place: Streamlit may remove that place
     * and mount another one.
     * @param {Node} node
     * @param {PresenceComponent} next
     */
    attach(node, next) {
      clearTimeout(timers.ending);
      place = node;
      component = next;
      const before = JSON.stringify(task);
      task = JSON.parse(next.data.task);
      asked = Math.max(asked, task.heard);
      if (JSON.stringify(task) !== before) dispatch({ type: "drawn" });
    },
    /** @param {Node} node */
    detach(node) {
      if (node === place) timers.ending = setTimeout(endSoon, MOUNTED_AGAIN_WITHIN);
    },
  };
}

/** @param {PresenceComponent} component */
export default function showPresence(component) {
  const node = component.parentElement;
  const presence = page.labelerTab ??= createPresence(component);
  presence.attach(node, component);
  return () => presence.detach(node);
}
