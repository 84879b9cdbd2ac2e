// What a person has set, kept in this browser for each person apart.

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
 */

/** @type {Preferences} */
export const DEFAULTS = {
  preset: "labeler",
  keys: {},
  crosshair: false,
  twoClicks: false,
  tags: true,
  opacity: 8,
  brightness: 100,
  contrast: 100,
  order: "returned",
};

/** @param {string} person */
const place = (person) => `labeler.workbench.${person}`;

/** What the person set before; anything that is missing or of another kind is the default. @param {string} person @param {Pick<Storage, "getItem">} storage @returns {Preferences} */
export function readPreferences(person, storage) {
  /** @type {any} */
  let kept = {};
  try {
    kept = JSON.parse(storage.getItem(place(person)) ?? "{}");
  } catch {
    // A browser without storage, or a text of something else: the defaults do.
  }
  const known = Object.entries(DEFAULTS).map(([key, value]) => {
    const found = kept?.[key];
    return [key, typeof found === typeof value && found !== null ? found : value];
  });
  return Object.fromEntries(known);
}

/** Keeps them, where the browser keeps anything. @param {string} person @param {Preferences} preferences @param {Pick<Storage, "setItem">} storage */
export function keepPreferences(person, preferences, storage) {
  try {
    storage.setItem(place(person), JSON.stringify(preferences));
  } catch {
    // They hold until the page is closed.
  }
}
