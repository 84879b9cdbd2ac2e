// A reviewer's buttons, the choice of images to review, and the text about an approved image.

import { button, element, keyed, mark, say } from "../dom.js";
import { nameOf } from "../words.js";

/** @typedef {import("../contract.js").Bench} Bench */

const SAMPLES = [100, 50, 25, 10, 5];

/** @param {Bench} bench @param {{ unlock: () => void }} verdicts */
export function createVerdict(bench, verdicts) {
  const { session } = bench;
  const giveBack = button("Return", "Return, and next image", () => bench.act("giveBack"), {
    class: "skip",
  });
  const approve = button("Approve", "Approve, and next image", () => bench.act("approve"), {
    class: "primary",
  });
  const buttons = element("div", { class: "verdicts" }, giveBack, approve);
  const told = element("span", {});
  const unlock = button("Reopen", "Reopen this approved image", verdicts.unlock);
  const banner = element("div", { class: "banner", role: "status" }, told, unlock);
  const waiting = element("h2", {});
  const person = choice("Labeled by", (value) => bench.askReview({ person: value }));
  const sample = choice("How many of them", (value) => bench.askReview({ sample: Number(value) }));
  const toggle = button("Before", "", () => bench.act("before"), { class: "chip" });
  const panel = element(
    "section",
    { class: "panel review-panel", "aria-label": "Review" },
    waiting,
    person,
    sample,
    toggle,
  );

  function renderPanel() {
    const { review } = bench.ui;
    panel.hidden = review === null;
    if (!review) return;
    mark(toggle, "aria-pressed", bench.ui.before);
    mark(toggle, "title", bench.titleOf("before"));
    say(waiting, `${review.waiting} waiting`);
    const names = /** @type {[string, string][]} */ (review.people.map(
      ([name, count]) => [name, `${name} (${count})`],
    ));
    if (review.person && !review.people.some(([name]) => name === review.person)) {
      names.push([review.person, `${review.person} (0)`]);
    }
    offer(person, [["", "Everybody"], ...names], review.person);
    person.hidden = names.length === 0;
    const percents = [...new Set([...SAMPLES, review.sample])].sort((one, other) => other - one);
    const samples = /** @type {[string, string][]} */ (percents.map((percent) => [
      String(percent),
      percent === 100 ? "All of them" : `A sample of ${percent} %`,
    ]));
    offer(sample, samples, String(review.sample));
  }

  function renderBanner() {
    const { readOnly, status, doc, error } = session.state;
    const by = doc?.metadata?.review?.by;
    banner.hidden = !readOnly || Boolean(error);
    say(
      told,
      `Approved${status === "approved" && by ? ` by ${nameOf(by)}` : ""}: ` +
        "this image can't be changed until a reviewer reopens it.",
    );
    unlock.hidden = !bench.ui.reviews;
  }

  return {
    buttons,
    banner,
    panel,
    render() {
      const { phase, readOnly, status } = session.state;
      buttons.hidden = bench.ui.review === null;
      const isClosed = readOnly || phase !== "ready";
      approve.disabled = isClosed;
      giveBack.disabled = isClosed || status === "returned";
      mark(approve, "title", bench.titleOf("approve"));
      mark(giveBack, "title", bench.titleOf("giveBack"));
      renderBanner();
      renderPanel();
    },
  };
}

/** @param {string} name @param {(value: string) => void} give */
function choice(name, give) {
  const made = /** @type {HTMLSelectElement} */ (element("select", {
    "aria-label": name,
    onchange: () => give(made.value),
  }));
  return made;
}

/** @param {HTMLSelectElement} select @param {readonly [string, string][]} options @param {string} chosen */
function offer(select, options, chosen) {
  keyed(
    select,
    options,
    ([value]) => `=${value}`,
    ([value]) => element("option", { value }),
    (one, [, text]) => say(one, text),
  );
  select.value = chosen;
}
