// The workbench's answers to the rest of the page: whether all is saved, and when it is.

/** @typedef {import("./contract.js").Session} Session */

/** In ms. A caller does not wait longer for a save, and goes on without it. */
const PATIENCE_MS = 8_000;

/**
 * @param {Session & { retry: () => void }} session
 * @param {{ whenIdle: (act: () => void) => void, tell: (text: string) => void }} workbench
 * @param {() => string} awaits a selector of elements whose clicks wait until everything is saved
 */
export function createPageAround(session, workbench, awaits) {
  const controller = new AbortController();
  let isPassing = false;

  /** Resolves to whether everything is saved, at the latest when the patience ends. @returns {Promise<boolean>} */
  function saved() {
    const isSaved = () => session.state.save.state === "saved";
    if (isSaved()) return Promise.resolve(true);
    session.retry();
    return new Promise((resolve) => {
      const timer = setTimeout(done, PATIENCE_MS);
      const unsubscribe = session.subscribe(() => isSaved() && done());
      function done() {
        clearTimeout(timer);
        unsubscribe();
        resolve(isSaved());
      }
    });
  }

  // The server handles a click on the page, and knows only saved work.
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.composedPath()[0]);
    const found = target.closest?.(awaits());
    if (isPassing || !(found instanceof HTMLElement) || session.state.save.state === "saved") {
      return;
    }
    event.stopImmediatePropagation();
    event.preventDefault();
    workbench.tell("Saving your last changes first …");
    saved().then((isSaved) => {
      const { count } = session.state.save;
      const changes = count === 1
        ? "1 image has changes that are"
        : `${count} images have changes that are`;
      workbench.tell(isSaved ? "" : `Going on, but ${changes} not saved yet.`);
      press(found);
    });
  }, { capture: true, signal: controller.signal });

  /** Clicks the element that was clicked, or the one that the page now shows in its place. @param {HTMLElement} found */
  function press(found) {
    const all = [...document.querySelectorAll(awaits())];
    const again = found.isConnected
      ? found
      : all.find((one) => one.textContent === found.textContent);
    isPassing = true;
    if (again instanceof HTMLElement) again.click();
    isPassing = false;
  }

  const canvas = {
    quiet: () => new Promise((resolve) => workbench.whenIdle(() => resolve(saved()))),
    /** @param {() => void} then */
    leave: (then) => workbench.whenIdle(then),
  };
  Object.assign(globalThis, { labelerCanvas: canvas });
  return {
    end() {
      controller.abort();
      const page = /** @type {{ labelerCanvas?: typeof canvas }} */ (globalThis);
      if (page.labelerCanvas === canvas) delete page.labelerCanvas;
    },
  };
}
