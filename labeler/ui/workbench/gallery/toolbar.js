// The row above the gallery: the view, the filters, the order, and the number of results.

import { button, element, mark, say } from "../dom.js";
import { STATUSES } from "../panels/bar.js";
import { FILTERS, SORTS, WARNINGS } from "./query.js";

/** @typedef {import("./query.js").Wanted} Wanted */
/** @typedef {{ people: string[], assigned: string[], warnings: Record<string, number> }} Facts */

const BOXES = [["0", "no boxes"], ["1-5", "1 to 5 boxes"], ["6-20", "6 to 20 boxes"], [
  "21-",
  "more than 20 boxes",
]];
const TYPED_MS = 300;

/**
 * @param {{ wanted: () => Wanted, change: (changes: Wanted) => void,
 *   labels: () => readonly import("../label_set.js").Label[] }} options
 */
export function createToolbar(options) {
  /** @type {Facts} */
  let facts = { people: [], assigned: [], warnings: {} };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typed;

  const images = button("Images", "Show the images", () => options.change({ show: "" }));
  const crops = button(
    "Crops",
    "Show every box of a label",
    () => options.change({ show: "crops" }),
  );
  const find = /** @type {HTMLInputElement} */ (element("input", {
    type: "search",
    class: "find",
    placeholder: "Name contains",
    "aria-label": "File name contains",
    maxlength: "200",
    oninput: () => {
      clearTimeout(typed);
      typed = setTimeout(() => options.change({ find: find.value.trim() }), TYPED_MS);
    },
  }));
  const status = choice("status", "Status");
  const label = choice("label", "Label");
  const person = choice("person", "Person who labeled it");
  const assigned = choice("assigned", "In whose queue it is");
  const boxes = choice("boxes", "Number of boxes");
  const warning = choice("warning", "To look at");
  const sort = choice("sort", "Order");
  const since = day("since", "Saved since");
  const until = day("until", "Saved until");
  const clear = button(
    "Clear filters",
    "Show all images",
    () => options.change(Object.fromEntries(FILTERS.map((name) => [name, ""]))),
    { class: "quiet" },
  );
  const count = element("span", { class: "count", role: "status" });
  const dates = element("details", { class: "dates" });
  const dateName = element("summary", {}, "Time");
  dates.append(dateName, element("div", { class: "sheet" }, since.whole, until.whole));
  const root = element(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "What is shown" },
    element("span", { class: "modes", role: "group", "aria-label": "View" }, images, crops),
    find,
    status,
    label,
    person,
    assigned,
    boxes,
    dates,
    warning,
    sort,
    clear,
    count,
  );

  /** @param {keyof Wanted} name @param {string} title */
  function choice(name, title) {
    const made = /** @type {HTMLSelectElement} */ (element("select", {
      "aria-label": title,
      title,
      onchange: () => options.change({ [name]: made.value }),
    }));
    return made;
  }

  /** @param {"since" | "until"} name @param {string} title */
  function day(name, title) {
    const input = /** @type {HTMLInputElement} */ (element("input", {
      type: "date",
      onchange: () => options.change({ [name]: input.value }),
    }));
    return { input, whole: element("label", {}, title, input) };
  }

  /**
   * The options of a select element, including the current value even if it is not offered.
   * @param {HTMLSelectElement} select @param {string | null} all
   * @param {readonly (readonly string[])[]} offered @param {string} value
   */
  function fill(select, all, offered, value) {
    const known = all === null || value === "" || offered.some(([name]) => name === value);
    const rows = [
      ...(all === null ? [] : [["", all]]),
      ...offered,
      ...(known ? [] : [[value, value]]),
    ];
    const texts = JSON.stringify(rows);
    if (select.dataset.texts !== texts) {
      select.dataset.texts = texts;
      select.replaceChildren(
        ...rows.map(([name, text]) => element("option", { value: name }, text)),
      );
    }
    if (select.value !== value) select.value = value;
    select.classList.toggle("set", value !== "" && all !== null);
  }

  return {
    root,
    /** @param {Facts} next */
    setFacts(next) {
      facts = next;
    },
    /** @param {string} words how much there is */
    render(words) {
      const wanted = options.wanted();
      const isCrops = wanted.show === "crops";
      mark(images, "aria-pressed", !isCrops);
      mark(crops, "aria-pressed", isCrops);
      const root = /** @type {ShadowRoot} */ (find.getRootNode());
      if (root.activeElement !== find && find.value !== (wanted.find ?? "")) {
        find.value = wanted.find ?? "";
      }
      const names = options.labels().filter((one) => !one.merged_into).map((
        { name },
      ) => [name, name]);
      fill(status, "All statuses", Object.entries(STATUSES), wanted.status ?? "");
      fill(label, isCrops ? null : "All labels", names, wanted.label ?? "");
      fill(person, "Everybody", facts.people.map((name) => [name, name]), wanted.person ?? "");
      const queues = [["*", "In somebody's queue"], ["-", "In nobody's queue"]];
      const owners = facts.assigned.map((name) => [name, `Queue of ${name}`]);
      fill(assigned, "Any queue", [...queues, ...owners], wanted.assigned ?? "");
      fill(boxes, "Any boxes", BOXES, wanted.boxes ?? "");
      const counted = WARNINGS.map((
        [name, text],
      ) => [name, `${text} (${facts.warnings[name] ?? 0})`]);
      fill(warning, "To look at: all", counted, wanted.warning ?? "");
      fill(sort, null, SORTS, wanted.sort || "name");
      since.input.value = wanted.since ?? "";
      until.input.value = wanted.until ?? "";
      const isTimed = Boolean(wanted.since || wanted.until);
      say(dateName, isTimed ? `Time: ${wanted.since ?? ""} to ${wanted.until ?? ""}` : "Time");
      dates.classList.toggle("set", isTimed);
      for (const one of [find, status, person, assigned, boxes, dates, warning, sort]) {
        one.hidden = isCrops;
      }
      assigned.hidden ||= !facts.assigned.length && !wanted.assigned;
      const isFiltered = FILTERS.some((name) => wanted[name]);
      clear.hidden = isCrops || !isFiltered;
      say(count, words);
    },
    end: () => clearTimeout(typed),
  };
}
