// Texts for people and times. Pure except for the browser's language.

/**
 * Control characters but tab and line ends, and those that override the direction of text. A mark
 * of direction stays: texts from right to left need it.
 */
// deno-lint-ignore no-control-regex
const STEERS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/gu;

/** The text with what would steer it shown as escapes, and not obeyed. @param {string} text */
export const visible = (text) =>
  String(text).replace(STEERS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A person's name, from their e-mail address. @param {unknown} person */
export const nameOf = (person) =>
  typeof person === "string" && person ? person.split("@")[0] || person : "Somebody";

/** The time in the browser's language; "" if the text is not a time. @param {unknown} text */
export function timeOf(text) {
  const moment = new Date(typeof text === "string" ? text : NaN);
  return Number.isNaN(moment.getTime())
    ? ""
    : moment.toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });
}
