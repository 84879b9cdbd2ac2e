// The request to the page for another token. It is repeated until a run of the page has answered,
// because requests are lost while the websocket is cut.

/** @typedef {{ token: string, person: string }} Answer */

const AGAIN_MS = 3_000;
const TRIES = 10;

/**
 * @param {(request: string) => void} ask the page; its answer names the request
 */
export function createRenewal(ask) {
  let name = "";
  /** @type {((answer: Answer) => void)[]} */
  let waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {number} number */
  function request(number) {
    ask(`${name} ${number}`);
    clearTimeout(timer);
    if (number < TRIES) timer = setTimeout(() => request(number + 1), AGAIN_MS);
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
     * Takes the token of a run of the page, and the last request that this run has received. A
     * session that has just begun has received none, and gives a new token nevertheless.
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
