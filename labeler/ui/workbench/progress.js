// How far the work is: what everybody has finished, and what this person has. Where nobody is
// named, it is what was finished in this browser.

import { NEEDS_WORK } from "./document.js";

/** @typedef {{ total: number, finished: number, mine: number, queues: readonly string[] }} Progress */

const EVERY_MS = 30_000;
/** Before all images of a large project are listed, the counts are not known yet. */
const SOON_MS = 2_000;
const MOST_KEPT = 20_000;

/** @param {string} status */
export const isFinished = (status) => !NEEDS_WORK.includes(status);

/**
 * Sums up the rows of `GET /api/statistics?by=status,person,assigned`. `queues` are the people to
 * whom images with work left are assigned.
 * @param {readonly { status: string, person: string | null, assigned: string | null, images: number }[]} rows
 * @param {string} name of the person, empty if nobody is named
 * @param {number} here how many were finished in this browser
 * @returns {Progress}
 */
export function progressOf(rows, name, here) {
  const sum = (/** @type {typeof rows} */ some) =>
    some.reduce((all, { images }) => all + images, 0);
  const done = rows.filter(({ status }) => isFinished(status));
  const waiting = rows.filter(({ status, assigned }) => assigned && !isFinished(status));
  return {
    total: sum(rows),
    finished: sum(done),
    mine: name ? sum(done.filter(({ person }) => person === name)) : here,
    queues: [...new Set(waiting.map(({ assigned }) => String(assigned)))].sort(),
  };
}

/**
 * `name` is how the person is named in documents. `place` names the project in this browser's storage.
 * @param {{ backend: import("./backend.js").Backend, name: string, place: string,
 *   storage?: Pick<Storage, "getItem" | "setItem">, onChange: () => void }} options
 */
export function createProgress({ backend, name, place, storage, onChange }) {
  const key = `labeler.finished.${place}`;
  /** @type {Progress | null} */
  let progress = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again;
  /** The images that were finished in this browser. @type {Set<string>} */
  const here = new Set(kept());

  function kept() {
    try {
      const found = JSON.parse(storage?.getItem(key) ?? "[]");
      return Array.isArray(found) ? found.map(String) : [];
    } catch {
      return []; // The browser has no storage, or another program has written there.
    }
  }

  /** Other tabs of this browser write there too. @param {string} image */
  function keep(image) {
    const all = new Set(kept());
    if (here.has(image)) all.add(image);
    else all.delete(image);
    try {
      storage?.setItem(key, JSON.stringify([...all].slice(-MOST_KEPT)));
    } catch {
      // Without storage the count is of this tab alone.
    }
  }

  async function load() {
    if (globalThis.document?.visibilityState === "hidden") return;
    const answer = await backend.ask("/api/statistics?by=status,person,assigned", {
      cache: "no-store",
    });
    if (answer.type === "unavailable") {
      clearTimeout(again);
      again = setTimeout(load, Math.max(answer.after, SOON_MS));
    }
    if (answer.type !== "answer") return;
    try {
      const { counts } = JSON.parse(await answer.body.text());
      progress = progressOf(counts, name, here.size);
    } catch {
      return;
    }
    onChange();
  }

  return {
    /** The counts; null until they are known. Asking for them begins to load them. */
    get counts() {
      if (timer === undefined) {
        timer = setInterval(load, EVERY_MS);
        load();
      }
      return progress;
    },
    /** Notes that the person has finished an image, or taken that back. @param {string} image @param {string} before @param {string} after */
    changed(image, before, after) {
      const is = isFinished(after);
      if (is === isFinished(before)) return;
      const [size, step] = [here.size, is ? 1 : -1];
      if (is) here.add(image);
      else here.delete(image);
      keep(image);
      if (!progress) return;
      const { finished, mine } = progress;
      progress = {
        ...progress,
        finished: finished + step,
        mine: name ? Math.max(0, mine + step) : mine + here.size - size,
      };
      onChange();
    },
    close() {
      clearInterval(timer);
      clearTimeout(again);
    },
  };
}
