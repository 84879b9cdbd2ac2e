// Time for tests of scripts: it stands still while anything can happen, and then goes at once to the
// next timer. No test waits, and none depends on how busy the machine is. Importing the module puts
// it in place of the browser's timers and clocks.

import { setImmediate } from "node:timers";

/** The turns of the event loop after which everything that needs no time has happened. */
const SETTLED = 20;
/** In ms of this clock: what has not come about by then never will. */
const LIMIT_MS = 120_000;

/** @typedef {{ at: number, every: number | null, act: () => void }} Timer */

let time = 1_000_000;
let count = 0;
let isRunning = false;
/** In the order of their making. @type {Map<number, Timer>} */
const timers = new Map();
/** The tests that wait, each until its condition holds. @type {Set<() => boolean>} */
const waiting = new Set();

/** @param {() => void} act @param {number} ms @param {boolean} isRepeated */
function plan(act, ms, isRepeated) {
  const wait = Math.max(0, Number(ms) || 0);
  timers.set(++count, { at: time + wait, every: isRepeated ? Math.max(1, wait) : null, act });
  if (!isRunning) run();
  return count;
}

/** The timer that is due first, with its number. */
function next() {
  /** @type {[number, Timer] | null} */
  let first = null;
  for (const entry of timers) if (!first || entry[1].at < first[1].at) first = entry;
  return first;
}

/** Lets time pass as long as there are timers. */
async function run() {
  isRunning = true;
  while (timers.size) {
    for (let turn = 0; turn < SETTLED; turn++) await new Promise((go) => setImmediate(go));
    if ([...waiting].filter((isOver) => isOver()).length) continue;
    const due = next();
    if (!due) break;
    const [number, timer] = due;
    time = Math.max(time, timer.at);
    if (timer.every === null) timers.delete(number);
    else timers.set(number, { ...timer, at: time + timer.every });
    timer.act();
  }
  isRunning = false;
}

const stop = (/** @type {number | undefined} */ number) => void timers.delete(number ?? 0);

Object.assign(globalThis, {
  setTimeout: (/** @type {Function} */ act, ms = 0, /** @type {any[]} */ ...parts) =>
    plan(() => act(...parts), ms, false),
  setInterval: (/** @type {Function} */ act, ms = 0, /** @type {any[]} */ ...parts) =>
    plan(() => act(...parts), ms, true),
  clearTimeout: stop,
  clearInterval: stop,
});
performance.now = () => time;
Date.now = () => time;
AbortSignal.timeout = (ms) => {
  const controller = new AbortController();
  plan(() => controller.abort(new DOMException("Too late.", "TimeoutError")), ms, false);
  return controller.signal;
};

/** Lets this much time pass. @param {number} [ms] */
export const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Lets time pass until the condition holds, and not a moment longer.
 * @param {() => boolean} condition @returns {Promise<void>}
 */
export function until(condition) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      waiting.delete(look);
      reject(new Error(`It does not come about: ${condition}`));
    }, LIMIT_MS);
    function look() {
      if (!condition()) return false;
      waiting.delete(look);
      clearTimeout(late);
      resolve();
      return true;
    }
    if (!look()) waiting.add(look);
  });
}
