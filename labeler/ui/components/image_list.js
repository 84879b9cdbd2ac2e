// Scrolls the open image into view in the list. Only the list scrolls, and only when another image
// has been opened, so a person who looks further down stays there. Tells screen readers which image
// is open, and statuses in words.

/** @typedef {{ left: number, top: number, width: number, height: number, bottom: number }} Box */

/**
 * How far to scroll the list so that the row is in its middle; 0 if the whole row is visible.
 * @param {Box} list
 * @param {Box} row
 */
export function scrollNeeded(list, row) {
  if (row.top >= list.top && row.bottom <= list.bottom) return 0;
  return row.top - list.top - (list.height - row.height) / 2;
}

/**
 * The words for an icon that Streamlit has named "check_circle icon"; null for other names.
 * @param {string | null} name @param {Record<string, string>} words by icon
 */
export const wordsFor = (name, words) =>
  name?.endsWith(" icon") ? words[name.slice(0, -" icon".length)] ?? null : null;

/**
 * `data` is JSON: the keys that Streamlit gives the list and the open image's row, and the words for
 * the icons of statuses.
 * @param {import("./page.js").Component<string>} component
 */
export default function showOpenRow({ data }) {
  /** @type {{ list: string, row: string, words: Record<string, string> }} */
  const keys = JSON.parse(data);
  let frame = 0;
  let before = "";
  /** @param {() => void} act */
  const again = (act) => {
    frame = requestAnimationFrame(act);
  };
  const find = () => document.querySelector(`.st-key-${CSS.escape(keys.list)}`);

  /** @param {Element} list */
  function describe(list) {
    for (const icon of list.querySelectorAll("[role=img]")) {
      const words = wordsFor(icon.getAttribute("aria-label"), keys.words);
      if (words) icon.setAttribute("aria-label", words);
    }
    for (const button of list.querySelectorAll("button")) {
      if (button.closest(`.st-key-${CSS.escape(keys.row)}`)) {
        button.setAttribute("aria-current", "true");
      } else button.removeAttribute("aria-current");
    }
  }
  const drawn = new MutationObserver(() => {
    const list = find();
    if (list) describe(list);
  });

  function look() {
    const list = find();
    // The row, because its button exists twice: for wide windows and for phones.
    const row = list?.querySelector(`.st-key-${CSS.escape(keys.row)}`);
    // While a page loads, buttons are drawn late and with another height.
    if (!list || !row || list.querySelector("[data-testid=stSkeleton]")) return again(look);
    const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
    const now = [outer.left, outer.width, outer.height, inner.top].join();
    if (now !== before) {
      before = now; // the sidebar slides in
      return again(look);
    }
    list.scrollTop += scrollNeeded(outer, inner);
  }

  // Rows in a closed sidebar have another height, so wait until it is visible.
  const watch = new IntersectionObserver(
    ([{ intersectionRatio }]) => {
      if (!intersectionRatio) return;
      watch.disconnect();
      again(look);
    },
    { threshold: 0.01 }, // a row at the window's edge is not visible
  );
  const begin = () => {
    const list = find();
    if (!list) return again(begin);
    watch.observe(list);
    describe(list);
    // Streamlit names the icons anew when it draws them.
    drawn.observe(list, { childList: true, subtree: true, attributeFilter: ["aria-label"] });
  };

  begin();
  return () => {
    watch.disconnect();
    drawn.disconnect();
    cancelAnimationFrame(frame);
  };
}
