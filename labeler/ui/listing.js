// Shows the open image in the list, wherever in it that is. Only the list scrolls, and only when
// another image was opened: whoever looks further down the list stays there.
export default function ({ data }) {
  let frame = 0;
  let before = "";
  const again = (act) => (frame = requestAnimationFrame(act));
  const find = () => document.querySelector(".st-key-open_list");

  function look() {
    const list = find();
    // Not its button: of that there are two, one for wide windows and one for phones.
    const row = list?.querySelector(`[class*="st-key-leave_open_${data}"]`);
    // In a page that is still being loaded, buttons are drawn late and in another height.
    if (!row || list.querySelector("[data-testid=stSkeleton]")) return again(look);
    const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
    const now = [outer.left, outer.width, outer.height, inner.top].join();
    if (now !== before) {
      before = now; // the sidebar slides in
      return again(look);
    }
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      list.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
    }
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
  const begin = () => (find() ? watch.observe(find()) : again(begin));

  begin();
  return () => {
    watch.disconnect();
    cancelAnimationFrame(frame);
  };
}
