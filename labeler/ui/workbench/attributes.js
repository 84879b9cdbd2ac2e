// The attributes of a box that the workbench sets; keymap.js has the name and the keys of each.

/** Of the attributes in model/attributes.py, those that a person sets by a key. */
export const ATTRIBUTES = /** @type {const} */ (["occluded", "truncated", "difficult"]);

/** @typedef {typeof ATTRIBUTES[number]} Attribute */
