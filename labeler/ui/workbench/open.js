// The way in for a page of any kind: a session, and the interface over it, in one place.

import { createBackend } from "./backend.js";
import { createGuideCalls } from "./guide_calls.js";
import { createRefuge } from "./refuge.js";
import { createSession } from "./session.js";
import { createThumbnails } from "./thumbnails.js";
import { createWorkbench } from "./workbench.js";

/**
 * `addLabel` has the page add a name to the project's labels, which then calls
 * `session.setLabels`; without it nobody is offered to add one.
 * `isGuideEditor` offers to change the guide.
 * @typedef {import("./session.js").Options & { addLabel?: (name: string) => void,
 *   isGuideEditor?: boolean,
 *   isWanted?: () => boolean, reviews?: boolean, review?: import("./contract.js").Review | null,
 *   askReview?: import("./contract.js").Bench["askReview"] }} Options
 */

/** One for all workbenches of a document; it goes with them to wherever they are. @type {Promise<CSSStyleSheet> | null} */
let loading = null;
/** @type {CSSStyleSheet | null} */
let sheet = null;
const AGAIN_MS = 500;
const SHEETS = ["./workbench.css", "./review.css"];

/** The style, asked for until an instance answers. */
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
 * Shows the workbench in `place`, which has a height of its own. `moveTo` takes it to another place
 * as it is: nothing that somebody does on it is lost. Where the page takes the place away, the
 * workbench stays where it is in the window, or goes out of sight if `isWanted` says so; it goes on
 * saving in both cases. `end` takes it away; what is not saved by then is in the journal.
 * @param {HTMLElement} place @param {Options} options
 */
export function openWorkbench(place, options) {
  const session = createSession(options);
  const inner = Object.assign(document.createElement("div"), { className: "workbench-room" });
  inner.style.height = "100%";
  const thumbnails = createThumbnails(options);
  const workbench = createWorkbench(inner, session, {
    person: options.person,
    thumbnail: thumbnails.address,
    addLabel: options.addLabel ?? null,
    guide: {
      ...createGuideCalls(createBackend(options)),
      isEditor: options.isGuideEditor ?? false,
    },
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
    // Not before it has its style: what is drawn on must not jump.
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
