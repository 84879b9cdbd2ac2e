// A file on its way to the HTTP interface: what it needs besides its body.

import { pause } from "./page.js";

/**
 * @template Data
 * @typedef {import("./page.js").Component<Data>} Component
 */

const RENEW_WITHIN_MS = 15000;

/**
 * What a request needs besides its body: who sends it, and the name of its file.
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
 * Ask for a run of the page, which brings a fresh token. In a tab that was open for hours the old
 * one has expired.
 * @param {Component<unknown>} component
 * @param {() => number} renewed when the token was asked for that the component has now
 * @returns {Promise<boolean>} whether a fresh token came in time
 */
export async function renewToken(component, renewed) {
  const asked = Date.now();
  component.setStateValue("renewal", asked);
  while (renewed() < asked && Date.now() < asked + RENEW_WITHIN_MS) await pause(50);
  return renewed() >= asked;
}
