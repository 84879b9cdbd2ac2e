// Fetches the parts of Streamlit's page before they are shown. Streamlit fetches a part when it is
// first needed. If that fails, the part stays broken until the page is reloaded. So every part that
// this page may need is fetched ahead, with retries, and later comes from the browser's cache.

import { pause } from "./page.js";

const PARTS = [
  ...["Checkbox", "ColorPicker", "DownloadButton", "FileUploader", "Multiselect", "NumberInput"],
  ...["Progress", "ProgressBar", "Selectbox", "Slider", "TextArea", "TextInput", "Toast"],
];
const TRIES = 8;

/**
 * The text at `url`; empty if it can't be fetched.
 * @param {string} url
 */
async function fetchSurely(url) {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      const answer = await fetch(url, { priority: "low" });
      if (answer.ok) return await answer.text();
    } catch {
      // the instance may be shutting down; the next one has the file
    }
    await pause(250 * 2 ** attempt);
  }
  return "";
}

/**
 * The files of these parts that the page's main script names, in the order of the parts.
 * @param {string} text of the script
 * @returns {string[]}
 */
export const partsNamed = (text) =>
  PARTS.flatMap((part) =>
    [...text.matchAll(new RegExp(`\\./${part}\\.[\\w-]+\\.js`, "g"))].map(([name]) => name)
  );

/**
 * The files that a script imports.
 * @param {string} text of the script
 * @returns {string[]}
 */
export const importsOf = (text) =>
  [...text.matchAll(/(?:from|import) ?"(\.\/[^"]+\.js)"/g)].map(([, name]) => name);

/**
 * Fetches the page's parts and everything that they import, each once.
 * @param {string} main the address of the page's main script
 * @param {(url: string) => Promise<string>} [read]
 */
export async function fetchAhead(main, read = fetchSurely) {
  const seen = new Set([main]);
  /** @param {string} name */
  const take = async (name) => {
    const url = new URL(name, main).href;
    if (seen.has(url)) return;
    seen.add(url);
    for (const next of importsOf(await read(url))) await take(next);
  };
  for (const name of partsNamed(await read(main))) await take(name);
}
