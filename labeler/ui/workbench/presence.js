// Who else works on the open image: who has claimed it, and whose boxes have just arrived. The claim
// of a finished image lasts until it ends, and says nothing about its holder.

import { createClaimCalls } from "./claim_calls.js";

const LOOK_MS = 5_000;
/** How long somebody counts as present after a change of theirs arrived. */
const HERE_MS = 60_000;

/**
 * `image` returns the open image, `needsWork` whether it needs work. People who only look at an image are not reported, because they
 * can't be in anybody's way.
 * @param {{ backend: import("./backend.js").Backend, image: () => string,
 *   needsWork: () => boolean, person: string, onChange: () => void }} options
 */
export function createPresence({ backend, image, needsWork, person, onChange }) {
  const calls = createClaimCalls(backend);
  /** When each person's last change of the open image arrived. @type {Map<string, number>} */
  let heard = new Map();
  /** @type {string | null} */
  let holder = null;
  let of = "";
  /** @type {readonly string[]} */
  let others = [];

  /** Finds who changes the open image (nobody without sign-in), and reports changes. */
  function update() {
    if (of !== image()) {
      of = image();
      holder = null;
      heard = new Map();
    }
    const recent = [...heard].filter(([, at]) => Date.now() - at < HERE_MS).map(([who]) => who);
    const working = holder !== null && needsWork() ? [holder] : [];
    const found = [...new Set([...recent, ...working])].sort();
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

  const timer = setInterval(() => look().finally(update), LOOK_MS);
  return {
    /** The other people who work on the open image. */
    others: () => of === image() ? others : [],
    /** Notes that another person's change has arrived. @param {string} changed @param {string} who */
    heard(changed, who) {
      update();
      if (changed !== of || (who && who === person)) return;
      heard.set(who, Date.now());
      update();
    },
    close: () => clearInterval(timer),
  };
}
