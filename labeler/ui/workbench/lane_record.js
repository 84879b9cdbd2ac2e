// The journal's record of one image's unsaved work: written before each PUT, removed once everything
// is saved, and owned by one tab at a time.

import { dumpDocument, sameWork } from "./document.js";
import { randomId } from "./identity.js";
import { inTime } from "./time.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./journal.js").JournalRecord} JournalRecord */

/** How long, in ms, the journal may take before the work goes on without it. */
export const PATIENCE_MS = 3000;

/**
 * The unsaved work as the lane has it now. `tried` are the documents whose PUT may have landed.
 * @typedef {{ base: Doc, wanted: Doc, etag: string | null, tried: readonly Doc[] }} Work
 * @typedef {ReturnType<typeof createLaneRecord>} LaneRecord
 */

/**
 * `found` is the record that the work was recovered from. `onTaken` is called when another tab owns
 * the record: the work continues from `kept`, the last document in it, in a record of its own.
 * @param {import("./lane.js").LaneContext} context @param {string} image
 * @param {{ found: JournalRecord | null, work: () => Work, isSaved: () => boolean,
 *   onTaken: (kept: Doc | null) => void }} options
 */
export function createLaneRecord(context, image, { found, work, isSaved, onTaken }) {
  const { journal, person, owner } = context;
  let key = found?.key ?? newKey();
  let sequence = found?.sequence ?? 0;
  /** The last `wanted` that the journal holds. @type {Doc | null} */
  let kept = found ? work().wanted : null;
  let unkept = false; // the browser could not keep the last change
  /** @type {Promise<void> | null} */
  let writing = null;

  /** Writes the work to the journal; resolves when it is there or can't be written. */
  async function keep() {
    while (writing) await writing;
    const { wanted } = work();
    if (kept === wanted || isSaved()) return;
    writing = write(wanted).finally(() => writing = null);
    await writing;
  }

  /** @param {Doc} wanted */
  async function write(wanted) {
    const { base, etag, tried } = work();
    const mine = {
      key,
      person,
      owner,
      image,
      etag,
      base: dumpDocument(base),
      wanted: dumpDocument(wanted),
      tried: tried.map(dumpDocument),
      sequence: sequence + 1,
    };
    try {
      if (await inTime(journal.write(mine), PATIENCE_MS)) {
        sequence += 1;
        kept = wanted;
        unkept = false;
        return;
      }
    } catch {
      // The disk is full or the browser stores nothing: the page says so, and the PUT goes on.
      unkept = true;
      return;
    }
    leave();
    if (!sameWork(work().base, wanted)) await write(wanted);
  }

  /**
   * Leaves the record to the tab that has taken it over while this one slept, and that sends it.
   * This tab goes on from there with its later changes.
   */
  function leave() {
    onTaken(kept);
    begin();
  }

  /** Begins another record, which is not in the journal yet. */
  function begin() {
    key = newKey();
    sequence = 0;
  }

  return {
    keep,
    get unkept() {
      return unkept;
    },
    /** Leaves the record if another tab has taken it over. */
    async checkOwner() {
      if (!sequence) return;
      const owned = inTime(journal.owns(key, owner), PATIENCE_MS).catch(() => true);
      if (!await owned) leave();
    },
    /** Removes the record: its work is saved. */
    async forget() {
      kept = null;
      const old = key;
      begin();
      while (writing) await writing;
      await journal.remove(old, owner).catch(() => {});
    },
  };
}

const newKey = () => randomId() + randomId();
