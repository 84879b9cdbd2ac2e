// One call to the HTTP API: with a token that is renewed when it has expired, and with a time limit.

import { askedToWait } from "./answers.js";
import { inTime } from "./time.js";

/** @typedef {import("./backend.js").Failure} Failure */

/** In ms, from the server's own limits. A PUT that takes longer counts as lost. */
const PATIENCE_MS = 30_000;
/** How often a call that comes too early is made before that counts as its answer. */
const EARLY_TRIES = 5;

/**
 * The headers that say who a call is from: a bearer token, or the plain token in `header` if a
 * proxy uses `Authorization` itself.
 * @param {string} token @param {string} [header] @returns {[string, string][]}
 */
export function tokenHeaders(token, header = "Authorization") {
  if (!token) return [];
  return [[header, header === "Authorization" ? `Bearer ${token}` : token]];
}

/**
 * The function that makes a call for this person.
 * @param {import("./backend.js").BackendOptions} options
 */
export function createCall(options) {
  const base = options.baseUrl.replace(/\/$/, "");
  const send = options.fetch ?? globalThis.fetch.bind(globalThis);
  /** The token that replaced an expired one. */
  let renewed = { token: "", of: "" };
  /** @type {Promise<boolean> | null} */
  let renewing = null;

  /** The newest token; the page may provide a new one at any time. */
  function token() {
    const offered = options.token();
    return renewed.token && renewed.of === offered ? renewed.token : offered;
  }

  /** Whether there is a new token of the same person. Simultaneous calls share one request. */
  function renew() {
    const of = options.token();
    renewing ??= inTime(options.renewToken(), PATIENCE_MS).then((answer) => {
      const given = typeof answer === "string" ? { token: answer, person: options.person } : answer;
      if (!given.token || given.person !== options.person) return false;
      renewed = { token: given.token, of };
      return true;
    }).finally(() => renewing = null);
    return renewing;
  }

  /**
   * The answer with its body, or a Failure. An expired token is renewed once.
   * @param {string} path @param {RequestInit} init @param {boolean} [again]
   * @returns {Promise<{ response: Response, body: Blob } | Failure>}
   */
  async function signedCall(path, init, again = false) {
    const used = token();
    const headers = new Headers(init.headers);
    headers.set("X-Labeler-Client", options.client);
    for (const [name, value] of tokenHeaders(used, options.tokenHeader)) headers.set(name, value);
    const late = AbortSignal.timeout(PATIENCE_MS);
    const signal = init.signal ? AbortSignal.any([init.signal, late]) : late;
    let response, body;
    try {
      response = await send(base + path, { ...init, headers, signal });
      body = await response.blob();
    } catch {
      const seconds = PATIENCE_MS / 1000;
      const message = late.aborted
        ? `The server has not answered within ${seconds} seconds. It may be busy.`
        : "There is no connection to the server.";
      return { type: "network", message };
    }
    if (response.status !== 401) return { response, body };
    const signedOut = /** @type {Failure} */ ({
      type: "signedOut",
      message: `Sign in again as ${options.person || "before"}. Your boxes are kept here.`,
    });
    if (again) return signedOut;
    try {
      // Another call may have renewed the token while this one was on its way.
      const ready = used !== token() || await renew();
      return ready ? await signedCall(path, init, true) : signedOut;
    } catch {
      return { type: "network", message: "There is no connection to sign in again." };
    }
  }

  /**
   * The same. A call that comes too early (429) has changed nothing, and is made again when the
   * server says.
   * @type {(path: string, init: RequestInit) => ReturnType<typeof signedCall>}
   */
  return async (path, init) => {
    for (let tries = 1;; tries += 1) {
      const answer = await signedCall(path, init);
      if ("type" in answer || answer.response.status !== 429 || tries === EARLY_TRIES) {
        return answer;
      }
      const wait = askedToWait(answer.response);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
}
