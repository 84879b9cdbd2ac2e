// The panels for what people tell each other about an image: notes, verdicts and history.

import { createDifference } from "./difference.js";
import { createMarks } from "./marks.js";
import { createHistoryPanel } from "./panels/history.js";
import { createNotes } from "./panels/notes.js";
import { createVerdict } from "./panels/verdict.js";
import { createVerdicts } from "./verdicts.js";

/** @typedef {import("./contract.js").Bench} Bench */

/**
 * The panels, and their elements on the stage, beside it below the others, and in the footer.
 * @param {Bench} bench @param {ReturnType<typeof import("./surface.js").createSurface>} surface
 * @param {AbortSignal} ended
 */
export function createReviewParts(bench, surface, ended) {
  const { ui } = bench;
  const verdicts = createVerdicts(bench, surface);
  const verdict = createVerdict(bench, verdicts);
  const notes = createNotes(bench, (rect) => surface.look({ type: "reveal", rect }));
  const history = createHistoryPanel(bench, verdicts);
  const marks = createMarks(bench, surface.root, verdicts.give, ended);
  const difference = createDifference(bench, surface.root, ended);
  return {
    panels: [verdict, notes, history, marks, difference],
    stage: [difference.root, marks.root, verdict.banner],
    side: [notes.root, history.root, verdict.panel],
    buttons: verdict.buttons,
    actions: {
      approve: verdicts.approve,
      giveBack: verdicts.giveBack,
      before: () => bench.set({ before: ui.review !== null && !ui.before, past: null }),
      history: () => bench.set({ history: !bench.ui.history, past: null }),
    },
  };
}
