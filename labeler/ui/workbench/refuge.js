// The place of the workbench while the page has none for it. A run of the page that breaks off, as
// when an instance ends, removes what it had not drawn yet; the next run brings the place back.
// Until then the workbench stays where it is in the window and can be used as before.

const FOLLOWED = [
  "--st-background-color",
  "--st-text-color",
  "--st-primary-color",
  "--st-secondary-background-color",
];

/**
 * Keeps an element that the page may remove. `isWanted` says whether it stays visible then; if not,
 * it is hidden until it gets a place again.
 * @param {HTMLElement} element @param {() => CSSStyleSheet | null} sheet its style
 * @param {() => boolean} isWanted
 */
export function createRefuge(element, sheet, isWanted) {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  host.className = "workbench-refuge";
  let hasPlace = false;
  /** The last distances from the edges of the window. */
  let inset = { top: 0, right: 0, bottom: 0, left: 0 };
  /** @type {Record<string, string>} */
  let theme = {};

  function look() {
    if (!element.isConnected || host.isConnected) return;
    const { top, right, bottom, left } = element.getBoundingClientRect();
    if (right - left < 1 || bottom - top < 1) return;
    inset = { top, right: innerWidth - right, bottom: innerHeight - bottom, left };
    const style = getComputedStyle(element);
    theme = Object.fromEntries(FOLLOWED.map((name) => [name, style.getPropertyValue(name)]));
  }

  /** Runs right when the page has changed, before anything is painted or pressed. */
  function check() {
    if (host.isConnected && !isWanted()) {
      element.remove();
      host.remove();
    }
    if (!hasPlace || element.isConnected) return;
    hasPlace = false;
    if (isWanted()) enter();
    else element.remove();
  }

  function enter() {
    for (const [side, distance] of Object.entries(inset)) {
      host.style.setProperty(side, `${distance}px`);
    }
    for (const [name, value] of Object.entries(theme)) {
      if (value) host.style.setProperty(name, value);
    }
    Object.assign(host.style, { position: "fixed", zIndex: "1" });
    const found = sheet();
    root.adoptedStyleSheets = found ? [found] : [];
    root.append(element);
    (document.querySelector("[data-testid=stApp]") ?? document.body).append(host);
  }

  const sizes = new ResizeObserver(look);
  const changes = new MutationObserver(check);
  sizes.observe(element);
  changes.observe(document, { childList: true, subtree: true });

  return {
    /** Notes that the element has a place. */
    leave() {
      hasPlace = true;
      host.remove();
    },
    end() {
      sizes.disconnect();
      changes.disconnect();
      host.remove();
    },
  };
}
