// What a request to the HTTP API needs besides its body.

import { pause } from "./page.js";

/**
 * @template Data
 * @typedef {import("./page.js").Component<Data>} Component
 */

const RENEW_WITHIN_MS = 15000;

/**
 * The headers of a request: its sender, and the name of its file.
 * @param {Record<string, string>} tokenHeaders
 * @param {string} fileName
 * @returns {Record<string, string>}
 */
export const fileHeaders = (tokenHeaders, fileName) => ({
  ...tokenHeaders,
  "X-File-Name": encodeURIComponent(fileName),
  "X-Labeler-Client": "page",
});

/**
 * Asks for a run of the page, which brings a fresh token. The old token has expired in a tab that
 * was open for hours.
 * @param {Component<unknown>} component
 * @param {() => number} renewed when the component's current token was requested
 * @returns {Promise<boolean>} whether a fresh token came in time
 */
export async function renewToken(component, renewed) {
  const asked = Date.now();
  component.setStateValue("renewal", asked);
  while (renewed() < asked && Date.now() < asked + RENEW_WITHIN_MS) await pause(50);
  return renewed() >= asked;
}
