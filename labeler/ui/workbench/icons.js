// Icons, drawn as lines in the color of the text.

const SHAPES = {
  eye: "M1 8s2.6-4.5 7-4.5S15 8 15 8s-2.6 4.5-7 4.5S1 8 1 8zm7-2a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  lock: "M4 7V5a4 4 0 0 1 8 0v2M3 7h10v7H3z",
  remove: "M4 4l8 8M12 4l-8 8",
  undo: "M6 3L2.5 6.5 6 10M2.5 6.5H10a3.5 3.5 0 0 1 0 7H7",
  redo: "M10 3l3.5 3.5L10 10M13.5 6.5H6a3.5 3.5 0 0 0 0 7h3",
  fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  zoomIn: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14M5 7h4M7 5v4",
  zoomOut: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14M5 7h4",
  add: "M2.5 2.5h11v11h-11zM8 5.5v5M5.5 8h5",
  twoClicks:
    "M4 4h8v8H4zM2.5 4a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0M10.5 12a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0",
  crosshair: "M8 1v14M1 8h14",
  display:
    "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 .8v2M8 13.2v2M.8 8h2M13.2 8h2M2.9 2.9l1.4 1.4M11.7 11.7l1.4 1.4M2.9 13.1l1.4-1.4M11.7 4.3l1.4-1.4",
  previous: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
  menu: "M2 4h12M2 8h12M2 12h12",
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
