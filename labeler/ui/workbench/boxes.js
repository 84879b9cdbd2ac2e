// Geometry of boxes in image pixels. Pure. All results lie inside the image, to 2 decimals.

/** @typedef {{ left: number, top: number, width: number, height: number }} Area */
/** @typedef {Area & { id: string, label: string }} Labeled */
/** @typedef {import("./view.js").Size} Size */
/** @typedef {import("./view.js").Point} Point */
/** @typedef {import("./hits.js").Handle} Handle */

/** The smallest side of a drawn box, in image pixels. */
export const SMALLEST = 1;

/** @param {number} value */
const rounded = (value) => Math.round(value * 100) / 100;
/** @param {number} value @param {number} low @param {number} high */
const between = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

/** @param {number} left @param {number} top @param {number} right @param {number} bottom @returns {Area} */
function area(left, top, right, bottom) {
  const [x, y] = [rounded(left), rounded(top)];
  return { left: x, top: y, width: rounded(right - x), height: rounded(bottom - y) };
}

/** The box between two corners. @param {Point} from @param {Point} to @param {Size} image */
export function spanned(from, to, image) {
  const [x1, x2] = [from.x, to.x].map((x) => between(x, 0, image.width)).sort((a, b) => a - b);
  const [y1, y2] = [from.y, to.y].map((y) => between(y, 0, image.height)).sort((a, b) => a - b);
  return area(x1, y1, x2, y2);
}

/** Whether both sides are long enough for a box. @param {Area} one */
export const isBox = (one) => one.width >= SMALLEST && one.height >= SMALLEST;

/**
 * All boxes moved by the same distance, as far as all of them stay inside the image.
 * @template {Area} Kind @param {Kind[]} rects @param {number} dx @param {number} dy @param {Size} image
 * @returns {Kind[]}
 */
export function moved(rects, dx, dy, image) {
  const right = Math.min(...rects.map((r) => image.width - r.left - r.width));
  const bottom = Math.min(...rects.map((r) => image.height - r.top - r.height));
  const x = between(dx, Math.max(...rects.map((r) => -r.left)), right);
  const y = between(dy, Math.max(...rects.map((r) => -r.top)), bottom);
  return rects.map((r) => ({ ...r, left: rounded(r.left + x), top: rounded(r.top + y) }));
}

/**
 * The box with the handle's edges moved; the other edges stay exactly where they are.
 * @template {Area} Kind @param {Kind} rect @param {Handle} handle @param {number} dx @param {number} dy
 * @param {Size} image @returns {Kind}
 */
export function resized(rect, handle, dx, dy, image) {
  let [left, right] = [rect.left, rect.left + rect.width];
  let [top, bottom] = [rect.top, rect.top + rect.height];
  if (handle.includes("w")) left = between(left + dx, 0, image.width);
  if (handle.includes("e")) right = between(right + dx, 0, image.width);
  if (handle.includes("n")) top = between(top + dy, 0, image.height);
  if (handle.includes("s")) bottom = between(bottom + dy, 0, image.height);
  if (left > right) [left, right] = [right, left];
  if (top > bottom) [top, bottom] = [bottom, top];
  if (right - left < SMALLEST) {
    if (handle.includes("w")) left = Math.max(0, right - SMALLEST);
    right = left + Math.max(SMALLEST, right - left);
  }
  if (bottom - top < SMALLEST) {
    if (handle.includes("n")) top = Math.max(0, bottom - SMALLEST);
    bottom = top + Math.max(SMALLEST, bottom - top);
  }
  const next = area(left, top, Math.min(right, image.width), Math.min(bottom, image.height));
  const same = { left: rect.left, top: rect.top, width: rect.width, height: rect.height };
  const across = handle.includes("w") || handle.includes("e");
  const down = handle.includes("n") || handle.includes("s");
  return {
    ...rect,
    ...same,
    ...(across ? { left: next.left, width: next.width } : {}),
    ...(down ? { top: next.top, height: next.height } : {}),
  };
}

/** Intersection over union. @param {Area} one @param {Area} other */
export function overlap(one, other) {
  const across = Math.min(one.left + one.width, other.left + other.width) -
    Math.max(one.left, other.left);
  const down = Math.min(one.top + one.height, other.top + other.height) -
    Math.max(one.top, other.top);
  if (across <= 0 || down <= 0) return 0;
  const shared = across * down;
  return shared / (one.width * one.height + other.width * other.height - shared);
}
