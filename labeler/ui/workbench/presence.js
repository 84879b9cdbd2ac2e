// Who else works on the open image: who has claimed it, and whose boxes have just come.

import { createClaimCalls } from "./claim_calls.js";

const LOOK_MS = 5_000;
/** How long somebody whose change has come counts as being here. */
const HERE_MS = 60_000;

/**
 * `image` tells which one is open. Nobody who only looks at an image is told of: they can't be in
 * anybody's way.
 * @param {{ backend: import("./backend.js").Backend, image: () => string, person: string,
 *   onChange: () => void, clock?: () => number, every?: number }} options
 */
export function createPresence(
  { backend, image, person, onChange, clock = Date.now, every = LOOK_MS },
) {
  const calls = createClaimCalls(backend);
  /** When a change of whom has come last, of the open image. @type {Map<string, number>} */
  let heard = new Map();
  /** @type {string | null} */
  let holder = null;
  let of = "";
  /** @type {readonly string[]} */
  let others = [];

  /** Who changes the open image, empty where nobody signs in; told where it is another answer. */
  function update() {
    if (of !== image()) {
      of = image();
      holder = null;
      heard = new Map();
    }
    const recent = [...heard].filter(([, at]) => clock() - at < HERE_MS).map(([who]) => who);
    const found = [...new Set([...recent, ...holder === null ? [] : [holder]])].sort();
    if (found.join("\n") === others.join("\n") && found.length === others.length) return;
    others = found;
    onChange();
  }

  async function look() {
    const asked = image();
    if (!asked || globalThis.document?.visibilityState === "hidden") return;
    const found = await calls.holder(asked);
    if (asked !== image() || found === undefined) return;
    update();
    holder = found;
    update();
  }

  const timer = setInterval(() => look().finally(update), every);
  return {
    /** The people who are on the open image too. */
    others: () => of === image() ? others : [],
    /** A change that somebody else made has come. @param {string} changed @param {string} who */
    heard(changed, who) {
      update();
      if (changed !== of || (who && who === person)) return;
      heard.set(who, clock());
      update();
    },
    close: () => clearInterval(timer),
  };
}
