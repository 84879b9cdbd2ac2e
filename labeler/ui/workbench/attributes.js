// The attributes of a box that the workbench sets; keymap.js has the name and the keys of each.

/** The same list as in model/attributes.py. */
export const ATTRIBUTES = /** @type {const} */ (["occluded", "truncated", "difficult"]);

/** @typedef {typeof ATTRIBUTES[number]} Attribute */
