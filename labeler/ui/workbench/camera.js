// The position of the image on the surface, as a state that a pure function changes.

import { spanned } from "./boxes.js";
import { fitted, hundredPercent, kept, panned, revealing, toImage, zoomed } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Size} Size */
/** @typedef {import("./view.js").Point} Point */
/**
 * `density` is device pixels per CSS pixel. While `isFitted`, the image stays fitted to the room
 * when the room is resized.
 * @typedef {{ room: Size, image: Size, density: number, view: View, isFitted: boolean }} Camera
 * @typedef {{ type: "room", room: Size, density: number }
 *   | { type: "image", image: Size, isOther: boolean }
 *   | { type: "fit" } | { type: "actual" }
 *   | { type: "zoom", at: Point, factor: number }
 *   | { type: "pan", dx: number, dy: number }
 *   | { type: "reveal", rect: import("./boxes.js").Area }} CameraEvent
 */

/** @type {Camera} */
export const CAMERA = {
  room: { width: 1, height: 1 },
  image: { width: 1, height: 1 },
  density: 1,
  view: { scale: 1, left: 0, top: 0 },
  isFitted: true,
};

/** The camera after the event; the same object if nothing changes. @param {Camera} camera @param {CameraEvent} event @returns {Camera} */
export function reduceCamera(camera, event) {
  const { room, image, view, density } = camera;
  switch (event.type) {
    case "room": {
      const dx = (event.room.width - room.width) / 2;
      const dy = (event.room.height - room.height) / 2;
      const moved = kept({ ...view, left: view.left + dx, top: view.top + dy }, event.room, image);
      const next = { ...camera, room: event.room, density: event.density };
      return refitted({ ...next, view: moved });
    }
    case "image": {
      const isSame = image.width === event.image.width && image.height === event.image.height;
      if (isSame && !event.isOther) return camera;
      return refitted({
        ...camera,
        image: event.image,
        isFitted: event.isOther || camera.isFitted,
      });
    }
    case "fit":
      return refitted({ ...camera, isFitted: true });
    case "actual":
      return looked(camera, hundredPercent(view, room, image, density));
    case "zoom":
      return looked(camera, zoomed(view, event.at, event.factor, room, image));
    case "pan":
      return looked(camera, panned(view, event.dx, event.dy, room, image));
    case "reveal": {
      const next = revealing(view, event.rect, room, image);
      return next === view ? camera : looked(camera, next);
    }
  }
}

/** @param {Camera} camera @returns {Camera} */
const refitted = (camera) =>
  camera.isFitted ? { ...camera, view: fitted(camera.room, camera.image) } : camera;

/** @param {Camera} camera @param {View} view @returns {Camera} */
const looked = (camera, view) => ({ ...camera, view, isFitted: false });

/**
 * A box in the middle of the view, a fifth of its shorter side; whole, at the nearest place of the
 * image, if the middle is outside of it.
 * @param {Camera} camera
 */
export function middleBox({ room, view, image }) {
  const { x, y } = toImage(view, { x: room.width / 2, y: room.height / 2 });
  const side = Math.max(4, Math.min(room.width, room.height) / 5 / view.scale);
  const [width, height] = [Math.min(side, image.width), Math.min(side, image.height)];
  const left = Math.max(0, Math.min(x - width / 2, image.width - width));
  const top = Math.max(0, Math.min(y - height / 2, image.height - height));
  return spanned({ x: left, y: top }, { x: left + width, y: top + height }, image);
}
