// The room that an element has, in CSS pixels and in whole device pixels.

/** @typedef {import("./view.js").Size} Size */

/**
 * Tells the size in CSS pixels and in whole device pixels, also where only the density changes.
 * @param {HTMLElement} root @param {AbortSignal} ended
 * @param {(room: Size, device: Size, density: number) => void} tell
 */
export function watchRoom(root, ended, tell) {
  const sizes = new ResizeObserver(([entry]) => {
    const density = globalThis.devicePixelRatio || 1;
    const { width, height } = entry.contentRect;
    // Out of the page for a moment: what is looked at stays for when it is back.
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
    sizes.observe(root); // Safari knows CSS pixels alone
  }
  ended.addEventListener("abort", () => sizes.disconnect());
}

/**
 * The exact size where the browser knows it. What is further off than rounding can be was counted
 * in another density than the page has, as browsers do that only show how a page would look.
 * @param {number} length @param {number | undefined} exact
 */
function devicePixels(length, exact) {
  const isExact = exact !== undefined && Math.abs(exact - length) < 2;
  return Math.max(1, isExact ? exact : Math.round(length));
}
