// Ids of rects: random for new ones, derived from the content if two programs must agree.

import { isRaw } from "./document.js";

/** @typedef {import("./document.js").Doc} Doc */

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** A new id: eight random characters of [0-9a-z]. @returns {string} */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const accepted = [...bytes].filter((byte) => byte < 252);
  return accepted.length < 8
    ? randomId()
    : accepted.slice(0, 8).map((byte) => DIGITS[byte % 36]).join("");
}

/**
 * Eight characters of [0-9a-z] made from `seed` alone, equal to those of the server.
 * @param {string} seed
 */
export function derivedId(seed) {
  const hash = sha256(new TextEncoder().encode(seed));
  let number = hash.slice(0, 8).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let digits = "";
  for (let index = 0; index < 8; index++) {
    digits += DIGITS[Number(number % 36n)];
    number /= 36n;
  }
  return digits;
}

/** The document with an id on every rect. The same input gets the same ids. @param {Doc} document @returns {Doc} */
export function withIds(document) {
  const given = new Set(document.rects.map((rect) => rect.id ?? ""));
  if (given.size === document.rects.length && !given.has("")) return document;
  /** @type {Set<string>} */
  const taken = new Set();
  const rects = document.rects.map((rect, index) => {
    let id = rect.id ?? "";
    if (!id || taken.has(id)) {
      const place = [rect.left, rect.top, rect.width, rect.height].map(pythonFloat);
      let seed = [index, ...place, rect.label].join("|");
      id = derivedId(seed);
      while (given.has(id) || taken.has(id)) id = derivedId(seed += "|");
    }
    taken.add(id);
    return { ...rect, id };
  });
  return { ...document, rects };
}

/** Orders texts by code points, as Python does. @param {string} one @param {string} other */
export function byCodePoints(one, other) {
  const [ours, theirs] = [[...one], [...other]];
  for (let index = 0; index < Math.min(ours.length, theirs.length); index++) {
    const difference = code(ours[index]) - code(theirs[index]);
    if (difference) return difference;
  }
  return ours.length - theirs.length;
}

/** @param {string} text */
const code = (text) => /** @type {number} */ (text.codePointAt(0));

/**
 * JSON as Python's json.dumps writes it with sorted keys. Numbers under `floats` are floats.
 * @param {any} value @param {ReadonlySet<string>} [floats] @returns {string}
 */
export function pythonJson(value, floats = new Set()) {
  if (Array.isArray(value)) {
    return `[${value.map((item) => pythonJson(item, floats)).join(", ")}]`;
  }
  if (typeof value === "number" || isRaw(value)) return pythonNumber(value);
  if (typeof value === "string") return ascii(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.keys(value).sort(byCodePoints).map((key) => {
    const part = value[key];
    const text = floats.has(key) && typeof part === "number"
      ? pythonFloat(part)
      : pythonJson(part, new Set());
    return `${ascii(key)}: ${text}`;
  });
  return `{${parts.join(", ")}}`;
}

/** @param {string} text */
const ascii = (text) =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** @param {any} value */
function pythonNumber(value) {
  const text = isRaw(value) ? value.rawJSON : String(value);
  if (/^-?\d+$/.test(text)) return text === "-0" ? "0" : text;
  return pythonFloat(Number(text));
}

/** A float as Python's repr writes it. @param {number} value */
export function pythonFloat(value) {
  if (Object.is(value, -0)) return "-0.0";
  const [digits, power] = value.toExponential().split("e");
  const exponent = Number(power);
  if (value === 0) return "0.0";
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const sign = value < 0 ? "-" : "";
  const significant = digits.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${significant}`;
  const whole = significant.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${significant.slice(exponent + 1) || "0"}`;
}

/** The first 32 bits of the fractional parts of roots of primes. @param {number} root */
function fractions(root) {
  /** @type {number[]} */
  const found = [];
  for (let number = 2; found.length < 64; number++) {
    let prime = true;
    for (let factor = 2; factor * factor <= number; factor++) prime &&= number % factor !== 0;
    if (prime) found.push(Math.floor((number ** (1 / root) % 1) * 2 ** 32) >>> 0);
  }
  return found;
}

const ROUNDS = fractions(3);
const START = fractions(2).slice(0, 8);

/** @param {number} word @param {number} bits */
const turn = (word, bits) => (word >>> bits) | (word << (32 - bits));

/**
 * SHA-256, synchronously. The browser's own needs HTTPS and returns a promise.
 * @param {Uint8Array} bytes
 */
export function sha256(bytes) {
  const length = (((bytes.length + 8) >> 6) + 1) << 6;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(length - 4, bytes.length << 3);
  const hash = [...START];
  for (let offset = 0; offset < length; offset += 64) mix(hash, view, offset);
  const result = new DataView(new ArrayBuffer(32));
  hash.forEach((word, index) => result.setUint32(index * 4, word));
  return new Uint8Array(result.buffer);
}

/** @param {number[]} hash @param {DataView} view @param {number} offset */
function mix(hash, view, offset) {
  const words = new Int32Array(64);
  for (let index = 0; index < 64; index++) {
    if (index < 16) {
      words[index] = view.getInt32(offset + index * 4);
      continue;
    }
    const [early, late] = [words[index - 15], words[index - 2]];
    words[index] = words[index - 16] + words[index - 7] +
      (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) +
      (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let index = 0; index < 64; index++) {
    const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) +
      ROUNDS[index] + words[index];
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => hash[index] = (hash[index] + word) | 0);
}
