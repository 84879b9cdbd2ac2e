// The queue: how to start and leave it, its order, and the state of the claim.

import { button, element, keyed, mark, say } from "../dom.js";
import { ORDERS } from "../work_queue.js";

/** @typedef {import("../contract.js").Bench} Bench */

const SAVED = "Your boxes are saved all the same.";

/** The text about the claim. @param {import("../contract.js").SessionState["queue"]} queue */
export function claimWords({ phase, who }) {
  switch (phase) {
    case "asking":
      return "Looking for the next image …";
    case "empty":
      return "Nothing left to label.";
    case "ended":
      return `Nobody worked on this image for a while: somebody else may have it by now. ${SAVED}`;
    case "taken":
      return `${who} ${SAVED}`;
    case "offline":
      return `${who} The queue goes on with the images that are here already.`;
    case "off":
      return who && `The queue can't start: ${who}`;
    default:
      return "";
  }
}

/** @param {Bench} bench */
export function createQueuePanel(bench) {
  const { session } = bench;
  const start = button("Start labeling", "", () => bench.act("claim"), { class: "start" });
  const order = /** @type {HTMLSelectElement} */ (element(
    "select",
    {
      "aria-label": "Order of the queue",
      onchange: () => {
        session.queue.setOrder(order.value);
        bench.prefer({ order: order.value });
        bench.focus();
      },
    },
    ...Object.entries(ORDERS).map(([value, words]) => element("option", { value }, words)),
  ));
  const whose = /** @type {HTMLSelectElement} */ (element("select", {
    "aria-label": "Whose queue",
    title: "Images that are assigned to this person come first",
    onchange: () => {
      session.queue.setOrder(order.value, whose.value);
      bench.prefer({ queueOf: whose.value });
      bench.focus();
    },
  }));
  const leave = button("Leave queue", "Choose images by hand again", () => session.queue.stop());
  const root = element(
    "div",
    { class: "queue", "data-testid": "queue" },
    start,
    order,
    whose,
    leave,
  );
  session.queue.setOrder(bench.preferences.order, bench.preferences.queueOf);
  return {
    root,
    render() {
      const { queue } = session.state;
      const isOn = queue.phase !== "off";
      mark(root, "data-phase", queue.phase);
      start.hidden = isOn;
      order.hidden = leave.hidden = !isOn;
      if (order.value !== queue.order) order.value = queue.order;
      const queues = bench.person ? [] : session.progress.counts?.queues ?? [];
      const names = [...new Set([...queues, ...queue.person ? [queue.person] : []])];
      whose.hidden = !names.length;
      keyed(
        whose,
        ["", ...names],
        (name) => `=${name}`,
        (name) => element("option", { value: name }),
        (one, name) => say(one, name ? `Queue of ${name}` : "Nobody's queue"),
      );
      // Any assignment has the browser look at all fields of the page anew, for autofill.
      if (whose.value !== queue.person) whose.value = queue.person;
      const title = bench.titleOf("claim");
      mark(start, "title", title);
      mark(start, "aria-label", `Start labeling: ${title}`);
    },
  };
}
