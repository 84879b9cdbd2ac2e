// Tabs with lanes over one server and one journal, all in memory.

import { createBackend } from "../../../labeler/ui/workbench/backend.js";
import { createLane } from "../../../labeler/ui/workbench/lane.js";
import { createMemoryJournal, createServer, doc, rect } from "./fakes.js";

/** @typedef {import("../../../labeler/ui/workbench/lane.js").Lane} Lane */

/**
 * A tab over the server and the journal.
 * @param {ReturnType<typeof createServer>} server
 * @param {ReturnType<typeof createMemoryJournal>} journal
 */
export function tab(
  server,
  journal,
  { owner = "tab", person = "ana", renewed = "t1" } = {},
) {
  const backend = createBackend({
    baseUrl: "http://x",
    token: () => "t1",
    renewToken: () => Promise.resolve({ token: renewed, person: "ana" }),
    client: owner,
    person,
    takesChanges: true,
    fetch: server.fetch,
  });
  /** @type {import("../../../labeler/ui/workbench/lane.js").LaneContext} */
  const context = {
    journal,
    backend,
    owner,
    person,
    onOthers: () => {},
    notify: () => {},
  };
  /** @type {Lane[]} */
  const lanes = [];
  return {
    async open(image = "i") {
      const answer = await backend.getDocument(image);
      if (answer.type !== "document") throw new Error(answer.type);
      lanes.push(createLane(context, image, answer));
      return /** @type {Lane} */ (lanes.at(-1));
    },
    /** @param {string} from */
    async recover(from) {
      for (const record of await journal.list()) {
        const taken = await journal.take(record.key, from, owner);
        if (!taken) continue;
        const lane = createLane(context, taken.image, { record: taken });
        lanes.push(lane);
        lane.resume();
      }
      return lanes;
    },
    close: () => lanes.forEach((lane) => lane.close()),
  };
}

/** @param {import("../../../labeler/ui/workbench/document.js").Doc} document */
export const ids = (document) => document.rects.map((one) => one.id);
/** @param {Lane} lane */
export const isSaved = (lane) => () => lane.state.saving === "saved";

/** @param {(parts: { server: ReturnType<typeof createServer>, journal: ReturnType<typeof createMemoryJournal> }) => Promise<() => void>} body */
export async function scene(body) {
  const server = createServer();
  server.put("i", doc([rect("old")], "in_progress"));
  const journal = createMemoryJournal();
  (await body({ server, journal }))();
}
