// All images that this tab has open or has to save: its own, and those that it took over from tabs
// that are gone.

import { openJournal } from "./journal.js";
import { createLane } from "./lane.js";
import { PATIENCE_MS } from "./lane_record.js";
import { createOwner } from "./owner.js";
import { isSaved, shown } from "./sync.js";
import { inTime } from "./time.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./lane.js").Lane} Lane */

/** The number of saved images kept in memory, so that going back needs no network. */
const KEPT = 16;
const RECOVER_MS = 10_000;
const WORST = /** @type {const} */ (["failed", "offline", "pending"]);

/**
 * @param {{ backend: import("./backend.js").Backend, person: string,
 *   storage?: IDBFactory, locks?: LockManager | null,
 *   onChange: (lane: Lane) => void, onLanded: (image: string) => void,
 *   onOthers: (image: string, theirs: Doc) => void, onForeign: () => void }} options
 */
export function createLanes(options) {
  const journal = openJournal(options.storage ?? globalThis.indexedDB);
  const owner = createOwner(journal, { locks: options.locks });
  /** The lanes of images in the order of their last use. @type {Map<string, Lane>} */
  const lanes = new Map();
  /** Lanes taken over for images that already have a lane of this tab. @type {Set<Lane>} */
  const extra = new Set();
  /** @type {{ person: string, images: number }[]} */
  let foreign = [];
  /** The callers that wait until an image is saved. @type {Map<Lane, () => void>} */
  const waiting = new Map();
  let closed = false;
  const context = {
    journal,
    backend: options.backend,
    owner: owner.id,
    person: options.person,
    onOthers: options.onOthers,
    notify,
  };

  /** @param {Lane} lane */
  function notify(lane) {
    if (extra.has(lane) && isSaved(lane.state)) {
      extra.delete(lane);
      options.onLanded(lane.image);
    }
    if (isSaved(lane.state)) {
      waiting.get(lane)?.();
      waiting.delete(lane);
    }
    options.onChange(lane);
  }

  /** Takes over what this person's closed tabs left, and counts what other people left. */
  async function recover() {
    const records = await journal.list();
    /** @type {Map<string, number>} */
    const others = new Map();
    for (const record of records) {
      if (record.owner === owner.id) continue;
      if (record.person !== options.person) {
        others.set(record.person, (others.get(record.person) ?? 0) + 1);
      } else if (await owner.isGone(record.owner) && !closed) {
        const taken = await journal.take(record.key, record.owner, owner.id);
        if (taken) adopt(taken);
      }
    }
    foreign = [...others].map(([person, images]) => ({ person, images }));
    if (!closed) options.onForeign();
  }

  /** @param {import("./journal.js").JournalRecord} record */
  function adopt(record) {
    const lane = createLane(context, record.image, { record });
    if (lanes.has(record.image)) extra.add(lane);
    else lanes.set(record.image, lane);
    lane.resume();
  }

  const all = () => [...lanes.values(), ...extra];
  const timer = setInterval(() => recover().catch(() => {}), RECOVER_MS);
  const online = () => all().forEach((lane) => lane.online());
  globalThis.addEventListener?.("online", online);

  return {
    /** Resolves when the work of closed tabs is here, or when the journal takes too long. */
    ready: inTime(owner.ready.then(recover), PATIENCE_MS).catch(() => {}),
    recover,
    /** @param {string} image */
    get(image) {
      const lane = lanes.get(image);
      if (!lane) return null;
      lanes.delete(image);
      lanes.set(image, lane);
      return lane;
    },
    /**
     * The lane of an image whose document was read; an existing lane is kept.
     * @param {string} image @param {Doc} document @param {string | null} etag
     */
    open(image, document, etag) {
      const found = lanes.get(image);
      if (found) {
        if (etag) found.refresh(document, etag);
        return found;
      }
      const lane = createLane(context, image, { document, etag });
      lanes.set(image, lane);
      for (const [other, idle] of lanes) {
        if (lanes.size <= KEPT) break;
        if (other !== image && isSaved(idle.state)) lanes.delete(other);
      }
      return lane;
    },
    /** Resolves when the image is saved; null if it is saved already. @param {string} image */
    saving(image) {
      const lane = lanes.get(image);
      if (!lane || isSaved(lane.state)) return null;
      return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
        const others = waiting.get(lane);
        waiting.set(lane, () => {
          others?.();
          resolve();
        });
      });
    },
    retry: () => all().filter((lane) => !isSaved(lane.state)).forEach((lane) => lane.resume()),
    /**
     * Sends what another person left in this browser, in this person's name. Only a person may
     * decide to do that.
     * @param {string} person
     */
    async adoptFrom(person) {
      for (const record of await journal.list()) {
        if (record.person !== person || !(await owner.isGone(record.owner))) continue;
        const taken = await journal.take(record.key, record.owner, owner.id);
        if (taken) adopt({ ...taken, person: options.person });
      }
      await recover();
    },
    /** Other people's unsaved work here. It is never sent automatically under another name. */
    foreign: () => foreign,
    /**
     * The state of all saving for the person: the worst state, the number of images in it, the
     * reason, and whether the journal has all of their work.
     */
    summary() {
      const unsaved = all().filter((lane) => !isSaved(lane.state));
      const isOffline = globalThis.navigator?.onLine === false;
      const states = unsaved.map((lane) =>
        isOffline && shown(lane.state.saving) === "pending" ? "offline" : shown(lane.state.saving)
      );
      const state = WORST.find((one) => states.includes(one)) ?? "saved";
      const cause = unsaved[states.indexOf(state)]?.state.message ?? "";
      const isKept = !unsaved.some((lane) => lane.unkept);
      const unkept = isKept
        ? ""
        : "This browser can't keep a copy of your changes. Keep this tab open until they are saved.";
      const message = [cause, unkept].filter(Boolean).join(" ");
      return { state, count: unsaved.length, message, isKept };
    },
    close() {
      closed = true;
      clearInterval(timer);
      globalThis.removeEventListener?.("online", online);
      all().forEach((lane) => lane.close());
      owner.close();
      journal.close();
    },
  };
}
