// The gallery's filters and order, as the page's address and the API's queries hold them. Pure.

/** The filters that `GET /api/images` takes, in the order in which the page shows them. */
export const FILTERS = /** @type {const} */ ([
  "find",
  "status",
  "label",
  "person",
  "assigned",
  "boxes",
  "since",
  "until",
  "warning",
]);

/** @typedef {Partial<Record<typeof FILTERS[number] | "sort" | "show", string>>} Wanted */

export const SORTS = /** @type {const} */ ([
  ["name", "Name"],
  ["-name", "Name, last first"],
  ["-saved", "Last saved first"],
  ["saved", "First saved first"],
  ["-boxes", "Most boxes first"],
  ["boxes", "Fewest boxes first"],
  ["-added", "Newest first"],
  ["added", "Oldest first"],
]);

/** The box warnings, by the API's name for each. */
export const WARNINGS = /** @type {const} */ ([
  ["tiny", "tiny boxes"],
  ["duplicate", "duplicates"],
  ["edge", "boxes at the edge"],
  ["unknown_label", "unknown labels"],
  ["no_boxes", "done without boxes"],
  ["damaged", "damaged documents"],
]);

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const BOXES = /^\d{1,6}(-(\d{1,6})?)?$/;

/**
 * The filters in the address. Invalid parts are ignored, as the page ignores them.
 * @param {string} search @returns {Wanted}
 */
export function wantedBy(search) {
  const query = new URLSearchParams(search);
  /** @type {Wanted} */
  const wanted = {};
  for (const name of [...FILTERS, /** @type {const} */ ("sort"), /** @type {const} */ ("show")]) {
    const value = query.get(name);
    if (value && isPossible(name, value)) wanted[name] = value;
  }
  return wanted;
}

/** @param {string} name @param {string} value */
function isPossible(name, value) {
  if (name === "since" || name === "until") return DAY.test(value);
  if (name === "boxes") return BOXES.test(value);
  if (name === "sort") return SORTS.some(([sort]) => sort === value);
  if (name === "warning") return WARNINGS.some(([warning]) => warning === value);
  if (name === "show") return value === "crops";
  return true;
}

/** The parameters of a page of the list. @param {Wanted} wanted @param {number} offset @param {number} limit */
export function listQuery(wanted, offset, limit) {
  const query = new URLSearchParams({ offset: String(offset), limit: String(limit) });
  for (const name of [...FILTERS, /** @type {const} */ ("sort")]) {
    const value = wanted[name];
    if (value) query.set(name, value);
  }
  return query.toString();
}
