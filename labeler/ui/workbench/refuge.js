// Where the workbench is while the page has no place for it. A run of the page that breaks off, as
// when an instance ends, takes away what it had not drawn yet: the place comes back with the next
// run. Until then the workbench stays where it is in the window, and is worked on as before.

const FOLLOWED = [
  "--st-background-color",
  "--st-text-color",
  "--st-primary-color",
  "--st-secondary-background-color",
];

/**
 * @param {HTMLElement} element what is to stay
 * @param {() => CSSStyleSheet | null} sheet its style
 */
export function createRefuge(element, sheet) {
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  host.className = "workbench-refuge";
  /** The distances from the edges of the window, as they were last. */
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
  const sizes = new ResizeObserver(look);
  sizes.observe(element);

  return {
    /** Move the element here, to where it was. */
    enter() {
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
    },
    /** Go away; the element has another place, or none. */
    leave: () => host.remove(),
    end() {
      sizes.disconnect();
      host.remove();
    },
  };
}
