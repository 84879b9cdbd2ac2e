// The gallery: a row of filters, a row of actions for the selection, and the images or crops below.

import { button, element, mark, say } from "../dom.js";
import { labelsOf } from "../label_set.js";
import { createCropView } from "./crops.js";
import { createImageView } from "./images.js";
import { createPictures } from "../pictures.js";
import { wantedBy } from "./query.js";
import { createSelection } from "./selection.js";
import { createToolbar } from "./toolbar.js";

/** @typedef {import("../label_set.js").Label} Label */
/**
 * What the parts of the gallery share.
 * @typedef {{ backend: import("../backend.js").Backend,
 *   pictures: ReturnType<typeof createPictures>, labels: () => readonly Label[],
 *   wanted: () => import("./query.js").Wanted, people: () => string[], hasPeople: boolean, isAdmin: () => boolean,
 *   open: (image: string) => void, tell: (text: string) => void, fail: (text: string) => void,
 *   remove: () => void, saving: (more: number) => void }} Shared
 */

const MOST_PICTURES = 400;
const REFRESH_MS = 20_000;

/** The last position in the gallery, for a person who comes back. */
const kept = { search: "", top: 0 };

/**
 * @param {HTMLElement} place
 * @param {{ backend: import("../backend.js").Backend, labels: readonly Label[], isAdmin: boolean,
 *   hasPeople: boolean, open: (image: string) => void, changed: () => void,
 *   filtered: (wanted: import("./query.js").Wanted) => void }} options
 */
export function createGallery(place, options) {
  let { labels, isAdmin } = options;
  let wanted = wantedBy(location.search);
  let saving = 0;
  let failure = "";
  let isCounted = false;
  /** Everybody who has labeled something, or has images in their queue. @type {string[]} */
  let people = [];
  const pictures = createPictures(options.backend, MOST_PICTURES);
  /** @type {Shared} */
  const shared = {
    backend: options.backend,
    pictures,
    labels: () => labels,
    wanted: () => wanted,
    people: () => people,
    hasPeople: options.hasPeople,
    isAdmin: () => isAdmin,
    open: options.open,
    tell(text) {
      failure = "";
      say(told, text);
    },
    /** Says why the list could not be read; with "" that it could, which leaves all other texts. */
    fail(text) {
      if (text || told.textContent === failure) say(told, text);
      failure = text;
    },
    remove: () => selection.remove(),
    saving(more) {
      saving += more;
      mark(root, "data-save", saving ? "pending" : "saved");
      if (!saving) options.changed();
    },
  };
  const told = element("span", { class: "told", role: "status" });
  const toolbar = createToolbar({ wanted: () => wanted, change, labels: () => labels });
  const images = createImageView(shared, render);
  const crops = createCropView(shared, render);
  const selection = createSelection(shared, {
    chosen: images.grid.chosen,
    clear: images.grid.clear,
    finished() {
      images.grid.clear();
      refresh();
    },
  });
  const palette = element("div", { class: "palette", role: "toolbar", "aria-label": "Labels" });
  const root = element(
    "div",
    { class: "gallery", "data-testid": "gallery", "data-save": "saved" },
    toolbar.root,
    selection.root,
    palette,
    told,
    images.root,
    crops.root,
  );
  place.append(root);

  /** @param {object} some */
  const ordered = (some) => JSON.stringify(Object.entries(some).sort());

  const view = () => wanted.show === "crops" ? crops : images;

  /** @param {import("./query.js").Wanted} changes */
  function change(changes) {
    wanted = Object.fromEntries(
      Object.entries({ ...wanted, ...changes }).filter(([, value]) => value),
    );
    if (wanted.show === "crops" && !wanted.label) wanted.label = labelsOf(labels).offered[0]?.name;
    options.filtered(wanted);
    begin();
  }

  function begin() {
    images.grid.clear();
    crops.grid.clear();
    crops.forget();
    say(told, "");
    view().grid.scrollTo(0);
    isCounted = false;
    view().pages.begin();
    render();
  }

  function refresh() {
    const { grid, pages } = view();
    if (pages.total === null || pages.found !== null) return;
    const { first, last } = grid.range();
    pages.refresh(first, last);
    loadFacts();
  }

  async function loadFacts() {
    if (view() !== images) return;
    const ask = (/** @type {string} */ by) =>
      options.backend.ask(`/api/statistics?by=${by}`, { cache: "no-store" });
    const answers = await Promise.all(["person", "assigned", "warning"].map(ask));
    const [byPerson, byAssigned, byWarning] = await Promise.all(
      answers.map(async (answer) =>
        answer.type === "answer" ? JSON.parse(await answer.body.text()).counts : null
      ),
    );
    if (!byPerson || !byAssigned || !byWarning) return;
    const labelers = byPerson.map((/** @type {any} */ row) => row.person).filter(Boolean);
    const assigned = byAssigned.map((/** @type {any} */ row) => row.assigned).filter(Boolean);
    people = [...new Set([...labelers, ...assigned])].sort();
    toolbar.setFacts({
      people: labelers,
      assigned,
      warnings: Object.fromEntries(
        byWarning.map((/** @type {any} */ row) => [row.warning, row.images]),
      ),
    });
    render();
  }

  function render() {
    const one = view();
    if (!isCounted && one.pages.total !== null && one.pages.found === null) {
      isCounted = true;
      loadFacts();
    }
    images.root.hidden = one !== images;
    crops.root.hidden = one !== crops;
    palette.hidden = one !== crops;
    toolbar.render(one.words());
    if (one === images) selection.render();
    else selection.root.hidden = true;
    renderPalette();
    mark(root, "data-state", one.pages.total === null ? "loading" : "ready");
    mark(root, "data-total", one.pages.found === null ? one.pages.total ?? "" : "");
    kept.search = location.search;
    if (one === images && images.pages.total) kept.top = images.root.scrollTop;
  }

  function renderPalette() {
    const { offered } = labelsOf(labels);
    const state = JSON.stringify(offered);
    if (palette.dataset.state === state) return;
    palette.dataset.state = state;
    palette.replaceChildren(
      element("span", { class: "muted" }, "A digit gives another label:"),
      ...offered.slice(0, 10).map(({ name, color }, index) => {
        const chip = button("", `Give the label ${name}`, () => crops.give(name), {
          class: "chip",
        });
        const box = element("i", { class: "color" });
        box.style.background = color;
        chip.append(element("kbd", {}, String((index + 1) % 10)), box, name);
        return chip;
      }),
    );
  }

  const timer = setInterval(() => {
    if (document.visibilityState === "visible" && !saving && place.isConnected) refresh();
  }, REFRESH_MS);
  const top = kept.search === location.search ? kept.top : 0;
  begin();
  if (top) {
    const restored = setInterval(() => {
      if (images.pages.total === null) return;
      clearInterval(restored);
      images.grid.render();
      images.grid.scrollTo(top);
    }, 30);
  }

  return {
    root,
    /**
     * Takes over what a run of the page brings; `isHeard` if its address has the last filters set
     * here.
     * @param {readonly Label[]} nextLabels @param {boolean} nextIsAdmin @param {boolean} isHeard
     */
    update(nextLabels, nextIsAdmin, isHeard) {
      if (JSON.stringify(labels) !== JSON.stringify(nextLabels)) labels = nextLabels;
      isAdmin = nextIsAdmin;
      const now = wantedBy(location.search);
      if (isHeard && ordered(now) !== ordered(wanted)) {
        wanted = now;
        begin();
      } else {
        render();
        refresh();
      }
    },
    end() {
      clearInterval(timer);
      toolbar.end();
      for (const one of [images, crops]) {
        one.pages.end();
        one.grid.end();
      }
      pictures.end();
      root.remove();
    },
  };
}
