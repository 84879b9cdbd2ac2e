// The initial state of the interface around the image.

/** @typedef {import("./contract.js").Ui} Ui */

/** @param {boolean} reviews @param {import("./contract.js").Review | null} review @returns {Ui} */
export const newUi = (reviews, review) => ({
  label: "",
  hidden: new Set(),
  hiddenLabels: new Set(),
  locked: new Set(),
  hovered: null,
  hiding: false,
  panning: false,
  help: false,
  sheet: false,
  find: "",
  toast: null,
  noting: null,
  thread: null,
  reviews,
  review,
  history: false,
  past: null,
  before: false,
  copied: [],
});
