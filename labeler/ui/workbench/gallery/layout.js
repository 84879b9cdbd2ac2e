// Where the cards of a long grid lie, and which of them are in sight. Pure.

/** @typedef {{ columns: number, width: number, rowHeight: number, height: number }} Layout */

const GAP = 8;

/**
 * As many columns as fit, each at least `least` wide; `extra` is what a card has below its picture.
 * @param {number} room in CSS pixels @param {number} total @param {number} least
 * @param {number} ratio height of a picture by its width @param {number} extra
 * @returns {Layout}
 */
export function layOut(room, total, least, ratio, extra) {
  const columns = Math.max(1, Math.floor((room + GAP) / (least + GAP)));
  const width = Math.floor((room + GAP) / columns) - GAP;
  const rowHeight = Math.round(width * ratio) + extra + GAP;
  return { columns, width, rowHeight, height: Math.ceil(total / columns) * rowHeight };
}

/** Where a card lies. @param {Layout} layout @param {number} index */
export const placeOf = ({ columns, width, rowHeight }, index) => ({
  left: (index % columns) * (width + GAP),
  top: Math.floor(index / columns) * rowHeight,
});

/**
 * The first card that is in sight, and the one behind the last, with `spare` rows around.
 * @param {Layout} layout @param {number} top @param {number} height of the window on the grid
 * @param {number} total @param {number} spare
 */
export function inSight({ columns, rowHeight }, top, height, total, spare) {
  const first = Math.max(0, Math.floor(top / rowHeight) - spare) * columns;
  const last = (Math.ceil((top + height) / rowHeight) + spare) * columns;
  return { first: Math.min(first, total), last: Math.min(Math.max(last, 0), total) };
}

/**
 * Where a key leads from a card; null where the key leads nowhere.
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
