// A toolbar is one stop of the Tab key, and arrows lead from tool to tool, as in other programs.
// https://www.w3.org/WAI/ARIA/apg/patterns/toolbar/

import { mark } from "./dom.js";

/** By how many tools a key leads on. @type {Record<string, number>} */
const STEPS = {
  ArrowDown: 1,
  ArrowRight: 1,
  ArrowUp: -1,
  ArrowLeft: -1,
  Home: -Infinity,
  End: Infinity,
};

/**
 * Makes the tools in `root` one stop; the function that it returns finds the stop again, because a
 * tool that can't be used now is none.
 * @param {HTMLElement} root @param {readonly HTMLElement[]} tools
 */
export function createStop(root, tools) {
  let stop = tools[0];
  const usable = () => tools.filter((tool) => !tool.matches(":disabled"));
  function render() {
    const found = usable();
    if (!found.includes(stop)) stop = found[0] ?? stop;
    for (const tool of tools) mark(tool, "tabindex", tool === stop ? 0 : -1);
  }
  root.addEventListener("focusin", ({ target }) => {
    const tool = tools.find((one) => one === target);
    if (!tool) return;
    stop = tool;
    render();
  });
  root.addEventListener("keydown", (event) => {
    const found = usable();
    const place = found.indexOf(/** @type {HTMLElement} */ (event.target));
    const step = STEPS[event.key];
    if (place < 0 || !step || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    found[Math.min(Math.max(place + step, 0), found.length - 1)].focus();
  });
  render();
  return render;
}
