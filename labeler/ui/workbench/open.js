// The entry for a page of any kind: a session, and the interface over it, in one place.

import { createBackend } from "./backend.js";
import { createGuideCalls } from "./guide_calls.js";
import { createPictures } from "./pictures.js";
import { createRefuge } from "./refuge.js";
import { createSession } from "./session.js";
import { createWorkbench } from "./workbench.js";

/**
 * `addLabel` asks the page to add a name to the project's labels; the page then calls
 * `session.setLabels`. Without it, adding labels is not offered.
 * `isAdmin` offers to change the guide and to delete images.
 * @typedef {import("./session.js").Options & { addLabel?: (name: string) => void,
 *   isAdmin?: boolean,
 *   isWanted?: () => boolean, reviews?: boolean, review?: import("./contract.js").Review | null,
 *   askReview?: import("./contract.js").Bench["askReview"] }} Options
 */

/** The style sheet, shared by all workbenches of a page; it follows them to each place. @type {Promise<CSSStyleSheet> | null} */
let loading = null;
/** @type {CSSStyleSheet | null} */
let sheet = null;
const AGAIN_MS = 500;
const MOST_THUMBNAILS = 64;
const THUMBNAIL_WIDTH = 128;
const SHEETS = ["./base.css", "./workbench.css", "./review.css"];

/** The style, requested until an instance answers. */
async function loadStyle() {
  for (;;) {
    try {
      const answers = await Promise.all(SHEETS.map((one) => fetch(new URL(one, import.meta.url))));
      if (answers.every(({ ok }) => ok)) {
        const texts = await Promise.all(answers.map((answer) => answer.text()));
        return await new CSSStyleSheet().replace(texts.join("\n"));
      }
    } catch {
      // There is no connection now.
    }
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

/**
 * Shows the workbench in `place`, which has a height of its own. `moveTo` moves it to another place
 * as it is, with a person's unfinished work. If the page removes the place, the workbench stays
 * where it is in the window, or is hidden if `isWanted` says so; it goes on saving in both cases.
 * `end` removes it; unsaved work is in the journal.
 * @param {HTMLElement} place @param {Options} options
 */
export function openWorkbench(place, options) {
  const session = createSession(options);
  const inner = Object.assign(document.createElement("div"), { className: "workbench-room" });
  inner.style.height = "100%";
  const backend = createBackend(options);
  const thumbnails = createPictures(backend, MOST_THUMBNAILS);
  const workbench = createWorkbench(inner, session, {
    person: options.person,
    thumbnail: (image) => thumbnails.address(image, THUMBNAIL_WIDTH),
    addLabel: options.addLabel ?? null,
    guide: {
      ...createGuideCalls(backend),
      isEditor: options.isAdmin ?? false,
    },
    isAdmin: options.isAdmin ?? false,
    reviews: options.reviews,
    review: options.review,
    askReview: options.askReview,
  });
  const refuge = createRefuge(inner, () => sheet, options.isWanted ?? (() => true));

  /** @param {HTMLElement} to */
  function moveTo(to) {
    if (inner.parentNode === to) return;
    dress(to);
    to.append(inner);
    refuge.leave();
  }

  /** @param {HTMLElement} to */
  function dress(to) {
    const root = to.getRootNode();
    if (!sheet || !(root instanceof ShadowRoot || root instanceof Document)) return;
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  }

  moveTo(place);
  if (!sheet) {
    // Shown only once it has its style, so that the drawing surface does not jump.
    inner.style.display = "none";
    loading ??= loadStyle();
    loading.then((loaded) => {
      sheet = loaded;
      if (inner.parentElement) dress(inner.parentElement);
      inner.style.display = "";
    });
  }
  return {
    session,
    workbench,
    moveTo,
    end() {
      workbench.end();
      thumbnails.end();
      session.close();
      refuge.end();
      inner.remove();
    },
  };
}
