// How people and times are told. Pure but for the language of the browser.

/** A person by the name in their address. @param {unknown} person */
export const nameOf = (person) =>
  typeof person === "string" && person ? person.split("@")[0] || person : "Somebody";

/** The time in the words of this browser; "" for what is no time. @param {unknown} text */
export function timeOf(text) {
  const moment = new Date(typeof text === "string" ? text : NaN);
  return Number.isNaN(moment.getTime())
    ? ""
    : moment.toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });
}
