// The entry for Streamlit: one session and one workbench for the tab, kept over runs of the page
// and changes of its place there. The page leads to an image, and is told which one is open.

import { reloadLostPage } from "./lost_page.js";
import { openWorkbench } from "./open.js";
import { createPageAround } from "./page_around.js";
import { createRenewal } from "./renewal.js";
import { createTab } from "./tab.js";

/** @typedef {import("./label_set.js").Label} Label */
/**
 * `lead` changes if the page wants `image` opened, `revision` if its list has changed. `renewal` is
 * the last request for a token that the page has received. `awaits` selects elements whose clicks
 * wait until everything is saved.
 * @typedef {{ base: string, image: string, lead: string, revision: string, token: string, tokenHeader: string, person: string, name: string,
 *   labels: Label[], isAdmin: boolean, filters: Record<string, string>, session: string,
 *   renewal: string | null, awaits: string, reviews: boolean,
 *   review: import("./contract.js").Review | null }} Setup
 * @typedef {{ parentElement: ShadowRoot | HTMLElement, data: { url: string, setup: string },
 *   setStateValue: (name: string, value: any) => void }} Component
 */

const TOLD_AFTER_MS = 150;

/** In ms. Messages are lost while the websocket is cut, so they are repeated. */
const AGAIN_MS = 3_000;
const TRIES = 10;

/** The page shows this element if it wants no workbench and has not just lost its place. */
const ELSEWHERE = ".labeler-elsewhere";

/** @type {ReturnType<typeof create> | null} */
let one = null;

/** @param {Component} component */
export default function mount(component) {
  const { person } = read(component);
  if (one && one.person !== person) {
    one.end();
    one = null;
  }
  one ??= create(component);
  one.update(component);
}

/** @param {Component} component */
const placeOf = (
  { parentElement },
) => /** @type {HTMLElement} */ (parentElement.querySelector(".workbench-place") ?? parentElement);

/** @param {Component} first */
function create(first) {
  let component = first;
  let setup = read(first);
  const tab = createTab(`${new URL(setup.base, document.baseURI).href} ${setup.person}`);
  const renewal = createRenewal((request) => component.setStateValue("renewal", request));
  let told = "";
  let led = setup.lead;
  /** How many images the last count had. @type {number | undefined} */
  let counted;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again;
  const { session, workbench, moveTo, end } = openWorkbench(placeOf(first), {
    baseUrl: new URL(setup.base, document.baseURI).href,
    token: () => setup.token,
    tokenHeader: setup.tokenHeader,
    get client() {
      return tab.client;
    },
    tab,
    renewToken: renewal.renew,
    person: setup.person,
    takesChanges: true,
    name: setup.name,
    image: setup.image,
    filters: setup.filters,
    labels: setup.labels,
    isWanted: () => !document.querySelector(ELSEWHERE),
    addLabel: setup.isAdmin ? addLabel : undefined,
    isAdmin: setup.isAdmin,
    reviews: setup.reviews,
    review: setup.review,
    askReview,
  });
  const endWatch = reloadLostPage(() => session.state.image);
  const around = createPageAround(session, workbench, () => setup.awaits);
  const unsubscribe = session.subscribe(() => {
    timer ||= setTimeout(tell, TOLD_AFTER_MS);
    tellCount();
  });

  /** Asks the page to add the label. Its next run hands over all labels. @param {string} name */
  function addLabel(name) {
    component.setStateValue("added", JSON.stringify({ name, of: crypto.randomUUID() }));
  }

  /** Asks the page to change its address. Its next run hands over what there is to review. @param {object} changes */
  function askReview(changes) {
    component.setStateValue("review", JSON.stringify({ ...changes, of: crypto.randomUUID() }));
  }

  /** Opens the image that the page leads to, once no box is being drawn. @param {Setup} to */
  function follow({ image, lead }) {
    workbench.whenIdle(() => {
      led = lead;
      session.open(image);
    });
  }

  /** Tells the page the open image, once per change, and the last lead that was followed. */
  function tell() {
    timer = undefined;
    const { image, status, save, doc } = session.state;
    if (!image) return;
    const saved = save.state === "saved" ? `${status} ${doc?.rects.length ?? 0}` : "";
    const now = JSON.stringify({ image, saved, of: setup.session, lead: led });
    const isKnown = told.includes(`"image":"${image}"`) && told.includes(`"lead":"${led}"`);
    const isSame = now === told || (!saved && isKnown);
    if (isSame) return;
    told = now;
    send(1);
  }

  /** Has the page list the images anew if others have added or deleted some since its last run. */
  function tellCount() {
    const total = session.progress.counts?.total;
    if (total === undefined || total === counted) return;
    if (setup.review || document.querySelector(ELSEWHERE)) return;
    counted = total;
    if (String(total) !== setup.revision) component.setStateValue("counted", total);
  }

  /** @param {number} number of the try, which makes the value differ from the last one */
  function send(number) {
    component.setStateValue("open", JSON.stringify({ ...JSON.parse(told), try: number }));
    clearTimeout(again);
    if (number < TRIES) again = setTimeout(() => isFollowed() || send(number + 1), AGAIN_MS);
  }

  function isFollowed() {
    const named = new URLSearchParams(location.search).get("image");
    return named === session.state.image || document.querySelector(ELSEWHERE) !== null;
  }

  return {
    person: setup.person,
    /** @param {Component} next */
    update(next) {
      const before = setup;
      component = next;
      moveTo(placeOf(next));
      setup = read(next);
      workbench.setReview(setup.reviews, setup.review);
      renewal.answered(setup, setup.renewal, setup.session !== before.session);
      if (JSON.stringify(setup.labels) !== JSON.stringify(before.labels)) {
        session.setLabels(setup.labels);
      }
      const filters = JSON.stringify([setup.filters, setup.revision]);
      if (filters !== JSON.stringify([before.filters, before.revision])) {
        session.setFilters(setup.filters);
      }
      if (setup.session !== before.session) {
        led = setup.lead;
        tell(); // another instance has to be told what is open here
      } else if (setup.lead !== before.lead) follow(setup);
    },
    end() {
      clearTimeout(timer);
      clearTimeout(again);
      unsubscribe();
      endWatch();
      around.end();
      renewal.end();
      end();
    },
  };
}

/** @param {Component} component @returns {Setup} */
const read = (component) => JSON.parse(component.data.setup);
