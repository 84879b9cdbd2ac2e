// Signing in leads back to the start. The tab then goes to the address that it was opened with,
// which the sign-in page has kept.

/** @param {import("./page.js").Component<{ key: string }>} component */
export default function returnToAddress({ data }) {
  const came = sessionStorage.getItem(data.key);
  if (came === null) return;
  sessionStorage.removeItem(data.key);
  if (came && came !== location.search) location.replace(location.pathname + came);
}
