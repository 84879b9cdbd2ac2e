// The actions of a reviewer's keys and buttons: give a verdict and go to the next image.

import { threadsOf } from "./comments.js";

/** @typedef {import("./contract.js").Bench} Bench */
/** @typedef {import("./contract.js").Noting} Noting */
/** @typedef {import("./records.js").Verdict} Verdict */
/** @typedef {import("./records.js").Remark} Remark */

const WORDS = { approve: "approved", return: "returned", reopen: "open again" };

/** @param {Bench} bench @param {{ isSeen: () => boolean }} surface */
export function createVerdicts(bench, surface) {
  const { session } = bench;
  let isBusy = false;

  /** Shows what went wrong; resolves to whether the change succeeded. @param {Promise<string>} change */
  async function told(change) {
    isBusy = true;
    const problem = await change.finally(() => isBusy = false);
    if (problem) bench.set({ toast: { text: problem, undo: null } });
    return !problem;
  }

  /** @param {"approve" | "return"} verdict @param {Remark} [remark] */
  async function decide(verdict, remark) {
    if (isBusy) return;
    const { image, doc } = session.state;
    if (!await told(session.review(verdict, remark))) return;
    const text = `${doc?.image_path} is ${WORDS[verdict]}.`;
    const undo = () => void takeBack(verdict, /** @type {string} */ (image));
    const next = session.state.image === image ? await session.next() : session.state.image;
    bench.set({ toast: { text: next ? text : `${text} It was the last one.`, undo } });
  }

  /** @param {"approve" | "return"} verdict @param {string} image */
  async function takeBack(verdict, image) {
    bench.set({ toast: null });
    session.open(image);
    if (verdict === "approve") await reopen();
    else session.dispatch({ type: "status", status: "done", image });
  }

  async function reopen() {
    if (!isBusy) await told(session.review("reopen"));
  }

  const isReady = () =>
    bench.ui.review !== null && session.state.phase === "ready" && !session.state.readOnly &&
    surface.isSeen();

  return {
    approve: () => void (isReady() && decide("approve")),
    /** Returns the image. The reviewer has to say why, unless an open note does. */
    giveBack() {
      if (!isReady()) return;
      const isSaid = threadsOf(session.state.doc).some(({ isResolved }) => !isResolved);
      if (isSaid) decide("return");
      else bench.set({ noting: { pin: {}, then: "return", text: "" } });
    },
    /** Takes an approval back. */
    unlock: () => void (bench.ui.reviews && reopen()),
    /** Handles a written note. @param {Noting} noting */
    give(noting) {
      if (noting.then === "return") decide("return", { text: noting.text, ...noting.pin });
      else session.comment(noting.text, noting.pin ?? {});
    },
    /** Restores an earlier state. That can be undone in the same way. @param {string} version */
    async restore(version) {
      if (isBusy) return;
      const { image } = session.state;
      const before = session.past.rows().versions[0]?.version;
      if (!await told(session.restore(version))) return;
      bench.set({ past: null });
      const undo = () => {
        bench.set({ toast: null });
        if (session.state.image === image) told(session.restore(before));
      };
      bench.set({ toast: { text: "That state is back.", undo: before ? undo : null } });
    },
  };
}
