// Which tabs are alive. A tab holds a Web Lock as long as it lives, asleep or not. Without Web
// Locks (on plain HTTP) it counts a number up in the journal. A tab whose number stands still while
// another tab watches long enough is gone. No clock is read, so none can be wrong.

/** @typedef {import("./journal.js").Journal} Journal */

const BEAT_MS = 5_000;
/** Browsers slow the timers of a hidden tab down to one a minute. */
const LOOKS = 20;

/**
 * @typedef {{ id: string, ready: Promise<void>, isGone: (owner: string) => Promise<boolean>,
 *   close: () => void }} Owner
 */

/**
 * This tab as an owner of records.
 * @param {Journal} journal @param {{ locks?: LockManager | null, id?: string }} [options]
 * @returns {Owner}
 */
export function createOwner(journal, options = {}) {
  const id = options.id ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  const locks = options.locks === undefined ? globalThis.navigator?.locks : options.locks;
  return locks ? byLock(locks, id) : byBeats(journal, id);
}

/** @param {string} id */
const lockName = (id) => `labeler-workbench-tab:${id}`;

/** @param {LockManager} locks @param {string} id @returns {Owner} */
function byLock(locks, id) {
  let close = () => {};
  const ready = new Promise((resolve, reject) => {
    locks.request(lockName(id), () => {
      resolve(undefined);
      return new Promise((end) => close = () => end(undefined));
    }).catch(reject);
  });
  return {
    id,
    ready: ready.then(() => {}),
    isGone: (owner) =>
      locks.request(lockName(owner), { ifAvailable: true }, (lock) => lock !== null),
    close: () => close(),
  };
}

/** @param {Journal} journal @param {string} id @returns {Owner} */
function byBeats(journal, id) {
  /** @type {Map<string, { count: number, seen: number }>} */
  const others = new Map();
  let own = 0;
  const tick = async () => {
    own += 1;
    await journal.beat(id, own);
    const beats = await journal.beats();
    for (const [owner, count] of beats) {
      const last = others.get(owner);
      others.set(owner, { count, seen: last?.count === count ? last.seen + 1 : 0 });
    }
    for (const owner of others.keys()) if (!beats.has(owner)) others.delete(owner);
  };
  const timer = setInterval(() => tick().catch(() => {}), BEAT_MS);
  return {
    id,
    ready: tick().catch(() => {}),
    isGone: async (owner) => {
      const beats = await journal.beats();
      return !beats.has(owner) || (others.get(owner)?.seen ?? 0) >= LOOKS;
    },
    close() {
      clearInterval(timer);
      journal.forget(id).catch(() => {});
    },
  };
}
