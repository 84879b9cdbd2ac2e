// The keys of actions. Pure. Keys are identified by position (`event.code`), whatever they print. A
// press whose position means nothing counts by what it prints: signs such as "?", which lie elsewhere
// on other keyboards, and letters with Ctrl. The number pad without Num Lock is what it then does.

/**
 * @typedef {{ code: string, key: string, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean,
 *   altKey: boolean }} Press
 */
/** @typedef {Readonly<Record<string, readonly string[]>>} Keys the chords of each action */

/** The name of each action, in the order in which help shows them. */
export const ACTIONS = /** @type {const} */ ({
  next: "Next image",
  previous: "Previous image",
  done: "Mark as done and open the next image",
  nothing: "Nothing here: delete all boxes, mark as done, open the next image",
  skip: "Skip: keep the boxes, exclude from exports, open the next image",
  skipReason: "Skip with a reason",
  claim: "Claim the next image that needs work",
  guide: "Labeling guide",
  approve: "Approve, and next image",
  giveBack: "Return, and next image",
  before: "What the labeler left, and what it is now",
  find: "Find a label",
  remove: "Delete the selected boxes",
  undo: "Undo",
  redo: "Redo",
  copy: "Copy boxes",
  paste: "Paste boxes",
  duplicate: "Duplicate boxes",
  repeat: "Boxes of the previous image",
  all: "Select all boxes",
  nextBox: "Next box",
  previousBox: "Previous box",
  add: "New box in the middle of the view",
  lock: "Lock or unlock boxes",
  note: "Note on a box or a place",
  history: "Earlier states",
  occluded: "Mark as occluded",
  truncated: "Mark as truncated",
  difficult: "Mark as difficult",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fit: "Fit the image",
  actual: "100 %",
  pan: "Pan (hold)",
  hide: "Hide boxes (hold)",
  crosshair: "Crosshair",
  twoClicks: "Draw by two clicks",
  cancel: "Cancel",
  help: "All keys",
});
/** @typedef {keyof typeof ACTIONS} Action */

/** @type {Keys} */
const DEFAULT = {
  next: ["KeyD"],
  previous: ["KeyA"],
  done: ["Enter"],
  nothing: ["Shift+Enter"],
  skip: ["KeyS"],
  skipReason: ["Shift+KeyS"],
  claim: ["KeyN"],
  guide: ["KeyG"],
  find: ["Slash"],
  remove: ["Delete", "Backspace"],
  undo: ["Ctrl+KeyZ"],
  redo: ["Ctrl+KeyY", "Ctrl+Shift+KeyZ"],
  copy: ["Ctrl+KeyC"],
  paste: ["Ctrl+KeyV"],
  duplicate: ["Ctrl+KeyD"],
  repeat: ["KeyR"],
  all: ["Ctrl+KeyA"],
  nextBox: ["Tab"],
  previousBox: ["Shift+Tab"],
  add: ["KeyB"],
  lock: ["KeyL"],
  note: ["KeyC"],
  history: ["KeyV"],
  occluded: ["KeyO"],
  truncated: ["KeyT"],
  difficult: ["KeyQ"],
  zoomIn: ["Equal"],
  zoomOut: ["Minus"],
  fit: ["KeyF"],
  actual: ["Shift+KeyF"],
  pan: ["Space"],
  hide: ["KeyH"],
  crosshair: ["KeyX"],
  twoClicks: ["KeyW"],
  cancel: ["Escape"],
  help: ["Shift+Slash"],
};

const RETURN = ["KeyR"];
const BEFORE = ["KeyB"];
/** Actions that do not apply to an image under review. */
const LABELS = ["done", "nothing", "skip", "skipReason", "claim", "repeat"];

/** The changes of each preset to the default table. @type {Record<string, Keys>} */
const CHANGES = {
  labeler: {},
  cvat: {
    next: ["KeyF"],
    previous: ["KeyD"],
    fit: ["KeyA"],
    actual: ["Shift+KeyA"],
    occluded: ["KeyQ"],
    difficult: ["Shift+KeyQ"],
    add: ["KeyN"],
    claim: ["Shift+KeyN"],
    repeat: ["Ctrl+KeyB"],
  },
  labelStudio: {
    next: ["Ctrl+ArrowRight"],
    previous: ["Ctrl+ArrowLeft"],
    done: ["Ctrl+Enter"],
    skip: ["Ctrl+Space"],
    add: ["KeyR"],
    repeat: ["Shift+KeyR"],
    nextBox: ["Tab", "Alt+Period"],
    zoomIn: ["Ctrl+Equal"],
    zoomOut: ["Ctrl+Minus"],
    hide: ["Alt+KeyH"],
    pan: ["Space", "KeyH"],
    cancel: ["Escape", "KeyU"],
  },
  labelImg: {
    add: ["KeyW"],
    twoClicks: ["Shift+KeyW"],
    done: ["Space"],
    pan: ["Shift+Space"],
    paste: ["Ctrl+Shift+KeyV"],
    repeat: ["Ctrl+KeyV"],
    zoomIn: ["Ctrl+Equal"],
    zoomOut: ["Ctrl+Minus"],
    fit: ["Ctrl+KeyF"],
    actual: ["Ctrl+Shift+KeyF"],
    hide: ["Ctrl+KeyH"],
  },
};

export const PRESETS = {
  labeler: "Labeler",
  cvat: "CVAT",
  labelStudio: "Label Studio",
  labelImg: "labelImg",
};

/**
 * The keys of a preset with a person's own changes. Reviewing has three keys of its own, those of
 * "done", R and B, which replace labeling actions.
 * @param {string} preset @param {Keys} [own] @param {boolean} [isReview] @returns {Keys}
 */
export function keysOf(preset, own = {}, isReview = false) {
  const { approve, giveBack, before, ...keys } = { ...DEFAULT, ...CHANGES[preset] ?? {}, ...own };
  if (!isReview) return keys;
  const taken = [...keys.done, ...RETURN, ...BEFORE];
  const left = Object.entries(keys).filter(([action]) => !LABELS.includes(action)).map((
    [action, chords],
  ) => [action, own[action] ? chords : chords.filter((chord) => !taken.includes(chord))]);
  return {
    ...Object.fromEntries(left),
    approve: approve ?? keys.done,
    giveBack: giveBack ?? RETURN,
    before: before ?? BEFORE,
  };
}

/** The chords of the signs that people know keys by. @type {Record<string, string>} */
const SIGNS = { "?": "Shift+Slash", "/": "Slash", "+": "Equal", "-": "Minus" };

/** The key of a press by its place; of the number pad, Enter, and without Num Lock what the key then does. @param {Press} press */
export const codeOf = ({ code, key }) =>
  code.startsWith("Numpad") && /^(?:Arrow|Home|End|Page|Insert|Delete|Clear|Enter)/.test(key)
    ? key
    : code;

/** @param {Press} press @param {string} key */
const withModifiers = ({ ctrlKey, metaKey, altKey }, key) =>
  [ctrlKey || metaKey ? "Ctrl+" : "", altKey ? "Alt+" : "", key].join("");

/** @param {Press} press @param {string} code */
const chordWith = (press, code) => withModifiers(press, `${press.shiftKey ? "Shift+" : ""}${code}`);

/** The chord of a press, such as "Ctrl+Shift+KeyZ"; Cmd does what Ctrl does. @param {Press} press */
export const chordOf = (press) => chordWith(press, codeOf(press));

/** The chord of what a press prints: of a sign, or of a letter with Ctrl; "" for others. @param {Press} press */
function printedChord(press) {
  const { key, ctrlKey, metaKey, altKey } = press;
  if (Object.hasOwn(SIGNS, key)) return withModifiers(press, SIGNS[key]);
  const isCtrl = (ctrlKey || metaKey) && !altKey;
  return isCtrl && /^[a-z]$/i.test(key) ? chordWith(press, `Key${key.toUpperCase()}`) : "";
}

/** The action of a press. @param {Keys} keys @param {Press} press */
export function actionOf(keys, press) {
  const actions = chordsOf(keys);
  return actions.get(chordOf(press)) ?? actions.get(printedChord(press));
}

/** The action of each chord. @param {Keys} keys @returns {Map<string, Action>} */
export const chordsOf = (keys) =>
  new Map(
    Object.entries(keys).flatMap(([action, chords]) =>
      chords.map((chord) => [chord, /** @type {Action} */ (action)])
    ),
  );

/** The chords that two actions share, each with both actions. @param {Keys} keys @returns {[string, string[]][]} */
export function clashes(keys) {
  /** @type {Map<string, string[]>} */
  const wanted = new Map();
  for (const [action, chords] of Object.entries(keys)) {
    for (const chord of new Set(chords)) {
      wanted.set(chord, [...wanted.get(chord) ?? [], action]);
    }
  }
  return [...wanted].filter(([, actions]) => actions.length > 1);
}

/**
 * The index of a label, 0 for the key 1 to 9 for the key 0; null for other keys. With Shift it is a
 * digit if it prints one, as on French keyboards. The preset CVAT needs Ctrl.
 * @param {Press} press @param {string} [preset]
 */
export function digitOf(press, preset) {
  const isCtrl = press.ctrlKey || press.metaKey;
  if ((isCtrl && preset !== "cvat") || press.altKey) return null;
  if (press.shiftKey && !/^\d$/.test(press.key)) return null;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(codeOf(press))?.[1];
  return digit === undefined ? null : (Number(digit) + 9) % 10;
}

/** @type {Record<string, [number, number]>} */
export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What keys print on a keyboard, by their code. @typedef {ReadonlyMap<string, string>} Layout */
/** @type {Record<string, string>} */
const NAMES = { Slash: "/", Equal: "+", Minus: "−", Escape: "Esc", Delete: "Del" };
/** What keys print that have another name here. @type {Record<string, string>} */
const PRINTED = { Equal: "=", Minus: "-" };

/** The layout of the person's keyboard; empty if the browser doesn't tell. @param {{ getLayoutMap?: () => Promise<Layout> }} [keyboard] @returns {Promise<Layout>} */
export async function layoutOf(keyboard) {
  try {
    return await keyboard?.getLayoutMap?.() ?? new Map();
  } catch {
    return new Map(); // a page in a frame may not ask
  }
}

/** @param {string} part of a chord @param {Layout} layout */
function nameOf(part, layout) {
  const printed = layout.get(part) ?? "";
  if (printed && printed !== PRINTED[part]) {
    const large = printed.toUpperCase();
    return large.length === 1 ? large : printed; // not "SS" for ß
  }
  return NAMES[part] ?? part.replace(/^(Key|Digit)/, "").replace("Numpad", "Num ");
}

/** The chord as text for people: the keys by what they print in that layout, otherwise by their US names. @param {string} chord @param {Layout} layout */
export const readable = (chord, layout) =>
  chord === "Shift+Slash" ? "?" : chord.split("+").map((part) => nameOf(part, layout)).join("+");

/** The tooltip of the action's button: its name and its keys. @param {Action} action @param {Keys} keys @param {Layout} layout */
export function titleOf(action, keys, layout) {
  const chords = (keys[action] ?? []).map((chord) => readable(chord, layout)).join(", ");
  return chords ? `${ACTIONS[action]} (${chords})` : ACTIONS[action];
}

/** Whether an action may have the chord: digits and arrows belong to labels and boxes. @param {string} chord */
export const isFree = (chord) =>
  !/^(?:Digit|Numpad)\d$|Arrow|(?:Control|Shift|Alt|Meta)(?:Left|Right)$/.test(chord);
