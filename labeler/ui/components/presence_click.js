// A click between the new connection and the page's first run on it: it is made again after that.

/**
 * The class by which Streamlit marks a widget with a key.
 * @param {string} className
 */
export const keyClassOf = (className) => className.match(/st-key-\S+/)?.[0];

/**
 * @typedef {{
 *   leave: string,
 *   image: () => string | undefined,
 * }} Leaving  begins the keys of the widgets that leave the image; which image is open
 */

/**
 * The click, to be made again: returns whether it is done with. It is made on the button, or on the
 * one that has taken its place. A click that leaves the image is dropped when another one is open.
 * @param {HTMLElement} button
 * @param {Leaving} leaving
 * @returns {() => boolean}
 */
export function clickAgain(button, { leave, image }) {
  const place = button.closest(`[class*=st-key-${leave}]`) ?? button.closest("[class*=st-key-]");
  const key = keyClassOf(String(place?.className));
  const open = image();
  return () => {
    if (key?.startsWith(`st-key-${leave}`) && open !== image()) return true;
    const target = button.isConnected
      ? button
      : key && document.querySelector(`.${CSS.escape(key)} ${button.localName}`);
    if (!(target instanceof HTMLElement)) return false;
    if (target instanceof HTMLButtonElement && target.disabled) return false;
    target.click();
    return true;
  };
}
