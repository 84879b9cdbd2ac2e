// The size of an element's room, in CSS pixels and in whole device pixels.

/** @typedef {import("./view.js").Size} Size */

/**
 * Reports the size in CSS pixels and in whole device pixels, even if only the density changes.
 * @param {HTMLElement} root @param {AbortSignal} ended
 * @param {(room: Size, device: Size, density: number) => void} tell
 */
export function watchRoom(root, ended, tell) {
  const sizes = new ResizeObserver(([entry]) => {
    const density = globalThis.devicePixelRatio || 1;
    const { width, height } = entry.contentRect;
    // Removed from the page for a moment: the view stays until the element is back.
    if (!root.isConnected || width === 0 || height === 0) return;
    const exact = entry.devicePixelContentBoxSize?.[0];
    tell({ width, height }, {
      width: devicePixels(width * density, exact?.inlineSize),
      height: devicePixels(height * density, exact?.blockSize),
    }, density);
  });
  try {
    sizes.observe(root, { box: "device-pixel-content-box" });
  } catch {
    sizes.observe(root); // Safari reports CSS pixels only
  }
  ended.addEventListener("abort", () => sizes.disconnect());
}

/**
 * The exact size if the browser reports it. A value further off than by rounding was counted in a
 * density other than the page's, as browsers do when they emulate another screen.
 * @param {number} length @param {number | undefined} exact
 */
function devicePixels(length, exact) {
  const isExact = exact !== undefined && Math.abs(exact - length) < 2;
  return Math.max(1, isExact ? exact : Math.round(length));
}
