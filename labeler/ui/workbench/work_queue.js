// The queue: images come one after another, and each is claimed for this tab as long as somebody
// works on it. Saving never waits for a claim.

import { createClaimCalls } from "./claim_calls.js";
import { OFF, reduce } from "./claims.js";

/** @typedef {import("./claims.js").ClaimEvent} ClaimEvent */
/** @typedef {import("./claims.js").Effect} Effect */

export const ORDERS = /** @type {const} */ ({
  returned: "Returned first",
  name: "By name",
  newest: "Newest first",
  random: "Random",
});

const AHEAD = 3;
const TICK_MS = 1_000;
const UNREACHED = new Set(["network", "unavailable", "signedOut"]);
const SAVED_WITHIN_MS = 5_000;

/**
 * `open` opens an image, `fetchAhead` has images fetched before they are opened, `isReady` says
 * whether an image is fetched. `saving` resolves when all work on the image is saved, and is null
 * if it is saved. `image` is the open image, and `tab` what is kept over a reload of the page.
 * @param {{ backend: import("./backend.js").Backend,
 *   open: (image: string) => void, fetchAhead: (images: readonly string[]) => void,
 *   isReady: (image: string) => boolean, saving: (image: string) => Promise<void> | null,
 *   image: () => string, tab?: ReturnType<typeof import("./tab.js").createTab>,
 *   onChange: () => void }} options
 */
export function createWorkQueue(options) {
  const { open, fetchAhead, isReady, saving, onChange, tab } = options;
  const calls = createClaimCalls(options.backend);
  let state = OFF;
  let order = "returned";
  let person = "";
  /** The images that the next claims would give. @type {readonly string[]} */
  let ahead = [];
  let closed = false;
  let isGoing = false;
  const news = new EventTarget();

  /** @param {ClaimEvent} event */
  function handle(event) {
    const before = state;
    const next = reduce(state, event);
    state = next.state;
    next.effects.forEach(run);
    if (!isGoing) tab?.working(state.phase === "off" ? "" : state.image);
    if (before.phase !== state.phase || before.image !== state.image) onChange();
    if (before.phase !== state.phase) news.dispatchEvent(new Event("phase"));
  }

  /** @param {Effect} effect */
  function run(effect) {
    if (effect.type === "ask") ask();
    else if (effect.type === "renew") renew(effect.image);
    else calls.release(effect.image);
  }

  async function ask() {
    const at = Date.now();
    const after = state.image;
    const answer = await given(after);
    if (answer.type === "claimed") {
      handle({ ...answer, at });
      if (state.image !== answer.image) return;
      open(answer.image);
      lookAhead();
    } else if (answer.type === "nothing") handle(answer);
    else if (!UNREACHED.has(answer.type)) handle({ type: "refused", who: answer.message });
    else {
      const image = ahead.find((one) => one !== after && isReady(one)) ?? "";
      handle({ type: "unreached", image, who: answer.message, at });
      ahead = ahead.filter((one) => one !== image);
      if (image) open(image);
    }
  }

  /**
   * The next image, without those that this tab has finished and the server does not know of yet.
   * @param {string} after
   */
  async function given(after) {
    for (;;) {
      const answer = await calls.next({ after, order, person }, ahead);
      const pending = answer.type === "claimed" ? saving(answer.image) : null;
      if (!pending) return answer;
      let timer;
      const late = new Promise((resolve) => timer = setTimeout(resolve, SAVED_WITHIN_MS, "late"));
      const isLate = await Promise.race([pending, late]) === "late";
      clearTimeout(timer);
      if (isLate) return /** @type {const} */ ({ type: "network", message: "" });
    }
  }

  /** @param {string} image */
  async function renew(image) {
    const at = Date.now();
    const answer = await calls.renew(image);
    if (closed) return;
    if (answer.type === "claimed") handle({ type: "renewed", image, lease: answer.lease, at });
    else if (answer.type === "locked") handle({ type: "taken", image, who: answer.message });
    if (answer.type === "claimed" && state.image === image) lookAhead();
  }

  async function lookAhead() {
    const after = state.image;
    const found = await calls.ahead({ after, order, person }, AHEAD);
    if (closed || state.image !== after || state.phase === "off") return;
    ahead = found;
    fetchAhead(ahead);
  }

  /** Requests the next image; resolves to the image that is open then, or null. @param {boolean} isFinished */
  function go(isFinished) {
    handle({ type: "asked", isFinished });
    return new Promise((/** @type {(image: string | null) => void} */ resolve) => {
      news.addEventListener("phase", () => {
        resolve(["held", "offline"].includes(state.phase) && state.image ? state.image : null);
      }, { once: true });
    });
  }

  const leave = () => handle({ type: "stop" });
  const timer = setInterval(() => handle({ type: "tick", at: Date.now() }), TICK_MS);

  // A page that goes away gives the claim back, unless it is loaded again: then the tab takes it up.
  let isReload = false;
  const navigation = /** @type {any} */ (globalThis).navigation;
  /** @param {{ navigationType: string }} event */
  const navigated = ({ navigationType }) => isReload = navigationType === "reload";
  const gone = () => {
    isGoing = true;
    if (!isReload || !tab) leave();
  };
  navigation?.addEventListener("navigate", navigated);
  const back = () => isGoing = false;
  globalThis.addEventListener?.("pagehide", gone);
  globalThis.addEventListener?.("pageshow", back);
  tab?.ready.then((/** @type {boolean} */ isSame) => {
    const image = isSame ? tab.image : "";
    if (closed || state.phase !== "off") return;
    if (image && options.image() === image) handle({ type: "resumed", image, at: Date.now() });
    else tab.working("");
  });

  return {
    get isOn() {
      return state.phase !== "off";
    },
    get state() {
      return { phase: state.phase, image: state.image, who: state.who, order, person };
    },
    /** Goes to the next image; starts the queue if it is off. */
    next: (isFinished = false) => go(isFinished),
    /** Leaves the queue, so that images are opened by hand; gives the claim back. */
    stop() {
      ahead = [];
      fetchAhead(ahead);
      leave();
    },
    /**
     * Sets the order, one of ORDERS, and whose queue it is where nobody signs in.
     * @param {string} nextOrder @param {string} [nextPerson]
     */
    setOrder(nextOrder, nextPerson = person) {
      [order, person] = [nextOrder, nextPerson];
      ahead = [];
      if (state.phase !== "off") lookAhead();
      onChange();
    },
    /** Notes that another image was opened. @param {string} image */
    opened: (image) => handle({ type: "opened", image }),
    /** Notes that the person has changed the image. @param {string} image */
    changed: (image) => handle({ type: "changed", image, at: Date.now() }),
    /** Notes that the person has moved the mouse or pressed a key. */
    acted: () => handle({ type: "acted", at: Date.now() }),
    close() {
      leave();
      closed = true;
      clearInterval(timer);
      navigation?.removeEventListener("navigate", navigated);
      globalThis.removeEventListener?.("pagehide", gone);
      globalThis.removeEventListener?.("pageshow", back);
    },
  };
}
