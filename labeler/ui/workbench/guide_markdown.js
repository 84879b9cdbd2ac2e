// The guide's Markdown as a tree of plain blocks. Pure. Only the syntax that a guide needs is
// parsed; the rest is text. So a guide can contain no script and no address elsewhere.

/**
 * @typedef {{ type: "text" | "strong" | "emphasis" | "code", text: string }
 *   | { type: "picture", name: string, text: string }} Inline
 * @typedef {{ type: "heading", level: number, content: Inline[] }
 *   | { type: "paragraph" | "quote", content: Inline[] }
 *   | { type: "list", isOrdered: boolean, items: Inline[][] }
 *   | { type: "code", text: string } | { type: "rule" }} Block
 */

const INLINE =
  /!\[([^\]]{0,200})\]\(([^()\s]{1,200})\)|`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|_([^_]+)_(?!\w)/g;
const HEADING = /^(#{1,4})\s+(.*?)#*$/;
const ITEM = /^\s*(?:[-*+]|(\d{1,3})[.)])\s+(.*)$/;
const QUOTE = /^>\s?(.*)$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/;
const FENCE = /^(?:```|~~~)/;

/** @param {string} text @returns {Inline[]} */
export function inlines(text) {
  /** @type {Inline[]} */
  const found = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, alt, address, code, strong, star, bar] = match;
    const plain = text.slice(end, match.index);
    if (plain) found.push({ type: "text", text: plain });
    end = match.index + whole.length;
    if (address) found.push(picture(address, alt, whole));
    else if (code) found.push({ type: "code", text: code });
    else if (strong) found.push({ type: "strong", text: strong });
    else found.push({ type: "emphasis", text: star ?? bar });
  }
  const rest = text.slice(end);
  return rest ? [...found, { type: "text", text: rest }] : found;
}

/** An image in guide/; an image elsewhere stays text. @param {string} address @param {string} text @param {string} whole @returns {Inline} */
function picture(address, text, whole) {
  const name = /^(?:\.\/)?(?:guide\/)?([^/\\:?#]+)$/.exec(address)?.[1];
  if (!name) return { type: "text", text: whole };
  try {
    return { type: "picture", name: decodeURIComponent(name), text };
  } catch {
    return { type: "picture", name, text };
  }
}

/** The blocks of a guide. @param {string} text @returns {Block[]} */
export function blocks(text) {
  /** @type {Block[]} */
  const found = [];
  const lines = text.split(/\r\n|\r|\n/);
  while (lines.length) {
    const line = /** @type {string} */ (lines.shift());
    const heading = HEADING.exec(line);
    if (!line.trim()) continue;
    if (FENCE.test(line)) found.push({ type: "code", text: fenced(lines) });
    else if (heading) {
      const [, marks, words] = heading;
      found.push({ type: "heading", level: marks.length, content: inlines(words.trim()) });
    } else if (RULE.test(line.trim())) found.push({ type: "rule" });
    else if (ITEM.test(line)) found.push(list([line, ...following(lines)]));
    else if (QUOTE.test(line)) {
      const words = [line, ...following(lines)].map((one) => QUOTE.exec(one)?.[1] ?? one);
      found.push({ type: "quote", content: inlines(words.join(" ").trim()) });
    } else {
      const words = [line, ...following(lines, ITEM)].map((one) => one.trim());
      found.push({ type: "paragraph", content: inlines(words.join(" ")) });
    }
  }
  return found;
}

/** The lines up to the end of the fence, removed from `lines`. @param {string[]} lines */
function fenced(lines) {
  const end = lines.findIndex((line) => FENCE.test(line));
  const inside = lines.splice(0, end < 0 ? lines.length : end);
  lines.shift();
  return inside.join("\n");
}

/** The lines that continue a block, removed from `lines`. @param {string[]} lines @param {RegExp} [begins] */
function following(lines, begins) {
  const end = lines.findIndex((line) =>
    !line.trim() || HEADING.test(line) || FENCE.test(line) || begins?.test(line)
  );
  return lines.splice(0, end < 0 ? lines.length : end);
}

/** @param {string[]} lines @returns {Block} */
function list(lines) {
  /** @type {string[]} */
  const items = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item) items.push(item[2]);
    else items.push(`${items.pop()} ${line.trim()}`);
  }
  const isOrdered = ITEM.exec(lines[0])?.[1] !== undefined;
  return { type: "list", isOrdered, items: items.map(inlines) };
}

/** The name of a file in guide/: nothing that Markdown or an address would take for its own. @param {string} name */
export const pictureName = (name) =>
  name.replace(/[()\[\]\s\\/:?#%]+/g, "-").replace(/^[.-]+/, "").slice(-140) || "image";
