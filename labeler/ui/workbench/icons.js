// Icons that not every font has.

const SHAPES = {
  eye: "M1 8s2.6-4.5 7-4.5S15 8 15 8s-2.6 4.5-7 4.5S1 8 1 8zm7-2a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  lock: "M4 7V5a4 4 0 0 1 8 0v2M3 7h10v7H3z",
  remove: "M4 4l8 8M12 4l-8 8",
};

/** @param {keyof typeof SHAPES} name */
export function icon(name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", "aria-hidden": "true" })) {
    made.setAttribute(key, value);
  }
  const path = document.createElementNS(made.namespaceURI, "path");
  path.setAttribute("d", SHAPES[name]);
  made.append(path);
  return made;
}
