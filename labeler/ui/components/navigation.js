// The row of links to the pages. A click asks the page for another view without a reload. With a
// modifier the browser follows the link itself, in another tab.

import { mountOnce } from "./mount.js";

/**
 * `view` is empty for the page whose address names none.
 * @typedef {{ view: string, title: string }} Link
 * @typedef {import("./page.js").Component<{ links: string, current: string }>} Navigation
 */

/**
 * The address of a view; all other parts of the current address stay.
 * @param {string} search @param {string} view
 */
export function addressOf(search, view) {
  const query = new URLSearchParams(search);
  query.delete("view");
  if (view) query.set("view", view);
  return `?${query}`;
}

/**
 * Whether a row that scrolls has more at its ends than is in sight.
 * @param {{ scrollLeft: number, clientWidth: number, scrollWidth: number }} row
 */
export const hiddenEnds = ({ scrollLeft, clientWidth, scrollWidth }) => ({
  before: scrollLeft > 2,
  after: scrollLeft + clientWidth < scrollWidth - 2,
});

/** Whether the browser is to follow the link itself. @param {MouseEvent} event */
const isForBrowser = (event) =>
  event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;

/** @param {HTMLElement} root */
function createNavigation(root) {
  /** @type {Navigation} */
  let component;
  let drawn = "";

  /** @param {Link} link */
  function anchor({ view, title }) {
    const made = document.createElement("a");
    made.textContent = title;
    made.dataset.view = view;
    made.href = addressOf(location.search, view);
    // The open image changes without a run of the page.
    const refresh = () => made.href = addressOf(location.search, view);
    made.addEventListener("pointerenter", refresh);
    made.addEventListener("focus", refresh);
    made.addEventListener("click", (event) => {
      if (isForBrowser(event)) return;
      event.preventDefault();
      component.setTriggerValue("view", view);
    });
    return made;
  }

  // The workbench's bar leaves room for the row if they share a line.
  const sizes = new ResizeObserver(([{ borderBoxSize: [{ inlineSize }] }]) => {
    document.documentElement.style.setProperty("--navigation-width", `${inlineSize}px`);
    showEnds();
  });

  /** Says at which ends there are more links than the window shows. */
  function showEnds() {
    const { before, after } = hiddenEnds(root);
    root.classList.toggle("more-before", before);
    root.classList.toggle("more-after", after);
  }
  root.addEventListener("scroll", showEnds, { passive: true });

  /** Takes the focus off the page as a whole if a click has put it there: with the next key, Streamlit would frame all of it. @param {FocusEvent} event */
  function unframe({ target }) {
    const page = /** @type {HTMLElement} */ (target);
    if (page.matches("[data-testid=stMain]:not(:focus-visible)")) page.blur();
  }
  document.addEventListener("focusin", unframe);

  return {
    /** @param {Navigation} next */
    update(next) {
      component = next;
      const { links, current } = next.data;
      if (links !== drawn) {
        drawn = links;
        root.replaceChildren(.../** @type {Link[]} */ (JSON.parse(links)).map(anchor));
        sizes.observe(root);
      }
      for (const one of root.querySelectorAll("a")) {
        if (one.dataset.view === current) {
          one.setAttribute("aria-current", "page");
          one.scrollIntoView({ block: "nearest", inline: "nearest" });
        } else one.removeAttribute("aria-current");
      }
      showEnds();
    },
    end() {
      sizes.disconnect();
      document.removeEventListener("focusin", unframe);
      root.removeEventListener("scroll", showEnds);
    },
  };
}

export default mountOnce("navigation", createNavigation);
