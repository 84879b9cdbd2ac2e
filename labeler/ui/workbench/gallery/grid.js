// A grid of any length. Only the cards in sight are elements. Cards are selected by pointer or
// keyboard.

import { element, keyed, mark } from "../dom.js";
import { inSight, layOut, placeOf, stepped } from "./layout.js";

const SPARE_ROWS = 2;
const MOST_SELECTED = 1000;

/**
 * `key` names an item, `make` and `update` draw its card, and `open` is called for a click or
 * Enter. `press` is called for any other key and returns whether it has handled it.
 * @template Item
 * @param {{ name: string, least: number, ratio: number, extra: number,
 *   pages: { total: number | null, item: (index: number) => Item | undefined,
 *     want: (first: number, last: number) => void },
 *   key: (item: Item) => string, make: () => HTMLElement,
 *   update: (card: HTMLElement, item: Item, index: number) => void,
 *   open: (item: Item) => void, press: (event: KeyboardEvent) => boolean,
 *   selected: () => void }} options
 */
export function createGrid(options) {
  const { pages } = options;
  const space = element("div", { class: "space", role: "presentation" });
  const root = element("div", {
    class: "grid",
    role: "listbox",
    "aria-label": options.name,
    "aria-multiselectable": "true",
    onscroll: () => render(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => onKey(event),
  }, space);
  /** @type {Map<string, Item>} */
  const chosen = new Map();
  let focus = 0;
  let anchor = 0;

  const layout = () =>
    layOut(root.clientWidth, pages.total ?? 0, options.least, options.ratio, options.extra);

  function range() {
    const { clientHeight, scrollTop } = root;
    return inSight(layout(), scrollTop, clientHeight, pages.total ?? 0, SPARE_ROWS);
  }

  function render() {
    const total = pages.total ?? 0;
    const laid = layout();
    const height = `${laid.height}px`;
    if (space.style.height !== height) space.style.height = height;
    const { first, last } = range();
    if (last > first) pages.want(first, last);
    if (focus >= total) focus = Math.max(0, total - 1);
    // The card with the focus stays an element, because the focus would be lost with it.
    const indices = Array.from({ length: last - first }, (_, at) => first + at);
    const hasFocus = root.contains(/** @type {ShadowRoot} */ (root.getRootNode()).activeElement);
    if (hasFocus && total && (focus < first || focus >= last)) indices.push(focus);
    keyed(space, indices, (index) => String(index), make, (card, index) => {
      const { left, top } = placeOf(laid, index);
      card.style.transform = `translate(${left}px, ${top}px)`;
      card.style.width = `${laid.width}px`;
      card.style.height = `${laid.rowHeight - 8}px`;
      const item = pages.item(index);
      mark(card, "tabindex", index === focus ? 0 : -1);
      mark(card, "aria-posinset", index + 1);
      mark(card, "aria-setsize", total);
      mark(card, "aria-selected", item !== undefined && chosen.has(options.key(item)));
      card.classList.toggle("waiting", item === undefined);
      if (item !== undefined) {
        if (chosen.has(options.key(item))) chosen.set(options.key(item), item);
        options.update(card, item, index);
      }
    });
  }

  /** @param {number} index */
  function make(index) {
    const card = options.make();
    const at = index;
    card.setAttribute("role", "option");
    card.classList.add("card");
    card.addEventListener("click", (event) => {
      const item = pages.item(at);
      if (item === undefined) return;
      const isMark = event.target instanceof Element && event.target.closest(".mark") !== null;
      focus = at;
      if (event.shiftKey) extend(at);
      else if (isMark || event.ctrlKey || event.metaKey) toggle(at);
      else return options.open(item);
      focusCard();
    });
    card.addEventListener("focus", () => {
      if (focus === at) return;
      focus = at;
      render();
    });
    return card;
  }

  /** @param {number} index */
  function toggle(index) {
    const item = pages.item(index);
    if (item === undefined) return;
    anchor = index;
    if (!chosen.delete(options.key(item)) && chosen.size < MOST_SELECTED) {
      chosen.set(options.key(item), item);
    }
    options.selected();
    render();
  }

  /** Selects everything between the last selected card and this one. @param {number} index */
  function extend(index) {
    for (let at = Math.min(anchor, index); at <= Math.max(anchor, index); at++) {
      const item = pages.item(at);
      if (item !== undefined && chosen.size < MOST_SELECTED) chosen.set(options.key(item), item);
    }
    options.selected();
    render();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const item = pages.item(focus);
    const { columns, rowHeight } = layout();
    const rows = Math.max(1, Math.floor(root.clientHeight / rowHeight));
    const next = stepped(event.key, focus, columns, rows, pages.total ?? 0);
    if (next !== null) {
      if (event.shiftKey && !chosen.size) anchor = focus;
      focus = next;
      if (event.shiftKey) extend(next);
      reveal();
      focusCard();
    } else if (event.key === " ") toggle(focus);
    else if (event.key === "Enter" && item !== undefined) options.open(item);
    else if (event.key === "Escape" && chosen.size) clear();
    else if (!options.press(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  function reveal() {
    const laid = layout();
    const { top } = placeOf(laid, focus);
    if (top < root.scrollTop) root.scrollTop = top;
    const below = top + laid.rowHeight - root.clientHeight;
    if (below > root.scrollTop) root.scrollTop = below;
  }

  function focusCard() {
    render();
    const card = space.querySelector(`[data-key="${focus}"]`);
    if (card instanceof HTMLElement) card.focus({ preventScroll: true });
  }

  function clear() {
    chosen.clear();
    options.selected();
    render();
  }

  const sizes = new ResizeObserver(render);
  sizes.observe(root);
  return {
    root,
    render,
    range,
    clear,
    /** The selected items. */
    chosen: () => [...chosen.values()],
    /** The item with the focus. */
    focused: () => pages.item(focus),
    /** Moves the focus to the next card. */
    next() {
      if (focus + 1 >= (pages.total ?? 0)) return;
      focus += 1;
      reveal();
      focusCard();
    },
    scrollTo(/** @type {number} */ top) {
      root.scrollTop = top;
    },
    end: () => sizes.disconnect(),
  };
}
