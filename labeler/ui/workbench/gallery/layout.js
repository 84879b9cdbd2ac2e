// The positions of the cards of a long grid, and which cards are in sight. Pure.

/** @typedef {{ columns: number, width: number, rowHeight: number, height: number }} Layout */

const GAP = 8;

/**
 * As many columns as fit, each at least `least` wide; `extra` is the height below a card's image.
 * @param {number} room in CSS pixels @param {number} total @param {number} least
 * @param {number} ratio height of an image divided by its width @param {number} extra
 * @returns {Layout}
 */
export function layOut(room, total, least, ratio, extra) {
  const columns = Math.max(1, Math.floor((room + GAP) / (least + GAP)));
  const width = Math.floor((room + GAP) / columns) - GAP;
  const rowHeight = Math.round(width * ratio) + extra + GAP;
  return { columns, width, rowHeight, height: Math.ceil(total / columns) * rowHeight };
}

/** The position of a card. @param {Layout} layout @param {number} index */
export const placeOf = ({ columns, width, rowHeight }, index) => ({
  left: (index % columns) * (width + GAP),
  top: Math.floor(index / columns) * rowHeight,
});

/**
 * The first card in sight, and the one after the last, with `spare` rows around.
 * @param {Layout} layout @param {number} top @param {number} height of the window on the grid
 * @param {number} total @param {number} spare
 */
export function inSight({ columns, rowHeight }, top, height, total, spare) {
  const first = Math.max(0, Math.floor(top / rowHeight) - spare) * columns;
  const last = (Math.ceil((top + height) / rowHeight) + spare) * columns;
  return { first: Math.min(first, total), last: Math.min(Math.max(last, 0), total) };
}

/**
 * The card that a key moves to; null if the key moves nowhere.
 * @param {string} key @param {number} index @param {number} columns @param {number} rows on a screen
 * @param {number} total
 */
export function stepped(key, index, columns, rows, total) {
  const steps = /** @type {Record<string, number>} */ ({
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * rows,
    PageDown: columns * rows,
    Home: -total,
    End: total,
  });
  if (!(key in steps) || !total) return null;
  return Math.min(Math.max(index + steps[key], 0), total - 1);
}
