// A person's preferences, kept in this browser for each person separately.

/**
 * @typedef {object} Preferences
 * @property {string} preset of keys
 * @property {Record<string, string[]>} keys of their own
 * @property {boolean} crosshair
 * @property {boolean} twoClicks
 * @property {boolean} tags
 * @property {number} opacity of boxes, in percent
 * @property {number} brightness in percent
 * @property {number} contrast in percent
 * @property {string} order of the queue
 * @property {string} queueOf whose queue it is, where nobody signs in
 */

/** @type {Preferences} */
const DEFAULTS = {
  preset: "labeler",
  keys: {},
  crosshair: false,
  twoClicks: false,
  tags: true,
  opacity: 8,
  brightness: 100,
  contrast: 100,
  order: "returned",
  queueOf: "",
};

/** @param {string} person */
const place = (person) => `labeler.workbench.${person}`;

/** The stored preferences of the person, with the default for each missing or invalid value. @param {string} person @param {Pick<Storage, "getItem">} storage @returns {Preferences} */
export function readPreferences(person, storage) {
  /** @type {any} */
  let kept = {};
  try {
    kept = JSON.parse(storage.getItem(place(person)) ?? "{}");
  } catch {
    // The browser has no storage, or the text is invalid: the defaults apply.
  }
  const known = Object.entries(DEFAULTS).map(([key, value]) => {
    const found = kept?.[key];
    return [key, typeof found === typeof value && found !== null ? found : value];
  });
  return Object.fromEntries(known);
}

/** Stores the preferences if the browser has storage. @param {string} person @param {Preferences} preferences @param {Pick<Storage, "setItem">} storage */
export function keepPreferences(person, preferences, storage) {
  try {
    storage.setItem(place(person), JSON.stringify(preferences));
  } catch {
    // The preferences apply until the page is closed.
  }
}

/** What the canvas does to the colors of the image. @param {Preferences} preferences */
export const filterOf = ({ brightness, contrast }) =>
  brightness === 100 && contrast === 100
    ? "none"
    : `brightness(${brightness}%) contrast(${contrast}%)`;
