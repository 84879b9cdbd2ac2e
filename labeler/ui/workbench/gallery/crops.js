// The gallery's second view: every box of one label as a crop, so that a wrong one stands out. A
// digit gives another label to the selected crops, or to the crop with the focus.

import { child, element, mark, say } from "../dom.js";
import { digitOf } from "../keymap.js";
import { labelsOf } from "../label_set.js";
import { createGrid } from "./grid.js";
import { shape } from "./images.js";
import { createPages } from "./pages.js";
import { relabel } from "./work.js";

/** @typedef {{ id: string, left: number, top: number, width: number, height: number, label: string }} Rect */
/** @typedef {{ image_id: string, image_path: string, image_width: number | null,
 *   image_height: number | null, rect: Rect }} Crop */

const SHARP = 140;
const AROUND = 0.08;

/** The width of the smallest copy that shows the box sharply; null for the image itself. @param {Crop} crop */
export function copyFor({ image_width, rect }) {
  const needed = (image_width ?? 0) * SHARP / Math.max(rect.width, rect.height, 1);
  return needed <= 512 ? 512 : needed <= 1024 ? 1024 : null;
}

/**
 * @param {import("./gallery.js").Shared} shared
 * @param {() => void} changed
 */
export function createCropView(shared, changed) {
  const { backend, pictures } = shared;
  /** New labels of boxes relabeled since the list was read; their crops stay in place. @type {Map<string, string>} */
  const renamed = new Map();

  const pages = createPages(async (offset, limit) => {
    const label = shared.wanted().label;
    if (!label) return { items: [], total: 0 };
    const query = new URLSearchParams({ label, offset: String(offset), limit: String(limit) });
    const answer = await backend.ask(`/api/crops?${query}`, { cache: "no-store" });
    if (answer.type !== "answer") {
      shared.fail(answer.message);
      return null;
    }
    shared.fail("");
    const { images, total } = JSON.parse(await answer.body.text());
    const items = images.flatMap((/** @type {any} */ { rects, ...image }) =>
      rects.map((/** @type {Rect} */ rect) => ({ ...image, rect }))
    );
    return { items: /** @type {Crop[]} */ (items), total };
  }, () => {
    grid.render();
    changed();
  });

  const keyOf = (/** @type {Crop} */ { image_id, rect }) => `${image_id} ${rect.id}`;

  function make() {
    return element(
      "div",
      { "data-testid": "crop" },
      element("span", { class: "picture" }),
      element("span", { class: "mark", title: "Select (Ctrl and click, or the space bar)" }),
      element(
        "span",
        { class: "line" },
        element("i", { class: "color" }),
        element("span", { class: "name" }),
      ),
    );
  }

  /** @param {HTMLElement} card @param {Crop} crop */
  function update(card, crop) {
    const { rect } = crop;
    const place = `${crop.image_id} ${rect.left} ${rect.top} ${rect.width} ${rect.height}`;
    if (card.dataset.place !== place) {
      card.dataset.place = place;
      draw(card, crop, place);
    }
    const { name, color } = labelsOf(shared.labels()).shown(renamed.get(keyOf(crop)) ?? rect.label);
    mark(card, "data-label", name);
    card.classList.toggle("renamed", renamed.has(keyOf(crop)));
    child(card, "color").style.background = color;
    say(child(card, "name"), name);
    const size = `${Math.round(rect.width)}×${Math.round(rect.height)}`;
    mark(card, "aria-label", `${name}, ${size} pixels, in ${crop.image_path}`);
    mark(card, "title", `${crop.image_path}, ${size}`);
  }

  /** @param {HTMLElement} card @param {Crop} crop @param {string} place */
  function draw(card, crop, place) {
    const { rect, image_width: width, image_height: height } = crop;
    child(card, "picture").replaceChildren();
    if (!width || !height) return;
    pictures.address(crop.image_id, copyFor(crop)).then((address) => {
      if (card.dataset.place !== place || !address) return;
      const [across, down] = [rect.width * AROUND, rect.height * AROUND];
      const size = [rect.width + 2 * across, rect.height + 2 * down];
      const svg = shape("svg", {
        viewBox: `${rect.left - across} ${rect.top - down} ${size[0]} ${size[1]}`,
      });
      const picture = shape("image", { href: address, width, height, preserveAspectRatio: "none" });
      svg.append(picture);
      child(card, "picture").replaceChildren(svg);
    });
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const digit = digitOf(event);
    if (digit === null) return false;
    const label = labelsOf(shared.labels()).offered[digit];
    if (label) give(label.name);
    return label !== undefined;
  }

  /** @param {string} label */
  async function give(label) {
    const chosen = grid.chosen();
    const focused = grid.focused();
    const crops = chosen.length ? chosen : focused ? [focused] : [];
    if (!chosen.length) grid.next();
    /** @type {Map<string, Crop[]>} */
    const byImage = new Map();
    for (const crop of crops) {
      byImage.set(crop.image_id, [...byImage.get(crop.image_id) ?? [], crop]);
      renamed.set(keyOf(crop), label);
    }
    grid.render();
    shared.saving(1);
    for (const [image, some] of byImage) {
      const why = await relabel(backend, image, some.map(({ rect }) => rect.id), label);
      if (!why) continue;
      for (const crop of some) renamed.delete(keyOf(crop));
      shared.tell(`${some[0].image_path}: ${why}`);
    }
    shared.saving(-1);
    grid.render();
  }

  const grid = createGrid({
    name: "Boxes",
    least: 110,
    ratio: 1,
    extra: 22,
    pages,
    key: keyOf,
    make,
    update,
    open: ({ image_id }) => shared.open(image_id),
    press,
    selected: changed,
  });

  return {
    root: grid.root,
    grid,
    pages,
    give,
    forget: () => renamed.clear(),
    words() {
      const { total } = pages;
      const label = shared.wanted().label;
      if (!label) return "Choose a label";
      if (total === null) return "Loading …";
      return `${total.toLocaleString("en")} ${total === 1 ? "box" : "boxes"} of ${label}`;
    },
  };
}
