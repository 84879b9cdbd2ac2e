// Signing in leads back to the start: the tab keeps the address that it came by, and goes there.

const KEY = "labeler-address";

/** @param {import("./page.js").Component<{ signed_in: boolean }>} component */
export default function keepAddress({ data }) {
  const came = sessionStorage.getItem(KEY);
  if (!data.signed_in) {
    sessionStorage.setItem(KEY, location.search);
  } else if (came !== null) {
    sessionStorage.removeItem(KEY);
    if (came && came !== location.search) location.replace(location.pathname + came);
  }
}
