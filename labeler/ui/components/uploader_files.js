// The files that a person chooses: single files, and those of whole folders with their paths.

/**
 * A file and its path below the chosen or dropped folder.
 * @typedef {{ file: File, path: string }} PlacedFile
 */

/** @typedef {{ files: PlacedFile[], fromFolder: boolean }} Dropped */

// The first bytes of image files: JPEG, PNG, GIF, BMP, TIFF, WebP.
const BEGINNINGS = [
  /^\xff\xd8\xff/,
  /^\x89PNG/,
  /^GIF8/,
  /^BM/,
  /^II\*\0|^MM\0\*/,
  /^RIFF....WEBP/s,
];

/**
 * Whether a file of a folder is uploaded, decided by its extension or its first bytes.
 * @param {File} file
 * @param {readonly string[]} extensions those of images, in lower case and without the dot
 * @returns {Promise<boolean>}
 */
export async function isImageFile(file, extensions) {
  if (extensions.includes(file.name.split(".").pop()?.toLowerCase() ?? "")) return true;
  const head = await file.slice(0, 16).arrayBuffer().catch(() => new ArrayBuffer(0));
  const text = String.fromCharCode(...new Uint8Array(head));
  return BEGINNINGS.some((beginning) => beginning.test(text));
}

/**
 * The files as single files, outside any folder.
 * @param {Iterable<File>} files
 * @returns {PlacedFile[]}
 */
export const single = (files) => [...files].map((file) => ({ file, path: file.name }));

/**
 * The files of a chosen folder with their paths below it.
 * @param {Iterable<File>} files
 * @returns {PlacedFile[]}
 */
export const below = (files) =>
  [...files].map((file) => {
    const path = file.webkitRelativePath.split("/").slice(1).join("/");
    return { file, path: path || file.name };
  });

/**
 * @param {FileSystemEntry} entry
 * @param {string} [folder] the path of its folder, with a slash at its end
 * @returns {Promise<PlacedFile[]>}
 */
async function filesIn(entry, folder = "") {
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    /** @type {File} */
    const file = await new Promise((resolve, fail) => one.file(resolve, fail));
    return [{ file, path: folder + file.name }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {PlacedFile[]} */
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, fail) => reader.readEntries(resolve, fail));
    if (!some.length) return found;
    for (const inner of some) {
      found.push(...(await filesIn(inner, inner.isDirectory ? `${folder}${inner.name}/` : folder)));
    }
  }
}

/**
 * The dropped files, in their order. All entries are read from the event before the first wait,
 * because the event is empty afterward.
 * @param {DataTransfer} transfer
 * @returns {Promise<Dropped[]>}
 */
export function filesOf(transfer) {
  return Promise.all(
    [...transfer.items]
      .filter((item) => item.kind === "file")
      .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }))
      .map(async ({ entry, file }) => ({
        files: entry ? await filesIn(entry) : single(file ? [file] : []),
        fromFolder: !!entry?.isDirectory,
      })),
  );
}
