// A batch of uploads in numbers and words. It lasts from the first file until none is left.

const MB = 2 ** 20;
/** @type {Record<string, string>} */
const PASTED = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

/**
 * `first` is the image ID of the first added file, in the order of choosing.
 * @typedef {Readonly<{
 *   id: number, session: string, all: number, done: number,
 *   fresh: number, known: number, failed: number, first: string, firstPlace: number,
 * }>} Batch
 */

/** @typedef {{ type: "added", place: number, imageId: string, fresh: boolean }} Added */
/** @typedef {{ type: "failed", problem: string }} Failed */
/** @typedef {{ type: "chosen", count: number } | Added | Failed} BatchEvent */

/** @param {number} id @param {string} session @returns {Batch} */
export const newBatch = (id, session) => ({
  ...{ id, session, all: 0, done: 0, fresh: 0, known: 0, failed: 0 },
  ...{ first: "", firstPlace: Infinity },
});

/** @type {{ [Type in BatchEvent["type"]]: (batch: Batch, event: any) => Partial<Batch> }} */
const CHANGES = {
  chosen: ({ all }, { count }) => ({ all: all + count }),
  failed: ({ done, failed }) => ({ done: done + 1, failed: failed + 1 }),
  added: ({ done, fresh, known, firstPlace }, event) => ({
    done: done + 1,
    ...(event.fresh ? { fresh: fresh + 1 } : { known: known + 1 }),
    ...(event.place < firstPlace ? { first: event.imageId, firstPlace: event.place } : {}),
  }),
};

/** @param {Batch} batch @param {BatchEvent} event @returns {Batch} */
export const reduceBatch = (batch, event) => ({ ...batch, ...CHANGES[event.type](batch, event) });

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** @param {Batch} batch */
export const progressText = ({ all, done }) =>
  `${done.toLocaleString()} of ${counted(all, "file", "files")} …`;

/** @param {Batch} batch */
export function summary({ fresh, known, failed }) {
  const said = [];
  if (fresh) said.push(`${counted(fresh, "image", "images")} added.`);
  if (known) {
    const its = known === 1 ? "its" : "their";
    const there = `${counted(known, "image is", "images are")} already in the project`;
    said.push(`${there}; ${its} boxes were kept.`);
  }
  if (failed) said.push(`${counted(failed, "file was", "files were")} rejected:`);
  return said.join(" ");
}

/**
 * Why a file of this size is not sent; empty if it is sent.
 * @param {{ name: string, size: number }} file
 * @param {number} maxBytes
 */
export const sizeProblem = ({ name, size }, maxBytes) =>
  size > maxBytes
    ? `${name} is ${(size / MB).toFixed(1)} MB; the limit is ${maxBytes / MB} MB.`
    : "";

/**
 * The name for a pasted file: its own, unless browsers give that name to every image.
 * @param {{ name: string, type: string }} file
 * @param {Date} now
 * @param {number} index among the files of one paste
 */
export function pastedName({ name, type }, now, index) {
  if (name && name !== "image.png") return name;
  const stamp = now.toISOString().replace(/[-:]/g, "").slice(0, 15);
  return `pasted_${stamp}_${index}.${PASTED[type] ?? "png"}`;
}
