// Shows the open image in the list, wherever in it that is. Only the list scrolls, and only when
// another image was opened: whoever looks further down the list stays there.
export default function ({ data }) {
  let frame = 0;
  const look = () => {
    const list = document.querySelector(".st-key-open_list");
    const button = list?.querySelector(`[class*="st-key-leave_open_${data}"] button`);
    // In a page that is still being loaded, buttons are drawn late and in another height.
    if (!button || list.querySelector("[data-testid=stSkeleton]")) {
      frame = requestAnimationFrame(look);
      return;
    }
    const [outer, inner] = [list.getBoundingClientRect(), button.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom)
      list.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
  };
  frame = requestAnimationFrame(look);
  return () => cancelAnimationFrame(frame);
}
