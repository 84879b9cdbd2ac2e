// Shows the open image in the list, wherever in it that is. Only the list scrolls, and only when
// another image was opened: whoever looks further down the list stays there.

/** @typedef {{ left: number, top: number, width: number, height: number, bottom: number }} Box */

/**
 * How far the list has to scroll so that the row stands in its middle; nothing if all of the row
 * can be seen.
 * @param {Box} list
 * @param {Box} row
 */
export function scrollNeeded(list, row) {
  if (row.top >= list.top && row.bottom <= list.bottom) return 0;
  return row.top - list.top - (list.height - row.height) / 2;
}

/**
 * `data` is JSON: the keys that Streamlit gives the list and the open image's row.
 * @param {import("./page.js").Component<string>} component
 */
export default function showOpenRow({ data }) {
  const keys = /** @type {{ list: string, row: string }} */ (JSON.parse(data));
  let frame = 0;
  let before = "";
  /** @param {() => void} act */
  const again = (act) => {
    frame = requestAnimationFrame(act);
  };
  const find = () => document.querySelector(`.st-key-${CSS.escape(keys.list)}`);

  function look() {
    const list = find();
    // Not its button: of that there are two, one for wide windows and one for phones.
    const row = list?.querySelector(`.st-key-${CSS.escape(keys.row)}`);
    // In a page that is still being loaded, buttons are drawn late and in another height.
    if (!list || !row || list.querySelector("[data-testid=stSkeleton]")) return again(look);
    const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
    const now = [outer.left, outer.width, outer.height, inner.top].join();
    if (now !== before) {
      before = now; // the sidebar slides in
      return again(look);
    }
    list.scrollTop += scrollNeeded(outer, inner);
  }

  // In a sidebar that is closed the rows have another height: not before it can be seen.
  const watch = new IntersectionObserver(
    ([{ intersectionRatio }]) => {
      if (!intersectionRatio) return;
      watch.disconnect();
      again(look);
    },
    { threshold: 0.01 }, // at the window's edge is not in it
  );
  const begin = () => {
    const list = find();
    if (list) watch.observe(list);
    else again(begin);
  };

  begin();
  return () => {
    watch.disconnect();
    cancelAnimationFrame(frame);
  };
}
