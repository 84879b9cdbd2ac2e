// The script that the page gets for the workbench and the gallery. It imports the rest once per
// tab.

/** @typedef {import("./mount.js").Component} Component */
/** @typedef {{ default: (component: Component) => void }} Entry */
/** @typedef {Window & { labelerModules?: Map<string, Promise<Entry>> }} Tab */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;

/**
 * Imports the entry until an instance answers. A browser may remember that an address failed, and
 * modules are requested below the address of the entry. So each further try has its own address,
 * which an instance answers with its current files.
 * @param {string} url
 * @returns {Promise<Entry>}
 */
async function load(url) {
  for (let tries = 0;; tries += 1) {
    const address = tries ? url.replace(/(?<=\/api\/workbench\/\w+)/, `.${tries}`) : url;
    try {
      return await import(new URL(address, document.baseURI).href);
    } catch (error) {
      console.warn(`The workbench did not load: ${error}`);
    }
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
    await new Promise((done) => setTimeout(done, wait));
  }
}

/**
 * If a later run of the page names another version, the next page load imports it. The current
 * workbench goes on, because it holds what somebody is drawing.
 * @param {Component} component
 */
export default function mountLoaded(component) {
  const tab = /** @type {Tab} */ (globalThis.window);
  const { url } = component.data;
  const name = url.replace(/^.*\/api\/workbench\/\w+\//, "");
  tab.labelerModules ??= new Map();
  const loading = tab.labelerModules.get(name) ?? load(url);
  tab.labelerModules.set(name, loading);
  loading.then((entry) => {
    if (component.parentElement.isConnected) entry.default(component);
  });
}
