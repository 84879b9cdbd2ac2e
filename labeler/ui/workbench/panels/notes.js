// The notes on the image: comments by place with their authors, to answer and to resolve.

import { placeOf, takesComments, threadsOf } from "../comments.js";
import { button, child, element, keyed, mark, say, watcher } from "../dom.js";
import { nameOf, timeOf } from "../words.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../comments.js").Comment} Comment */
/** @typedef {import("../comments.js").Thread} Thread */

/** @param {Bench} bench @param {(rect: import("../boxes.js").Area) => void} reveal */
export function createNotes(bench, reveal) {
  const { session } = bench;
  const isNew = watcher();
  /** @type {Thread[]} */
  let threads = [];
  const title = element("h2", {}, "Notes");
  const add = button("Add", "Add a note to a box or a place", () => bench.act("note"), {
    class: "chip",
  });
  const verdict = element("p", { class: "verdict" });
  const list = element("div", { class: "threads", role: "list", "aria-label": "Notes" });
  const root = element(
    "section",
    { class: "panel notes-panel" },
    element("div", { class: "heading" }, title, add),
    verdict,
    list,
  );

  /** @param {string} key */
  const threadOf = (key) => threads.find((thread) => thread.key === key);

  /** @param {string} key */
  function show(key) {
    const thread = threadOf(key);
    const at = thread && placeOf(thread);
    bench.set({ thread: key });
    if (at) reveal(thread.box ?? { left: at.x, top: at.y, width: 0, height: 0 });
  }

  /** @param {string} key */
  function answer(key) {
    const thread = threadOf(key);
    if (thread) bench.set({ thread: key, noting: { pin: thread.pin, then: null, text: "" } });
  }

  /** @param {string} key */
  function resolve(key) {
    const thread = threadOf(key);
    if (!thread) return;
    const ids = thread.comments.map(({ id }) => id);
    bench.set({ thread: null });
    session.dispatch({ type: "resolveComments", ids, isResolved: !thread.isResolved });
  }

  /** @param {Thread} thread */
  function make({ key }) {
    return element(
      "div",
      { class: "thread", role: "listitem", "data-testid": "thread", "data-thread": key },
      button("", "Show the place of this note", () => show(key), { class: "number" }),
      element("div", { class: "said" }),
      element(
        "div",
        { class: "thread-tools" },
        button("Answer", "Answer this note", () => answer(key), { class: "answer chip" }),
        button("", "", () => resolve(key), { class: "resolve chip" }),
      ),
    );
  }

  /** @param {Thread} thread */
  function where({ pin, box }) {
    if (pin.rect !== undefined) return box ? "" : "The box was deleted. ";
    return pin.x === undefined ? "On the whole image. " : "";
  }

  return {
    root,
    render() {
      const { doc, readOnly, phase } = session.state;
      const { thread: open } = bench.ui;
      if (!isNew(doc?.comments, doc?.rects, doc?.metadata, readOnly, phase, open)) return;
      threads = threadsOf(doc);
      const left = threads.filter(({ isResolved }) => !isResolved).length;
      say(title, threads.length ? `Notes (${left} open)` : "Notes");
      add.hidden = readOnly || phase !== "ready" || !takesComments(doc);
      say(verdict, verdictOf(doc));
      verdict.hidden = !verdict.textContent;
      keyed(list, threads, ({ key }) => key, make, (row, thread) => {
        row.classList.toggle("open", thread.key === open);
        mark(row, "data-resolved", thread.isResolved);
        say(child(row, "number"), String(thread.number));
        const place = where(thread);
        keyed(child(row, "said"), thread.comments, ({ id }) => id, line, (one, comment) => {
          update(one, comment, comment === thread.comments[0] ? place : "");
        });
        const words = thread.isResolved ? "Reopen" : "Resolve";
        const resolve = child(row, "resolve");
        say(resolve, words);
        mark(resolve, "aria-label", `${words} note ${thread.number}`);
        mark(resolve, "title", `${words} note ${thread.number}`);
        child(row, "thread-tools").hidden = readOnly;
      });
    },
  };
}

const line = () =>
  element(
    "p",
    {},
    element("b", { class: "by" }),
    " ",
    element("time", { class: "muted" }),
    element("span", { class: "words" }),
  );

/** @param {HTMLElement} row @param {Comment} comment @param {string} place */
function update(row, { by, at, text }, place) {
  say(child(row, "by"), nameOf(by));
  mark(child(row, "by"), "title", by ?? "");
  say(/** @type {HTMLElement} */ (row.querySelector("time")), timeOf(at));
  say(child(row, "words"), `${place}${text}`);
}

/** The last verdict of a reviewer. @param {import("../contract.js").SessionState["doc"]} doc */
function verdictOf(doc) {
  const { review, status } = doc?.metadata ?? {};
  if (status !== "returned" && status !== "approved") return "";
  const by = review?.by ? ` by ${nameOf(review.by)}` : "";
  const at = timeOf(review?.at);
  const words = status === "returned" ? "Returned" : "Approved";
  return `${words}${by}${at ? `, ${at}` : ""}.`;
}
