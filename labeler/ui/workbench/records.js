// Changes that the server itself makes to the open document: a verdict of a review, and restoring
// an earlier state. Both name the version that the person sees.

import { statusOf } from "./document.js";
import { isSaved } from "./sync.js";
import { createTrashCalls } from "./trash_calls.js";

/** @typedef {import("./backend.js").PutAnswer} PutAnswer */
/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {{ text: string, rect?: string, x?: number, y?: number }} Remark */
/** @typedef {"approve" | "return" | "reopen"} Verdict */

const STILL = ["pending", "sending"];

/**
 * `listeners` are called after each change.
 * @param {{ backend: import("./backend.js").Backend, shown: () => { lane: Lane | null },
 *   listeners: Set<(state: any) => void> }} options
 */
export function createRecords({ backend, shown, listeners }) {
  const trash = createTrashCalls(backend);
  const changed = () =>
    new Promise((resolve) => {
      const once = () => {
        listeners.delete(once);
        resolve(true);
      };
      listeners.add(once);
    });

  /** Whether the server has all of the lane's work, once no write is on its way. @param {Lane} lane @returns {Promise<boolean>} */
  async function settled(lane) {
    while (STILL.includes(lane.state.saving)) {
      await changed();
    }
    return isSaved(lane.state);
  }

  /**
   * Why the change failed, as text for a person; "" if it succeeded.
   * @param {(lane: Lane) => Promise<PutAnswer>} send
   */
  async function change(send) {
    const { lane } = shown();
    if (!lane) return "The image is not here yet.";
    const answer = await send(lane);
    if (answer.type === "stored" || answer.type === "changed") {
      if (answer.document && answer.etag) lane.refresh(answer.document, answer.etag);
      return answer.type === "stored"
        ? ""
        : "Somebody has changed this image meanwhile. Nothing was done: look at it again.";
    }
    return answer.message;
  }

  /** The verdict is on what the person sees, so their changes are saved first. @param {Lane} lane @returns {Promise<PutAnswer | null>} */
  async function unsaved(lane) {
    if (await settled(lane)) return null;
    const message = lane.state.message || "Your changes are not saved yet. Try again then.";
    return { type: "refused", message };
  }

  return {
    /**
     * A reviewer's verdict on the open image. An approval can be taken back in any state, because
     * nobody else can have changed the document.
     * @param {Verdict} verdict @param {Remark} [comment]
     */
    review: (verdict, comment) =>
      change(async (lane) => {
        const how = comment ? { verdict, comment } : { verdict };
        if (verdict === "reopen") {
          const answer = await backend.changeDocument(lane.image, "review", how, "*");
          if (answer.type === "stored" && !isSaved(lane.state)) queueMicrotask(lane.resume);
          return answer;
        }
        return await unsaved(lane) ??
          await backend.changeDocument(lane.image, "review", how, lane.etag ?? "*");
      }),
    /** Moves the open image into the trash, in the version that the person sees. */
    async remove() {
      const { lane } = shown();
      if (!lane) return "The image is not here yet.";
      const failed = await unsaved(lane);
      if (failed && "message" in failed) return failed.message;
      return await trash.remove(lane.image, lane.etag);
    },
    /** Brings an image back from the trash. @param {string} image */
    bringBack: (image) => trash.restore(image),
    /** Restores the document of that version, as a new version. @param {string} version */
    restore: (version) =>
      change(async (lane) =>
        await unsaved(lane) ??
          await backend.changeDocument(lane.image, "restore", { version }, lane.etag ?? "*")
      ),
  };
}

/** Whether only a reviewer can change it. @param {import("./document.js").Doc | null} document */
export const isApproved = (document) => document !== null && statusOf(document) === "approved";
