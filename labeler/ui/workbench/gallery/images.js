// The gallery's first view: all images as thumbnails with their boxes drawn on them.

import { child, element, mark, say } from "../dom.js";
import { labelsOf } from "../label_set.js";
import { STATUSES } from "../panels/bar.js";
import { createGrid } from "./grid.js";
import { createPages } from "./pages.js";
import { listQuery } from "./query.js";

/** @typedef {import("./work.js").Image & { status: string, rects: number, labeled_by: string | null,
 *   assigned_to: string | null, problem?: string }} Item */
/** @typedef {{ image_id: string, etag: string, image_width: number | null,
 *   image_height: number | null, rects: { left: number, top: number, width: number,
 *   height: number, label: string }[] }} Boxes */

const WIDTH = 256;
const MOST_DRAWN = 300;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, string | number>} attributes */
export function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** The beginning and the end of the name, because names of a series differ at the end. @param {string} name */
const shortened = (name) => name.length > 17 ? `${name.slice(0, 5)}…${name.slice(-10)}` : name;

/**
 * @param {import("./gallery.js").Shared} shared
 * @param {() => void} changed
 */
export function createImageView(shared, changed) {
  const { backend, pictures } = shared;
  /** The boxes of images by image ID, each as of the version in `etag`. @type {Map<string, Boxes>} */
  const boxes = new Map();

  const pages = createPages(async (offset, limit) => {
    const answer = await backend.ask(`/api/images?${listQuery(shared.wanted(), offset, limit)}`, {
      cache: "no-store",
    });
    if (answer.type !== "answer") {
      shared.fail(answer.message);
      return null;
    }
    shared.fail("");
    const { images, total, found } = JSON.parse(await answer.body.text());
    loadBoxes(images);
    return { items: /** @type {Item[]} */ (images), total, found };
  }, () => {
    grid.render();
    changed();
  });

  /** Loads the boxes of one page in one call. @param {Item[]} images */
  async function loadBoxes(images) {
    const missing = images.filter(({ image_id, etag, rects }) =>
      rects && etag && boxes.get(image_id)?.etag !== etag
    );
    if (!missing.length) return;
    const ids = missing.map(({ image_id }) => image_id).join(",");
    const answer = await backend.ask(`/api/boxes?images=${ids}`, { cache: "no-store" });
    if (answer.type !== "answer") return;
    const found = JSON.parse(await answer.body.text());
    for (const one of /** @type {Boxes[]} */ (found.images)) {
      boxes.delete(one.image_id);
      boxes.set(one.image_id, one);
    }
    for (const [oldest] of boxes) {
      if (boxes.size <= 40 * 60) break;
      boxes.delete(oldest);
    }
    grid.render();
  }

  function make() {
    return element(
      "div",
      { "data-testid": "gallery-image" },
      element("span", { class: "picture" }, element("img", { alt: "", draggable: "false" })),
      element("span", { class: "assigned" }),
      element("span", { class: "mark", title: "Select (Ctrl and click, or the space bar)" }),
      element(
        "span",
        { class: "line" },
        element("i", { class: "dot" }),
        element("span", { class: "name" }),
        element("span", { class: "boxes" }),
      ),
      element("span", { class: "who" }),
    );
  }

  /** @param {HTMLElement} card @param {Item} item */
  function update(card, item) {
    const img = /** @type {HTMLImageElement} */ (card.querySelector("img"));
    if (card.dataset.image !== item.image_id) {
      card.dataset.image = item.image_id;
      img.removeAttribute("src");
      card.querySelector("svg")?.remove();
      delete card.dataset.drawn;
      pictures.address(item.image_id, WIDTH).then((address) => {
        if (card.dataset.image === item.image_id && address) img.src = address;
      });
    }
    const words = item.problem ? "damaged" : STATUSES[item.status] ?? item.status;
    mark(child(card, "dot"), "data-status", item.problem ? "damaged" : item.status);
    say(child(card, "name"), shortened(item.image_path.split("/").at(-1) ?? ""));
    say(child(card, "boxes"), String(item.rects));
    say(child(card, "who"), item.labeled_by ?? "");
    child(card, "who").hidden = !shared.hasPeople;
    const count = `${item.rects} ${item.rects === 1 ? "box" : "boxes"}`;
    const to = item.assigned_to;
    say(child(card, "assigned"), to ? `→ ${to}` : "");
    child(card, "assigned").hidden = !to;
    const queue = to ? `, in the queue of ${to}` : "";
    const name = `${item.image_path}, ${words}, ${count}${queue}`;
    mark(card, "aria-label", name);
    mark(card, "title", item.problem ? `${name}: ${item.problem}` : name);
    draw(card, item);
  }

  /** @param {HTMLElement} card @param {Item} item */
  function draw(card, item) {
    const found = item.rects ? boxes.get(item.image_id) : undefined;
    const state = found ? `${found.etag} ${shared.labels().length}` : "";
    if (card.dataset.drawn === state) return;
    card.dataset.drawn = state;
    card.querySelector("svg")?.remove();
    if (!found?.image_width || !found.image_height) return;
    const { shown } = labelsOf(shared.labels());
    const svg = shape("svg", { viewBox: `0 0 ${found.image_width} ${found.image_height}` });
    svg.append(
      ...found.rects.slice(0, MOST_DRAWN).map((rect) =>
        shape("rect", {
          x: rect.left,
          y: rect.top,
          width: rect.width,
          height: rect.height,
          stroke: shown(rect.label).color,
        })
      ),
    );
    child(card, "picture").append(svg);
  }

  const grid = createGrid({
    name: "Images",
    least: 150,
    ratio: 0.75,
    extra: shared.hasPeople ? 44 : 24,
    pages,
    key: ({ image_id }) => image_id,
    make,
    update,
    open: ({ image_id }) => shared.open(image_id),
    press(event) {
      if (event.key !== "Delete") return false;
      shared.remove();
      return true;
    },
    selected: changed,
  });

  return {
    root: grid.root,
    grid,
    pages,
    words() {
      const { total, found } = pages;
      if (total === null) return "Loading …";
      if (found !== null) return `Still counting: ${found.toLocaleString("en")} images so far`;
      return `${total.toLocaleString("en")} ${total === 1 ? "image" : "images"}`;
    },
  };
}
