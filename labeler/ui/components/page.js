// The page around the components, and what they share on its window.

/**
 * What Streamlit hands to a component in each run of the page; `data` comes from Python.
 * @template Data
 * @typedef {{
 *   parentElement: HTMLElement | ShadowRoot,
 *   data: Data,
 *   setStateValue: (name: string, value: unknown) => void,
 *   setTriggerValue: (name: string, value: unknown) => void,
 * }} Component
 */

/**
 * The canvas, for other components. `quiet` resolves when it has sent everything, with false if
 * that is not stored. `leave` calls back when no box is being drawn.
 * @typedef {{
 *   quiet: () => Promise<unknown>,
 *   leave: (then: () => void) => void,
 * }} Canvas
 */

/**
 * The window, with what components share on it. `labelerTab` outlives the place of the component
 * that watches the connection.
 * @typedef {Window & {
 *   labelerPresence?: { awake: () => void },
 *   labelerCanvas?: Canvas,
 *   labelerTab?: {
 *     attach: (node: Node, next: Component<{ task: string }>) => void,
 *     detach: (node: Node) => void,
 *   },
 * }} Page
 */
export const page = /** @type {Page} */ (globalThis.window);

/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
