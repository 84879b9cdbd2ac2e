// The entry for Streamlit: one gallery per place on the page. It calls the HTTP API, and tells the
// page which image to open and that something has changed.

import { createBackend } from "../backend.js";
import { createRenewal } from "../renewal.js";
import { createGallery } from "./gallery.js";

/**
 * @typedef {{ base: string, token: string, tokenHeader: string, person: string, session: string,
 *   labels: import("../label_set.js").Label[], isAdmin: boolean, heard: string | null, renewal: string | null }} Setup
 * @typedef {{ parentElement: ShadowRoot | HTMLElement, data: { url: string, setup: string },
 *   setStateValue: (name: string, value: unknown) => void,
 *   setTriggerValue: (name: string, value: unknown) => void }} Component
 */

const SHEETS = ["../base.css", "./gallery.css"];

/** @type {WeakMap<object, ReturnType<typeof create>>} */
const mounted = new WeakMap();

/** @param {Component} component */
export default function mount(component) {
  const place =
    /** @type {HTMLElement} */ (component.parentElement.querySelector(".gallery-place"));
  if (!place) return;
  const one = mounted.get(place) ?? create(place, component);
  mounted.set(place, one);
  one.update(component);
}

/** @param {HTMLElement} place @param {Component} first */
function create(place, first) {
  let component = first;
  /** @type {Setup} */
  let setup = JSON.parse(first.data.setup);
  /** The filters that were last reported to the page. */
  let sent = "";
  const renewal = createRenewal((request) => component.setStateValue("renewal", request));
  const backend = createBackend({
    baseUrl: new URL(setup.base, document.baseURI).href,
    token: () => setup.token,
    tokenHeader: setup.tokenHeader,
    client: crypto.randomUUID(),
    person: setup.person,
    takesChanges: true,
    renewToken: renewal.renew,
  });
  for (const sheet of SHEETS) {
    const href = new URL(sheet, import.meta.url).href;
    place.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  }
  const gallery = createGallery(place, {
    backend,
    labels: setup.labels,
    isAdmin: setup.isAdmin,
    hasPeople: setup.person !== "",
    open: (image) => component.setTriggerValue("open", image),
    filtered: (wanted) => {
      sent = JSON.stringify({ wanted, id: crypto.randomUUID() });
      component.setStateValue("filters", sent);
    },
    changed: () => component.setTriggerValue("changed", crypto.randomUUID()),
  });
  // Streamlit removes the place without telling the component.
  const watch = new MutationObserver(() => {
    if (place.isConnected) return;
    watch.disconnect();
    mounted.delete(place);
    gallery.end();
    renewal.end();
  });
  watch.observe(document, { childList: true, subtree: true });

  return {
    /** @param {Component} next */
    update(next) {
      const before = setup;
      component = next;
      setup = JSON.parse(next.data.setup);
      renewal.answered(setup, setup.renewal, setup.session !== before.session);
      if (setup.session !== before.session) sent = "";
      gallery.update(setup.labels, setup.isAdmin, sent === "" || setup.heard === sent);
    },
  };
}
