// Texts for people and times. Pure except for the browser's language.

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
