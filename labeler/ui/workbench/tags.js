// Places the names of labels so that they hide no small box. Pure. Lengths in device pixels.

/** @typedef {import("./boxes.js").Area} Area */
/**
 * `wins`: the person points at the box or has selected it; its name is always shown.
 * @typedef {{ box: Area, text: string, wins: boolean }} Tagged
 * @typedef {Area & { text: string, index: number }} Tag
 */

/** With more boxes in view, only boxes that win show their names. */
export const MOST_TAGS = 120;
const SMALL = 3;
const PADDING = 3;

/**
 * The names that have room, each above, below or within its box, and none over a small box or
 * another name. `measure` returns the width of a text at that size.
 * @param {readonly Tagged[]} boxes @param {number} size of the font @param {number} density
 * @param {import("./view.js").Size} room @param {(text: string) => number} measure
 * @returns {Tag[]}
 */
export function placedTags(boxes, size, density, room, measure) {
  const height = size + 4 * density;
  const small = boxes.map(({ box }) => box).filter((box) =>
    Math.min(box.width, box.height) < SMALL * height
  );
  /** @type {Tag[]} */
  const tags = [];
  const isCrowded = boxes.length > MOST_TAGS;
  const order = boxes.map((_, index) => index)
    .filter((index) => boxes[index].wins || !isCrowded)
    .sort((a, b) => Number(boxes[b].wins) - Number(boxes[a].wins));
  for (const index of order) {
    const { box, text, wins } = boxes[index];
    const most = wins ? Infinity : box.width - 2 * PADDING * density;
    const cut = shortened(text, most, measure);
    if (!cut) continue;
    const width = measure(cut) + 2 * PADDING * density;
    const places = placesFor(box, width, height, room);
    const free = places.find((place) =>
      !small.some((one) => one !== box && meet(one, place)) &&
      !tags.some((tag) => meet(tag, place))
    );
    const place = free ?? (wins ? places[0] : undefined);
    if (place) tags.push({ ...place, text: cut, index });
  }
  return tags;
}

/** Places above, below and within the box, inside the room. @param {Area} box @param {number} width @param {number} height @param {import("./view.js").Size} room @returns {Area[]} */
function placesFor(box, width, height, room) {
  const left = Math.max(0, Math.min(box.left, room.width - width));
  const tops = [box.top - height, box.top + box.height];
  if (box.height >= SMALL * height) tops.push(Math.max(0, box.top));
  return tops.filter((top) => top >= 0 && top + height <= room.height)
    .map((top) => ({ left, top, width, height }));
}

/** The text cut to that width, with "…"; empty if fewer than two letters are left. @param {string} text @param {number} most @param {(text: string) => number} measure */
function shortened(text, most, measure) {
  const whole = measure(text);
  if (whole <= most) return text;
  const letters = [...text];
  const count = Math.floor(letters.length * (most - measure("…")) / whole);
  return count < 2 ? "" : `${letters.slice(0, count).join("")}…`;
}

/** @param {Area} one @param {Area} other */
const meet = (one, other) =>
  one.left < other.left + other.width && other.left < one.left + one.width &&
  one.top < other.top + other.height && other.top < one.top + one.height;
