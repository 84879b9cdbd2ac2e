// Small helpers to make elements. Texts of others are shown by them alone, and steer nothing.

import { visible } from "./words.js";

/** Attributes that people read or hear. */
const READ = new Set(["aria-label", "title", "alt", "placeholder"]);

/** @param {string} name @param {unknown} value */
const valueOf = (name, value) => READ.has(name) ? visible(String(value)) : String(value);

/**
 * An element with attributes, listeners (`onclick`) and children.
 * @param {string} name @param {Record<string, any>} [attributes] @param {(Node | string)[]} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, value === true ? "" : valueOf(key, value));
    }
  }
  made.append(...children.map((one) => typeof one === "string" ? visible(one) : one));
  return made;
}

/** A button whose name is read out and shown as a tooltip. @param {string | Node} text @param {string} name @param {() => void} press @param {Record<string, any>} [more] */
export const button = (text, name, press, more = {}) => /** @type {HTMLButtonElement} */ (element(
  "button",
  { type: "button", "aria-label": name, title: name, onclick: press, ...more },
  text,
));

/** Sets an attribute only if it changes. @param {Element} on @param {string} name @param {string | number | boolean} value */
export function mark(on, name, value) {
  const text = valueOf(name, value);
  if (on.getAttribute(name) !== text) on.setAttribute(name, text);
}

/** Sets the text only if it changes, because a live region would read it out again. @param {Element} on @param {string} text */
export function say(on, text) {
  const shown = visible(text);
  if (on.textContent !== shown) on.textContent = shown;
}

/**
 * Gives `place` one child per item, in order; children of items that stay are kept.
 * @template Item @template {HTMLElement} Kind
 * @param {HTMLElement} place @param {readonly Item[]} items @param {(item: Item) => string} key
 * @param {(item: Item) => Kind} make @param {(row: Kind, item: Item, index: number) => void} update
 */
export function keyed(place, items, key, make, update) {
  /** @type {Map<string, Kind>} */
  const before = new Map();
  for (const child of place.children) {
    const row = /** @type {Kind} */ (child);
    before.set(row.dataset.key ?? "", row);
  }
  items.forEach((item, index) => {
    const name = key(item);
    const row = before.get(name) ?? make(item);
    before.delete(name);
    row.dataset.key = name;
    if (place.children[index] !== row) place.insertBefore(row, place.children[index] ?? null);
    update(row, item, index);
  });
  for (const row of before.values()) row.remove();
}

/** The first descendant with that class. @param {Element} row @param {string} name */
export const child = (row, name) => /** @type {HTMLElement} */ (row.querySelector(`.${name}`));

/** A function that tells whether any of its values has changed since its last call. */
export function watcher() {
  /** @type {unknown[] | null} */
  let before = null;
  return (/** @type {unknown[]} */ ...values) => {
    const isNew = before === null || values.some((value, index) => value !== before?.[index]);
    before = values;
    return isNew;
  };
}
