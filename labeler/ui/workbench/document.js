// The annotation document as the browser holds it: read, written, compared.

/**
 * One labeled box in pixels of the displayed image; further keys are attributes. A number under
 * such a key that JavaScript would write differently stays a raw number (`isRaw`). So unknown keys
 * survive a save digit by digit.
 * @typedef {{ left: number, top: number, width: number, height: number, label: string, id: string,
 *   [key: string]: any }} Rect
 */

/**
 * @typedef {{ rects: Rect[], image_path: string, image_width?: number | null,
 *   image_height?: number | null, metadata?: Metadata, [key: string]: any }} Doc
 * @typedef {{ status?: string | null, image_path?: string | null, image_id?: string | null,
 *   content_md5?: string | null, [key: string]: any }} Metadata
 */

/** As in model/limits.py. */
export const MAX_RECTS = 10_000;
export const STATUSES = /** @type {const} */ ([
  "unlabeled",
  "in_progress",
  "done",
  "skipped",
  "approved",
  "returned",
]);

/** A finished image that anybody may take back into work. @param {string} status */
export const canReopen = (status) => status === "done" || status === "skipped";

/** @type {readonly string[]} */
export const NEEDS_WORK = ["unlabeled", "in_progress", "returned"];

const RECT_KEYS = ["left", "top", "width", "height", "label", "id"];
const METADATA_KEYS = [
  "image_path",
  "image_id",
  "saved_at",
  "version",
  "content_md5",
  "status",
  "saved_by",
];
const DOCUMENT_KEYS = ["rects", "image_path", "image_width", "image_height", "metadata"];

/** Functions that current browsers have and the type checker does not know yet. */
const json = /** @type {any} */ (JSON);

/**
 * The JSON value in `text`. Numbers of known keys are plain numbers.
 * @param {string} text
 */
export function parseJson(text) {
  if (typeof json.rawJSON !== "function") return JSON.parse(text);
  return json.parse(
    text,
    /** @param {string} _ @param {any} value @param {{ source?: string }} context */
    (_, value, context) => {
      if (typeof value !== "number" || context?.source === undefined) return value;
      return JSON.stringify(value) === context.source ? value : json.rawJSON(context.source);
    },
  );
}

/** Whether the value is a number that is kept as its text. @param {any} value */
export const isRaw = (value) => json.isRawJSON?.(value) === true;

/** The document in `text`. @param {string} text @returns {Doc} */
export function parseDocument(text) {
  const document = parseJson(text);
  if (!document || !Array.isArray(document.rects)) throw new Error("This is not a document.");
  return normalized(document);
}

/**
 * The document with plain numbers for all coordinates, and an id for each rect. The server gives
 * ids to rects without one; rects of other documents get them here.
 * @param {any} document @returns {Doc}
 */
export function normalized(document) {
  /** @param {any} value */
  const plain = (value) => (isRaw(value) ? Number(value.rawJSON) : value);
  const rects = document.rects.map((/** @type {any} */ rect) => ({
    ...rect,
    left: plain(rect.left),
    top: plain(rect.top),
    width: plain(rect.width),
    height: plain(rect.height),
  }));
  return { ...document, rects };
}

/**
 * The document as JSON, known keys first. Equal documents have equal texts.
 * @param {Doc} document
 */
export const dumpDocument = (document) => JSON.stringify(ordered(document));

/** @param {Doc} document */
function ordered(document) {
  const known = first(document, DOCUMENT_KEYS);
  known.rects = document.rects.map((rect) => first(rect, RECT_KEYS));
  if (document.metadata) known.metadata = first(document.metadata, METADATA_KEYS);
  return known;
}

/** @param {Record<string, any>} object @param {string[]} names @returns {Record<string, any>} */
function first(object, names) {
  const entries = Object.entries(object);
  const known = names.filter((name) => Object.hasOwn(object, name)).map((
    name,
  ) => [name, object[name]]);
  return Object.fromEntries([...known, ...entries.filter(([name]) => !names.includes(name))]);
}

/** Whether the key of a rect is one of the document format. @param {string} name */
export const isRectKey = (name) => RECT_KEYS.includes(name);
/** @param {string} name */
export const isMetadataKey = (name) => METADATA_KEYS.includes(name);
/** @param {string} name */
export const isDocumentKey = (name) => DOCUMENT_KEYS.includes(name);

/**
 * The status of the work. If the document has no known one: in_progress with rects, unlabeled
 * without.
 * @param {Doc} document
 */
export function statusOf(document) {
  const status = /** @type {any} */ (document.metadata?.status);
  if (STATUSES.includes(status)) return /** @type {string} */ (status);
  return document.rects.length ? "in_progress" : "unlabeled";
}

/** Why a person has skipped the image; empty if nobody said why. @param {Doc} document */
export function reasonOf(document) {
  const reason = document.metadata?.skip_reason;
  return statusOf(document) === "skipped" && typeof reason === "string" ? reason : "";
}

/**
 * Whether two documents hold the same work, whenever and by whomever they were saved.
 * @param {Doc} one @param {Doc} other
 */
export function sameWork(one, other) {
  if (one === other) return true;
  return same(worked(one), worked(other));
}

/** @param {Doc} document */
function worked(document) {
  const { saved_at: _at, saved_by: _by, version: _version, ...metadata } = document.metadata ?? {};
  return { ...document, metadata };
}

/**
 * Equal as JSON values: 1 is 1.0, but not true.
 * @param {any} one @param {any} other @returns {boolean}
 */
export function same(one, other) {
  if (one === other) return true;
  if (isNumber(one) && isNumber(other)) return exact(one) === exact(other);
  if (Array.isArray(one) || Array.isArray(other)) {
    return Array.isArray(one) && Array.isArray(other) && one.length === other.length &&
      one.every((item, index) => same(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}

/** Whether the value is a JSON object. @param {any} value */
export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isRaw(value);

/** @param {any} value */
const isNumber = (value) => typeof value === "number" || isRaw(value);

/** The value of a number of any length; whole numbers lose no digits. @param {any} value */
function exact(value) {
  const text = isRaw(value) ? value.rawJSON : JSON.stringify(value);
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const number = Number(text);
  return Number.isInteger(number) ? BigInt(number) : number;
}
