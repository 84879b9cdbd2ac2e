// Loads the page anew if Streamlit has dropped it. After an error in its own script, as when parts of
// the page were lost with a connection, it shows nothing any more and does not come back.

const NAME = "labeler-page-lost";
/** In ms. A page that is lost again right after it was loaded stays as it is: loading won't help. */
const ONCE_IN = 20_000;

/**
 * Loads the page anew, at the open image, once nothing is left of it. What is unsaved is in the
 * journal. Returns a function that ends the watch.
 * @param {() => string} image
 */
export function reloadLostPage(image) {
  const root = document.getElementById("root");
  const watch = new MutationObserver(() => {
    if (root?.childElementCount) return;
    const now = Date.now();
    if (now - Number(sessionStorage.getItem(NAME)) < ONCE_IN) return;
    sessionStorage.setItem(NAME, String(now));
    const address = new URL(location.href);
    if (image()) address.searchParams.set("image", image());
    location.replace(address);
  });
  if (root) watch.observe(root, { childList: true });
  return () => watch.disconnect();
}
