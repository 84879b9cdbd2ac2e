// The list of boxes. Screen readers read it, and every action is possible in it by keyboard.

import { ATTRIBUTES } from "../attributes.js";
import { button, child, element, keyed, mark, say, watcher } from "../dom.js";
import { selectedBy } from "../hits.js";
import { icon } from "../icons.js";
import { labelsOf } from "../label_set.js";
import { WARNINGS, warnings } from "../warnings.js";

/** @typedef {import("../contract.js").Bench} Bench */
/** @typedef {import("../contract.js").Rect} Rect */

/** Rows in one group. The browser looks at each group in each frame, whether it is in view. */
const GROUP = 16;
const ROW_HEIGHT = 28;
const FIELDS = /** @type {const} */ (["left", "top", "width", "height"]);

/** @param {Bench} bench @param {{ size: () => import("../boxes.js").Size, reveal: (rect: Rect) => void, setGeometry: (rect: Rect) => void }} tools */
export function createBoxes(bench, tools) {
  const { session } = bench;
  const isNew = watcher();
  const isNewDocument = watcher();
  const isHovered = watcher();
  /** @type {ReturnType<typeof warnings>} */
  let notes = new Map();
  /** By the box's ID. @type {Map<string, HTMLElement>} */
  const rows = new Map();
  /** @type {WeakMap<HTMLElement, ReturnType<typeof watcher>>} */
  const isNewRow = new WeakMap();
  const title = element("h2", {}, "Boxes");
  const list = element("div", {
    class: "boxes",
    role: "grid",
    "aria-label": "Boxes of this image",
    "aria-multiselectable": "true",
  });
  const none = element(
    "p",
    { class: "none muted" },
    "No boxes yet. Drag on the image to draw one.",
  );
  const details = element("div", { class: "details" });
  const root = element("section", { class: "panel grows" }, title, none, list, details);
  const fields = FIELDS.map((name) => field(name));
  const label = /** @type {HTMLSelectElement} */ (element("select", {
    "aria-label": "Label of the selected boxes",
    onchange: () => bench.choose(label.value),
  }));
  const attributes = ATTRIBUTES.map((name) =>
    button(name, `Mark as ${name}`, () => bench.act(name), { class: "chip" })
  );
  const adding = button("", "Add this label to the project's labels", () => {
    const one = selected();
    if (one) bench.addLabel?.(one.label);
  }, { class: "chip adding" });
  details.append(label, adding, ...fields.map(({ whole }) => whole), ...attributes);

  /** @param {typeof FIELDS[number]} name */
  function field(name) {
    const input = /** @type {HTMLInputElement} */ (element("input", {
      type: "number",
      step: "any",
      "aria-label": `${name} in image pixels`,
      onchange: () => {
        const one = selected();
        const value = Number(input.value);
        if (one && input.value !== "" && Number.isFinite(value)) {
          tools.setGeometry({ ...one, [name]: value });
        }
      },
    }));
    return { name, input, whole: element("label", { class: "field" }, name, input) };
  }

  const selected = () => {
    const { selection, doc } = session.state;
    return selection.length === 1 ? doc?.rects.find(({ id }) => id === selection[0]) : undefined;
  };

  /** @param {"hidden" | "locked"} which @param {string} id */
  function toggle(which, id) {
    const next = new Set(bench.ui[which]);
    if (!next.delete(id)) next.add(id);
    bench.set({ [which]: next });
  }

  /** @param {Rect} rect */
  function make({ id }) {
    const found = rows.get(id);
    if (found) return found;
    const row = element(
      "div",
      {
        class: "box",
        role: "row",
        tabindex: "-1",
        "data-testid": "box",
        "data-rect-id": id,
        onclick: (/** @type {MouseEvent} */ event) => pick(id, event.shiftKey || event.ctrlKey),
        onfocus: () => {
          if (!session.state.selection.includes(id)) pick(id, false);
        },
        onmouseenter: () => bench.set({ hovered: id }),
        onmouseleave: () => bench.set({ hovered: null }),
        onkeydown: (/** @type {KeyboardEvent} */ event) => step(event, row),
      },
      element(
        "span",
        { role: "gridcell", class: "what" },
        element("i", { class: "color" }),
        element("span", { class: "text" }),
        element("span", { class: "size muted" }),
        element("span", { class: "notes" }),
      ),
      element(
        "span",
        { role: "gridcell", class: "tools" },
        small("Hide this box", "eye", () => toggle("hidden", id)),
        small("Lock this box", "lock", () => toggle("locked", id)),
        small("Delete this box", "remove", () => {
          if (!session.state.readOnly) session.dispatch({ type: "delete", ids: [id] });
        }),
      ),
    );
    rows.set(id, row);
    isNewRow.set(row, watcher());
    return row;
  }

  /** @param {string} id @param {boolean} adding */
  function pick(id, adding) {
    const { selection, doc } = session.state;
    session.dispatch({ type: "select", ids: selectedBy([id], selection, false, adding) });
    const rect = doc?.rects.find((one) => one.id === id);
    if (rect) tools.reveal(rect);
  }

  function renderList() {
    const { doc, selection, labels, readOnly, bitmap } = session.state;
    const { hidden, locked } = bench.ui;
    const rects = doc?.rects ?? [];
    const { shown } = labelsOf(labels);
    say(title, `Boxes (${rects.length})`);
    none.hidden = !doc || readOnly || rects.length > 0;
    if (isNewDocument(doc?.rects, labels, bitmap)) {
      notes = warnings(rects, tools.size(), shown);
    }
    const chosen = new Set(selection);
    const focused = list.querySelector(".box:focus-within");
    const place = focused ? [...list.querySelectorAll(".box")].indexOf(focused) : 0;
    /** @param {HTMLElement} row @param {Rect} rect @param {number} index */
    function update(row, rect, index) {
      const words = [
        ...ATTRIBUTES.filter((name) => rect[name] === true),
        ...(notes.get(rect.id) ?? []).map((note) => `⚠ ${WARNINGS[note]}`),
      ].join(", ");
      const isOne = chosen.has(rect.id);
      const { name, color } = shown(rect.label);
      const isReached = isOne || (!chosen.size && index === 0);
      const [isHidden, isLocked] = [hidden.has(rect.id), locked.has(rect.id)];
      const parts = [rect, words, isOne, name, color, isReached, isHidden, isLocked];
      if (!isNewRow.get(row)?.(...parts)) return;
      mark(row, "data-label", name);
      mark(row, "aria-selected", isOne);
      mark(row, "tabindex", isReached ? 0 : -1);
      child(row, "color").style.background = color;
      say(child(row, "text"), name);
      say(child(row, "size"), `${Math.round(rect.width)}×${Math.round(rect.height)}`);
      say(child(row, "notes"), words);
      mark(child(row, "eye"), "aria-pressed", isHidden);
      mark(child(row, "lock"), "aria-pressed", isLocked);
    }
    keyed(
      list,
      grouped(rects),
      ({ first }) => String(first),
      () => element("div", { class: "group", role: "rowgroup" }),
      (group, { first, some }) => {
        group.style.containIntrinsicBlockSize = `auto ${some.length * ROW_HEIGHT}px`;
        keyed(group, some, ({ id }) => id, make, (row, rect, index) => {
          update(row, rect, first + index);
        });
      },
    );
    const ids = new Set(rects.map(({ id }) => id));
    for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
    // A removed row passes the focus to the next one.
    if (focused && !list.contains(focused)) {
      const next = rows.get(rects[Math.min(place, rects.length - 1)]?.id);
      if (next) next.focus();
      else bench.focus();
    }
    renderDetails(rects.filter(({ id }) => chosen.has(id)));
  }

  /** @param {string | null} id */
  function showHovered(id) {
    list.querySelector(".hovered")?.classList.remove("hovered");
    if (id) list.querySelector(`[data-rect-id="${CSS.escape(id)}"]`)?.classList.add("hovered");
  }

  return {
    root,
    render() {
      const { doc, selection, labels, readOnly, bitmap } = session.state;
      const { hidden, locked, hovered } = bench.ui;
      if (isNew(doc, bitmap, selection.join(), labels, readOnly, hidden, locked)) renderList();
      if (isHovered(hovered, doc)) showHovered(hovered);
    },
  };

  /** @param {readonly Rect[]} some the selected boxes */
  function renderDetails(some) {
    const { labels, readOnly } = session.state;
    const { offered, shown } = labelsOf(labels);
    details.hidden = !some.length || readOnly;
    const one = some.length === 1 ? some[0] : undefined;
    keyed(
      label,
      offered,
      ({ name }) => name,
      ({ name }) => element("option", { value: name }, name),
      () => {},
    );
    label.value = one ? shown(one.label).name : "";
    adding.hidden = !one || !bench.addLabel || shown(one.label).isKnown;
    if (one) say(adding, `Add “${one.label}” to the labels`);
    for (const { name, input, whole } of fields) {
      whole.hidden = !one;
      if (one && !input.matches(":focus")) input.value = String(one[name]);
    }
    attributes.forEach((chip, index) =>
      mark(chip, "aria-pressed", some.every((rect) => rect[ATTRIBUTES[index]] === true))
    );
  }
}

/** The boxes in groups, each with the number of boxes before it. @param {readonly Rect[]} rects */
const grouped = (rects) =>
  Array.from({ length: Math.ceil(rects.length / GROUP) }, (_, group) => ({
    first: group * GROUP,
    some: rects.slice(group * GROUP, (group + 1) * GROUP),
  }));

/** @param {string} name @param {"eye" | "lock" | "remove"} kind @param {() => void} press */
const small = (name, kind, press) =>
  element("button", {
    type: "button",
    class: kind,
    "aria-label": name,
    title: name,
    onclick: (/** @type {Event} */ event) => {
      event.stopPropagation();
      press();
    },
  }, icon(kind));

/** Up and Down move the focus from row to row. @param {KeyboardEvent} event @param {HTMLElement} row */
function step(event, row) {
  if (event.target !== row || event.ctrlKey || event.shiftKey) return;
  const group = row.parentElement;
  const next = event.key === "ArrowDown"
    ? row.nextElementSibling ?? group?.nextElementSibling?.firstElementChild
    : event.key === "ArrowUp"
    ? row.previousElementSibling ?? group?.previousElementSibling?.lastElementChild
    : null;
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
