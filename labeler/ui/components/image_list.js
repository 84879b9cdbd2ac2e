// Scrolls the open image into view in the list. Only the list scrolls, and only when another image
// has been opened, so a person who looks further down stays there. Tells screen readers which image
// is open, statuses in words, and what the progress bar counts. The list is one stop of the Tab key;
// arrows lead from image to image.

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
 * Where a key leads in a list; null for keys that lead nowhere.
 * @param {string} key @param {number} place @param {number} count
 */
export function stepped(key, place, count) {
  switch (key) {
    case "ArrowDown":
      return Math.min(place + 1, count - 1);
    case "ArrowUp":
      return Math.max(place - 1, 0);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** Ends what the last call began. Streamlit calls the function in each run, and ends only the last. */
let endLast = () => {};

/**
 * `data` is JSON: the keys that Streamlit gives the list, the open image's row and the progress bars,
 * the names of the bars, and the words for the icons of statuses.
 * @param {import("./page.js").Component<string>} component
 */
export default function showOpenRow({ data }) {
  endLast();
  /** @type {{ list: string, row: string, progress: string, bars: string[], words: Record<string, string> }} */
  const keys = JSON.parse(data);
  let frame = 0;
  let before = "";
  /** @param {() => void} act */
  const again = (act) => {
    frame = requestAnimationFrame(act);
  };
  /** @param {string} key @param {ParentNode} [within] @returns {HTMLElement | null} */
  const keyed = (key, within = document) => within.querySelector(`.st-key-${CSS.escape(key)}`);
  const find = () => keyed(keys.list);
  const ended = new AbortController();

  /** The buttons of the images in sight. @param {Element} list */
  const buttonsOf = (list) =>
    [...list.querySelectorAll("button")].filter((button) => button.checkVisibility());

  /** Makes one button the stop of the Tab key: the last that had the focus, or that of the open image. @param {Element} list */
  function rove(list) {
    const buttons = buttonsOf(list);
    const stop = buttons.find((button) => button === document.activeElement) ??
      buttons.find((button) => button.tabIndex === 0 && button.hasAttribute("tabindex")) ??
      buttons.find((button) => button.hasAttribute("aria-current")) ?? buttons[0];
    for (const button of buttons) {
      const index = button === stop ? "0" : "-1";
      if (button.getAttribute("tabindex") !== index) button.setAttribute("tabindex", index);
    }
  }

  /** @param {KeyboardEvent} event */
  function step(event) {
    const list = /** @type {HTMLElement} */ (event.currentTarget);
    const buttons = buttonsOf(list);
    const place = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    const next = place < 0 || !isPlain ? null : stepped(event.key, place, buttons.length);
    if (next === null) return;
    event.preventDefault();
    buttons[next].focus();
  }

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
    rove(list);
    keyed(keys.progress)?.querySelectorAll("[role=progressbar]").forEach((bar, index) => {
      const name = keys.bars[index];
      if (bar.getAttribute("aria-label") !== name) bar.setAttribute("aria-label", name);
    });
  }
  const drawn = new MutationObserver(() => {
    const list = find();
    if (list) describe(list);
  });

  function look() {
    const list = find();
    // The row, because its button exists twice: for wide windows and for phones.
    const row = list && keyed(keys.row, list);
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
    list.setAttribute("role", "toolbar");
    list.setAttribute("aria-orientation", "vertical");
    list.setAttribute("aria-label", "Images");
    list.addEventListener("keydown", step, { signal: ended.signal });
    list.addEventListener("focusin", () => rove(list), { signal: ended.signal });
    describe(list);
    // Streamlit names icons and bars anew when it draws them.
    for (const one of [list, keyed(keys.progress)]) {
      if (one) {
        drawn.observe(one, { childList: true, subtree: true, attributeFilter: ["aria-label"] });
      }
    }
  };

  begin();
  endLast = () => {
    watch.disconnect();
    drawn.disconnect();
    ended.abort();
    cancelAnimationFrame(frame);
  };
  return endLast;
}
