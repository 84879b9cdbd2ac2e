// Sends one file to POST /api/images, and tries again if that may help.

/** @typedef {import("./uploader_batch.js").Added} Added */
/** @typedef {import("./uploader_batch.js").Failed} Failed */

const TRIES = 12;
const TRIES_OF_A_FAULT = 6;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const EARLY_PAUSE_S = 1;
const SIGN_IN = "sign in again in another tab, then choose it again.";

/**
 * What the server says; `body` is empty if it is not valid JSON, `after` the Retry-After header.
 * @typedef {{ status: number, body: { image_id?: string, error?: { message?: string } },
 *   after: string | null }} Answer
 */

/**
 * @typedef {{
 *   send: () => Promise<Answer>,
 *   renew: () => Promise<boolean>,
 *   readable: () => Promise<boolean>,
 *   pause: (ms: number) => Promise<void>,
 *   random: () => number,
 * }} Means  how to reach the server, get a fresh token, and check that the file is readable
 */

/** @param {number} status */
const mayPass = (status) => status >= 500 || status === 408;

/** @param {number} attempt at least 1 */
const pauseBefore = (attempt) => Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS);

/** @param {string} name @param {Answer} answer */
function problemOf(name, { status, body }) {
  // This is not our answer: a proxy in front wants people to sign in again.
  if (status === 401 && !body.error) return `${name} was not added: ${SIGN_IN}`;
  return body.error?.message ?? `The server answered ${status}.`;
}

/**
 * Sends a file until it is added or refused for good, at most twelve times within about a minute,
 * as long as a new server takes; six times if the server is there and fails (500). A call that comes too early (429) is not counted: the file is sent
 * again when the server says.
 * @param {{ name: string, place: number }} file `place` in the order of choosing
 * @param {Means} means
 * @returns {Promise<Added | Failed>}
 */
export async function uploadFile({ name, place }, { send, renew, readable, pause, random }) {
  let problem = "";
  let refused = false;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (attempt) await pause(pauseBefore(attempt) * (0.5 + random()));
    try {
      const answer = await send();
      const { status, body } = answer;
      if (status === 429) {
        await pause(1000 * (Number(answer.after) || EARLY_PAUSE_S));
        attempt -= 1;
        continue;
      }
      if (status >= 200 && status < 300) {
        return { type: "added", place, imageId: body.image_id ?? "", fresh: status === 201 };
      }
      problem = problemOf(name, answer);
      if (status === 401 && !refused) {
        refused = true;
        if (await renew()) continue;
      }
      if (!mayPass(status) || (status === 500 && attempt + 1 >= TRIES_OF_A_FAULT)) break;
    } catch {
      problem = await readable()
        ? `${name} could not be sent: the server can't be reached. Choose it again.`
        : `${name} can't be read any more. Choose it again.`;
    }
  }
  return { type: "failed", problem };
}
