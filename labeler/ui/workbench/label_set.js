// The label that a box's stored text stands for: by name or former name, merges followed. Pure.

/**
 * A label as `GET /api/labels` lists it. No new boxes get a label that is `retired` or
 * `merged_into` another; existing boxes keep it.
 * @typedef {{ number: number, name: string, color: string, former?: readonly string[],
 *   retired?: boolean, merged_into?: number | null, [key: string]: any }} Label
 * @typedef {{ name: string, color: string, isKnown: boolean }} Shown
 * @typedef {{ offered: readonly Label[], shown: (stored: string) => Shown }} Labels
 */

/** The color for a text that is not a label of the project. */
export const UNKNOWN_COLOR = "#6b7280";

/** The text without line ends and other white space than single spaces. @param {string} name */
const tidy = (name) => name.split(/\s+/u).filter(Boolean).join(" ");

/** What two spellings of a label have in common. @param {string} name */
const keyOf = (name) => tidy(name).normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");

/** @type {WeakMap<readonly Label[], Labels>} */
const known = new WeakMap();

/** The labels with their lookup, made once per list. @param {readonly Label[]} labels @returns {Labels} */
export function labelsOf(labels) {
  const found = known.get(labels) ?? lookup(labels);
  known.set(labels, found);
  return found;
}

/** @param {readonly Label[]} labels @returns {Labels} */
function lookup(labels) {
  const byNumber = new Map(labels.map((label) => [label.number, label]));
  const byName = new Map(
    labels.flatMap((label) =>
      [label.name, ...label.former ?? []].map((name) => [keyOf(name), label])
    ),
  );
  /** @type {Map<string, Shown>} */
  const answers = new Map();

  /** @param {string} stored @returns {Shown} */
  function find(stored) {
    let label = byName.get(keyOf(stored));
    for (let steps = labels.length; label?.merged_into && steps > 0; steps--) {
      label = byNumber.get(label.merged_into);
    }
    return label
      ? { name: label.name, color: label.color, isKnown: true }
      : { name: tidy(stored), color: UNKNOWN_COLOR, isKnown: false };
  }

  return {
    offered: labels.filter((label) => !label.retired && !label.merged_into),
    shown(stored) {
      const answer = answers.get(stored) ?? find(stored);
      answers.set(stored, answer);
      return answer;
    },
  };
}
