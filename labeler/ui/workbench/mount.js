// The entry for Streamlit: one session and one workbench for each place on the page, kept over the
// runs of the page. The page leads to an image, and hears which one is open.

import { createSession } from "./session.js";
import { createWorkbench } from "./workbench.js";

/** @typedef {import("./contract.js").Label} Label */
/**
 * `lead` changes where the page wants `image` opened; `revision` where its list has changed.
 * @typedef {{ base: string, image: string, lead: string, revision: string, token: string, person: string,
 *   labels: Label[], filters: Record<string, string>, session: string }} Setup
 * @typedef {{ parentElement: ShadowRoot | HTMLElement, data: { url: string, setup: string },
 *   setStateValue: (name: string, value: any) => void }} Component
 */

const TOLD_AFTER_MS = 150;
const THUMBNAIL_WIDTH = 128;
const MOST_THUMBNAILS = 64;

/** @type {WeakMap<object, ReturnType<typeof create>>} */
const mounted = new WeakMap();

/** @param {Component} component @returns {() => void} */
export default function mount(component) {
  const place = component.parentElement;
  const one = mounted.get(place) ?? create(component);
  mounted.set(place, one);
  one.update(component);
  return () => {
    mounted.delete(place);
    one.end();
  };
}

/** @param {Component} first */
function create(first) {
  let component = first;
  let setup = read(first);
  /** @type {((token: string) => void)[]} */
  let waiting = [];
  let told = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const client = crypto.randomUUID();
  const session = createSession({
    baseUrl: new URL(setup.base, document.baseURI).href,
    token: () => setup.token,
    renewToken: () => {
      component.setStateValue("renewal", crypto.randomUUID());
      return new Promise((resolve) => waiting.push(resolve));
    },
    client,
    person: setup.person,
    image: setup.image,
    filters: setup.filters,
    labels: setup.labels,
  });
  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href: new URL("./workbench.css", import.meta.url).href,
  });
  const place = Object.assign(document.createElement("div"), { className: "place" });
  place.style.height = "100%";
  const thumbnails = createThumbnails(() => setup, client);
  const root = first.parentElement.querySelector(".workbench-place") ?? first.parentElement;
  root.append(style, place);
  const takeAway = createWorkbench(place, session, {
    person: setup.person,
    thumbnail: thumbnails.address,
  });
  const unsubscribe = session.subscribe(() => {
    timer ||= setTimeout(tell, TOLD_AFTER_MS);
  });

  /** Tells the page what is open, once for each change. */
  function tell() {
    timer = undefined;
    const { image, status, save, doc } = session.state;
    if (!image) return;
    const saved = save.state === "saved" ? `${status} ${doc?.rects.length ?? 0}` : "";
    const now = JSON.stringify({ image, saved, of: setup.session });
    const isSame = now === told || (!saved && told.includes(`"image":"${image}"`));
    if (isSame) return;
    told = now;
    component.setStateValue("open", now);
  }

  return {
    /** @param {Component} next */
    update(next) {
      const before = setup;
      component = next;
      setup = read(next);
      if (setup.token !== before.token) {
        for (const resolve of waiting) resolve(setup.token);
        waiting = [];
      }
      if (JSON.stringify(setup.labels) !== JSON.stringify(before.labels)) {
        session.setLabels(setup.labels);
      }
      const filters = JSON.stringify([setup.filters, setup.revision]);
      if (filters !== JSON.stringify([before.filters, before.revision])) {
        session.setFilters(setup.filters);
      }
      if (setup.session !== before.session) tell(); // another instance: it learns what is open here
      else if (setup.lead !== before.lead) session.open(setup.image);
    },
    end() {
      clearTimeout(timer);
      unsubscribe();
      takeAway();
      thumbnails.end();
      session.close();
      style.remove();
      place.remove();
    },
  };
}

/** @param {Component} component @returns {Setup} */
const read = (component) => JSON.parse(component.data.setup);

/** Small copies of images, the last ones kept. @param {() => Setup} setup @param {string} client */
function createThumbnails(setup, client) {
  /** @type {Map<string, Promise<string>>} */
  const kept = new Map();

  /** @param {string} id */
  async function fetched(id) {
    const { base, token } = setup();
    const url = new URL(
      `${base}api/images/${encodeURIComponent(id)}?width=${THUMBNAIL_WIDTH}`,
      document.baseURI,
    );
    /** @type {Record<string, string>} */
    const headers = { "X-Labeler-Client": client };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(url, { headers });
    if (!answer.ok) throw new Error(`There is no small copy: ${answer.status}.`);
    return URL.createObjectURL(await answer.blob());
  }

  /** @param {Promise<string> | undefined} one */
  const revoke = (one) => one?.then((address) => URL.revokeObjectURL(address), () => {});
  return {
    /** @param {string} id */
    address(id) {
      const found = kept.get(id) ?? fetched(id);
      kept.delete(id);
      kept.set(id, found);
      found.catch(() => kept.delete(id));
      const [oldest] = kept.keys();
      if (kept.size > MOST_THUMBNAILS) {
        revoke(kept.get(oldest));
        kept.delete(oldest);
      }
      return found;
    },
    end() {
      for (const one of kept.values()) revoke(one);
      kept.clear();
    },
  };
}
