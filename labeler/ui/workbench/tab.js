// What a tab keeps over a reload of its page: the name under which it claims, and the image of the
// queue that it was working on.
//
// A browser copies this into a tab that is duplicated. So the name counts only for the tab that has
// its lock; without locks (plain HTTP) each page load has a new name.

/** @typedef {{ client: string, image: string }} Kept */

/** In ms: the page before the reload may still have the lock for a moment. */
const PATIENCE_MS = 2_000;

/**
 * `place` names the project and the person. `client` is the name in use now; `ready` resolves to
 * whether it is the name from before the reload.
 * @param {string} place
 * @param {{ storage?: Pick<Storage, "getItem" | "setItem"> | undefined, locks?: LockManager | null }} [browser]
 */
export function createTab(
  place,
  { storage = globalThis.sessionStorage, locks = globalThis.navigator?.locks } = {},
) {
  const key = `labeler.tab.${place}`;
  const kept = locks ? read() : { client: "", image: "" };
  let client = String(crypto.randomUUID());
  let image = "";

  /** @returns {Kept} */
  function read() {
    try {
      const { client, image } = JSON.parse(storage?.getItem(key) ?? "{}");
      return { client: String(client ?? ""), image: String(image ?? "") };
    } catch {
      return { client: "", image: "" }; // The browser has no storage, or the text is invalid.
    }
  }

  function write() {
    try {
      storage?.setItem(key, JSON.stringify({ client, image }));
    } catch {
      // Without storage a reload leaves the queue.
    }
  }

  /** Whether this page has the lock of the name, which it then holds as long as it lives. @param {string} name @returns {Promise<boolean>} */
  const hold = (name) =>
    new Promise((resolve) => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const held = locks?.request(`labeler.tab.${name}`, { signal }, () => {
        resolve(true);
        return new Promise(() => {});
      });
      held?.catch(() => resolve(false));
    });

  /** @returns {Promise<boolean>} */
  async function begin() {
    if (!locks) return false;
    const isSame = kept.client !== "" && await hold(kept.client);
    if (isSame) [client, image] = [kept.client, kept.image];
    else hold(client);
    write();
    return isSame;
  }

  return {
    get client() {
      return client;
    },
    /** The image of the queue before the reload; "" if the tab was not in the queue. */
    image: kept.image,
    ready: begin(),
    /** Notes the image of the queue; "" for none. @param {string} next */
    working(next) {
      if (next === image) return;
      image = next;
      write();
    },
  };
}
