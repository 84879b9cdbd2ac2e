// The way in for a page of any kind: a session, and the interface over it, in one place.

import { createSession } from "./session.js";
import { createThumbnails } from "./thumbnails.js";
import { createWorkbench } from "./workbench.js";

/**
 * `addLabel` has the page add a name to the project's labels, which then calls
 * `session.setLabels`; without it nobody is offered to add one.
 * @typedef {import("./session.js").Options & { addLabel?: (name: string) => void }} Options
 */

/**
 * Shows the workbench in `place`, which has a height of its own. `end` takes it away again; what is
 * not saved by then is in the journal.
 * @param {HTMLElement} place @param {Options} options
 */
export function openWorkbench(place, options) {
  const session = createSession(options);
  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href: new URL("./workbench.css", import.meta.url).href,
  });
  const inner = Object.assign(document.createElement("div"), { className: "workbench-room" });
  inner.style.height = "100%";
  place.append(style, inner);
  const thumbnails = createThumbnails(options);
  const takeAway = createWorkbench(inner, session, {
    person: options.person,
    thumbnail: thumbnails.address,
    addLabel: options.addLabel ?? null,
  });
  return {
    session,
    end() {
      takeAway();
      thumbnails.end();
      session.close();
      style.remove();
      inner.remove();
    },
  };
}
