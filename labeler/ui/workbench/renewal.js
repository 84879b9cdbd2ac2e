// The request to the page for another token, repeated until a run of the page has answered it: what
// is asked while the websocket is cut is lost.

/** @typedef {{ token: string, person: string }} Answer */

const AGAIN_MS = 3_000;
const TRIES = 10;

/**
 * @param {(request: string) => void} ask the page; its answer names the request
 * @param {{ every?: number }} [options]
 */
export function createRenewal(ask, { every = AGAIN_MS } = {}) {
  let name = "";
  /** @type {((answer: Answer) => void)[]} */
  let waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} number */
  function request(number) {
    ask(`${name} ${number}`);
    clearTimeout(timer);
    if (number < TRIES) timer = setTimeout(() => request(number + 1), every);
  }

  return {
    /** @returns {Promise<Answer>} */
    renew() {
      name = crypto.randomUUID();
      const answer = new Promise((resolve) => waiting.push(resolve));
      request(1);
      return /** @type {Promise<Answer>} */ (answer);
    },
    /**
     * What a run of the page gives, and the last request that it has heard. A session that has just
     * begun has heard none, and gives a new token all the same.
     * @param {Answer} answer @param {string | null} heard @param {boolean} isNewSession
     */
    answered(answer, heard, isNewSession) {
      if (!waiting.length || !(isNewSession || heard?.startsWith(`${name} `))) return;
      clearTimeout(timer);
      for (const resolve of waiting) resolve(answer);
      waiting = [];
    },
    end: () => clearTimeout(timer),
  };
}
