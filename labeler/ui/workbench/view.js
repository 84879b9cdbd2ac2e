// The position of the image on the surface. Pure. Lengths in CSS pixels, points in image pixels.

/** @typedef {{ scale: number, left: number, top: number }} View CSS pixels per image pixel, corner */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number }} Point */

const MARGIN = 8;
const KEPT_VISIBLE = 48;
const LARGEST_SCALE = 64;

/** The whole image in the middle of the room, enlarged at most 8 times. @param {Size} room @param {Size} image @returns {View} */
export function fitted(room, image) {
  const across = Math.max(1, room.width - 2 * MARGIN) / image.width;
  const down = Math.max(1, room.height - 2 * MARGIN) / image.height;
  return centered(room, image, Math.min(across, down, 8));
}

/** @param {Size} room @param {Size} image @param {number} scale @returns {View} */
function centered(room, image, scale) {
  return {
    scale,
    left: (room.width - image.width * scale) / 2,
    top: (room.height - image.height * scale) / 2,
  };
}

/**
 * One image pixel per device pixel around the middle of the room, the corner on a whole device
 * pixel, so that the painted pixels equal the file.
 * @param {View} view @param {Size} room @param {Size} image @param {number} density device pixels per CSS pixel
 * @returns {View}
 */
export function hundredPercent(view, room, image, density) {
  const middle = { x: room.width / 2, y: room.height / 2 };
  const next = scaledTo(view, middle, 1 / density, room, image);
  return { ...next, left: onDevice(next.left, density), top: onDevice(next.top, density) };
}

/** The nearest place on a whole device pixel. @param {number} length @param {number} density */
const onDevice = (length, density) => Math.round(length * density) / density;

/**
 * The zoomed view; the image point under `at` stays there.
 * @param {View} view @param {Point} at @param {number} factor @param {Size} room @param {Size} image
 */
export function zoomed(view, at, factor, room, image) {
  const smallest = Math.min(fitted(room, image).scale / 2, 1);
  const scale = Math.min(LARGEST_SCALE, Math.max(smallest, view.scale * factor));
  return scaledTo(view, at, scale, room, image);
}

/** @param {View} view @param {Point} at @param {number} scale @param {Size} room @param {Size} image */
function scaledTo(view, at, scale, room, image) {
  const ratio = scale / view.scale;
  const left = at.x - (at.x - view.left) * ratio;
  const top = at.y - (at.y - view.top) * ratio;
  return kept({ scale, left, top }, room, image);
}

/** @param {View} view @param {number} dx @param {number} dy @param {Size} room @param {Size} image */
export const panned = (view, dx, dy, room, image) =>
  kept({ scale: view.scale, left: view.left + dx, top: view.top + dy }, room, image);

/** The view moved so that a part of the image stays in the room. @param {View} view @param {Size} room @param {Size} image @returns {View} */
export function kept(view, room, image) {
  return {
    scale: view.scale,
    left: keptAlong(view.left, image.width * view.scale, room.width),
    top: keptAlong(view.top, image.height * view.scale, room.height),
  };
}

/** @param {number} start @param {number} length @param {number} room */
function keptAlong(start, length, room) {
  const visible = Math.min(KEPT_VISIBLE, length / 2, room / 2);
  return Math.min(room - visible, Math.max(visible - length, start));
}

/** @param {View} view @param {Point} at on the surface @returns {Point} */
export const toImage = (view, at) => ({
  x: (at.x - view.left) / view.scale,
  y: (at.y - view.top) / view.scale,
});

/**
 * @param {View} view @param {{ left: number, top: number, width: number, height: number }} rect
 */
export const onSurface = (view, rect) => ({
  left: view.left + rect.left * view.scale,
  top: view.top + rect.top * view.scale,
  width: rect.width * view.scale,
  height: rect.height * view.scale,
});

/** The view that brings the rect into the room, with the same scale. @param {View} view @param {{ left: number, top: number, width: number, height: number }} rect @param {Size} room @param {Size} image */
export function revealing(view, rect, room, image) {
  const shown = onSurface(view, rect);
  const inside = shown.left >= 0 && shown.top >= 0 && shown.left + shown.width <= room.width &&
    shown.top + shown.height <= room.height;
  if (inside) return view;
  const dx = room.width / 2 - (shown.left + shown.width / 2);
  const dy = room.height / 2 - (shown.top + shown.height / 2);
  return panned(view, dx, dy, room, image);
}
