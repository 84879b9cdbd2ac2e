// The claim of one tab as a table: each state and event gives the next state and effects. Pure.

/**
 * `off`: images are opened by hand; `who` says why the queue could not start. `asking`: the next
 * image was requested. `held`: this tab has the image. `ended`: nobody worked on it for the whole
 * lease. `taken`: somebody else has it. `free`: it was opened by hand, and the first change claims
 * it. `empty`: no image is left. `offline`: there is no connection; images fetched ahead are
 * labeled without a claim.
 * @typedef {"off" | "asking" | "held" | "ended" | "taken" | "free" | "empty" | "offline"} Phase
 */

/**
 * `image` is the claimed image; `isFinished` says that it needs no more work. All times are
 * milliseconds of the browser's clock: `lease`, its end `until`, the last request `renewed`, and
 * the person's last action `acted`. `who` is the server's text about another holder.
 * @typedef {{ phase: Phase, image: string, isFinished: boolean, lease: number, until: number,
 *   renewed: number, acted: number, who: string }} ClaimState
 */

/**
 * `at` is the time of the event; for an answer, the time of its request. `unreached` names the
 * image that is opened instead, if there is one.
 * @typedef {{ type: "asked", isFinished: boolean } | { type: "stop" }
 *   | { type: "resumed", image: string, at: number }
 *   | { type: "claimed" | "renewed", image: string, lease: number, at: number }
 *   | { type: "nothing" } | { type: "unreached", image: string, who: string, at: number }
 *   | { type: "refused", who: string }
 *   | { type: "opened", image: string } | { type: "changed", image: string, at: number }
 *   | { type: "acted" | "tick", at: number }
 *   | { type: "taken", image: string, who: string }} ClaimEvent
 * @typedef {{ type: "ask" } | { type: "renew" | "release", image: string }} Effect
 * @typedef {{ state: ClaimState, effects: Effect[] }} Step
 */

const NEVER = -Infinity;

/** @type {ClaimState} */
export const OFF = {
  phase: "off",
  image: "",
  isFinished: false,
  lease: 0,
  until: NEVER,
  renewed: NEVER,
  acted: NEVER,
  who: "",
};

/** The wait, in ms, before the claim is requested again while the person works. */
const AGAIN_MS = { ended: 2_000, taken: 15_000, free: 5_000, offline: 3_000 };

/**
 * Milliseconds from the last request to the next one for the claim, while the person works.
 * @param {ClaimState} state
 */
const patience = ({ phase, lease }) =>
  phase === "held" ? lease / 3 : AGAIN_MS[/** @type {keyof typeof AGAIN_MS} */ (phase)] ?? Infinity;

/** @param {ClaimState} state @param {ClaimEvent} event @returns {Step} */
export function reduce(state, event) {
  if (event.type === "asked") return asked(state, event.isFinished);
  if (event.type === "claimed") return claimed(state, event);
  if (event.type === "stop") return step(OFF, ...released(state));
  if (event.type === "resumed") return resumed(state, event);
  if (state.phase === "off") return step(event.type === "opened" ? OFF : state);
  switch (event.type) {
    case "nothing":
      return step(state.phase === "asking" ? { ...state, phase: "empty" } : state);
    case "unreached":
      return state.phase === "asking" ? unreached(state, event) : step(state);
    case "refused":
      return step({ ...OFF, who: event.who }, ...released(state));
    case "opened":
      return opened(state, event.image);
    case "changed":
      return event.image === state.image ? worked(state, event.at) : step(state);
    case "acted":
      return state.phase === "free" ? step(state) : worked(state, event.at);
    case "tick":
      return ticked(state, event.at);
    case "renewed":
      return step(event.image === state.image ? { ...state, ...held(event) } : state);
    case "taken":
      return step(
        event.image === state.image ? { ...state, phase: "taken", who: event.who } : state,
      );
  }
}

/** @param {ClaimState} state @param {Effect[]} effects @returns {Step} */
const step = (state, ...effects) => ({ state, effects });

/** @param {{ lease: number, at: number }} answer */
const held = ({ lease, at }) => /** @type {const} */ ({
  phase: "held",
  lease,
  renewed: at,
  until: at + lease,
  who: "",
});

/** Gives back an image that still needs work. @param {ClaimState} state @returns {Effect[]} */
const released = ({ image, isFinished, phase, until }) =>
  image && !isFinished && until !== NEVER && phase !== "taken" ? [{ type: "release", image }] : [];

/** @param {ClaimState} state @param {boolean} isFinished @returns {Step} */
function asked(state, isFinished) {
  if (state.phase === "asking") return step(state);
  return step({ ...state, phase: "asking", isFinished }, { type: "ask" });
}

/** @param {ClaimState} state @param {{ image: string, lease: number, at: number }} answer */
function claimed(state, { image, lease, at }) {
  // The person has opened another image meanwhile, and that image counts.
  if (state.phase !== "asking") {
    return image === state.image ? step(state) : step(state, { type: "release", image });
  }
  const before = state.image === image ? [] : released(state);
  return step({ ...state, ...held({ lease, at }), image, isFinished: false, acted: at }, ...before);
}

/**
 * The image that is opened instead has no claim. Without an image the queue asks again.
 * @param {ClaimState} state @param {{ image: string, who: string, at: number }} event
 */
function unreached(state, { image, who, at }) {
  const now = { ...state, phase: /** @type {const} */ ("offline"), who, renewed: at };
  return step(image ? { ...now, image, isFinished: false, until: NEVER } : now);
}

/** @param {ClaimState} state @param {string} image */
function opened(state, image) {
  if (image === state.image) return step(state);
  return step({ ...OFF, phase: "free", lease: state.lease, image }, ...released(state));
}

/** The page was loaded again: the tab takes up its own claim. @param {ClaimState} state @param {{ image: string, at: number }} event */
function resumed(state, { image, at }) {
  if (state.phase !== "off") return step(state);
  const next = { ...OFF, phase: /** @type {const} */ ("free"), image, acted: at, renewed: at };
  return step(next, { type: "renew", image });
}

/** The person has acted: renews the claim if it is time. @param {ClaimState} state @param {number} at */
function worked(state, at) {
  const next = { ...state, acted: at };
  if (!state.image || at - state.renewed < patience(state)) return step(next);
  return step({ ...next, renewed: at }, { type: "renew", image: state.image });
}

/** @param {ClaimState} state @param {number} at */
function ticked(state, at) {
  if (state.phase === "held" && at >= state.until) return step({ ...state, phase: "ended" });
  if (state.phase === "offline") {
    if (at - state.renewed < patience(state)) return step(state);
    if (state.until === NEVER && state.image) return worked(state, at);
    return asked(state, state.isFinished);
  }
  const hasActed = state.phase === "held" && state.acted > state.renewed;
  return hasActed ? worked(state, at) : step(state);
}
