// The attributes of a box that the workbench sets; each has an action and a key in keymap.js.

/** In Python: model/attributes.py. */
export const ATTRIBUTES = /** @type {const} */ (["occluded", "truncated", "difficult"]);

/** @typedef {typeof ATTRIBUTES[number]} Attribute */
