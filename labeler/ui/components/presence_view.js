// Shows the state of the tab's connection: a line at the window's lower edge, and a cover over the
// page while it is paused.

/** @typedef {import("./presence_state.js").Connection} Connection */

/** @param {string} saveState */
const styleFor = (saveState) => `
  .labeler-connection {
    position: fixed; z-index: 1000000; bottom: 0.6rem; left: 50%; transform: translateX(-50%);
    width: max-content; max-width: calc(100vw - 1rem); padding: 0.3rem 0.9rem;
    border-radius: 1rem; box-sizing: border-box;
    font: 0.875rem sans-serif; color: #fff; background: #444c56; pointer-events: none;
  }
  .labeler-connection:empty { display: none; }
  .labeler-connection.good { background: #1a7f37; }
  .labeler-paused ~ .labeler-connection { bottom: 55%; font-size: 1rem; padding: 0.6rem 1.4rem; }
  .labeler-paused { position: fixed; z-index: 999999; inset: 0; background: #ffffff66; }
  .labeler-paused { cursor: pointer; touch-action: none; }
  /* Streamlit's own words: an error, where there is none. */
  :root:not([data-connection=here]) [data-testid=stStatusWidget] { display: none; }
  /* An instance that has not run the page knows no buttons. */
  :root[data-connection=back] [class*=st-key-] button { pointer-events: none; }
  /* What it says may be out of date. */
  :root[data-connection=away] .st-key-${saveState} * { visibility: hidden !important; }`;

/**
 * The line and the cover, added to the page.
 * @param {string} saveState the key of the line about saving
 */
export function createView(saveState) {
  const style = document.head.appendChild(document.createElement("style"));
  const line = document.body.appendChild(document.createElement("div"));
  const cover = document.createElement("div");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  style.textContent = styleFor(saveState);
  line.className = "labeler-connection";
  line.role = "status";
  cover.className = "labeler-paused";

  /**
   * Shows this text in place of the current and the scheduled one, for `ms` or until the next call.
   * @param {string} text
   * @param {boolean} [good]
   * @param {number} [ms]
   */
  function tell(text, good = false, ms = 0) {
    clearTimeout(timer);
    line.textContent = text;
    line.classList.toggle("good", good);
    if (ms) timer = setTimeout(() => tell(""), ms);
  }

  return {
    tell,
    /** @param {() => void} act unless another text comes first @param {number} ms */
    later(act, ms) {
      clearTimeout(timer);
      timer = setTimeout(act, ms);
    },
    /** @param {Connection} connection for the style sheet and for other components */
    mark(connection) {
      document.documentElement.dataset.connection = connection;
    },
    cover: () => line.before(cover),
    uncover: () => cover.remove(),
    remove() {
      clearTimeout(timer);
      for (const node of [style, line, cover]) node.remove();
      delete document.documentElement.dataset.connection;
    },
  };
}
