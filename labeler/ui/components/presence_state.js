// The tab's connection as a table: each state and event gives the next state and its effects.

/**
 * `here`: connected. `pausing`: the client was asked to close the websocket. `paused`: it is
 * closed. `away`: it was cut, or is opening again. `back`: there is a new websocket, but no run of
 * the page on it yet. The instance at its other end does not know this tab and would ignore a
 * click.
 * @typedef {"here" | "pausing" | "paused" | "away" | "back"} Connection
 */

/**
 * `running`: a run of the page is active. `drawn`: a run was drawn since the connection came back.
 * `told`: the person was told that there is no connection. `covered`: the page was paused and the
 * cover is still over it.
 * @typedef {Readonly<{
 *   connection: Connection,
 *   running: boolean,
 *   drawn: boolean,
 *   told: boolean,
 *   covered: boolean,
 * }>} State
 */

/**
 * `letGo`: nobody uses the tab and everything is saved. `unheard`: the client kept the websocket.
 * `late`: the connection has been missing long enough to say so. `settled`: the page has run on the
 * new connection, or has taken too long.
 * @typedef {{ type: "letGo" | "unheard" | "lost" | "found" | "input" | "late" | "drawn" | "settled" }
 *   | { type: "ran", running: boolean }} PresenceEvent
 */

/**
 * `settle` sets the timers of `waits`, `stopWaiting` clears them.
 * @typedef {"terminate" | "restart" | "cover" | "uncover" | "touch" | "tellLater" | "tellAway"
 *   | "stopWaiting" | "settle" | "news"} Effect
 */

/** @typedef {{ to: Connection, effects: readonly Effect[] }} Row */

/** @type {State} */
export const HERE = {
  connection: "here",
  running: false,
  drawn: false,
  told: false,
  covered: false,
};

/** @type {Row} */
const CUT = { to: "away", effects: ["stopWaiting", "tellLater"] };
/** @type {Row} */
const FOUND = { to: "back", effects: ["settle"] };

/** @type {Record<Connection, { [Type in PresenceEvent["type"]]?: Row }>} */
const TABLE = {
  here: {
    letGo: { to: "pausing", effects: ["terminate"] },
    lost: CUT,
  },
  pausing: {
    unheard: { to: "here", effects: ["touch"] },
    lost: { to: "paused", effects: ["stopWaiting", "cover"] },
    found: FOUND,
  },
  paused: {
    lost: { to: "paused", effects: ["stopWaiting"] },
    input: { to: "away", effects: ["restart"] },
    found: FOUND,
  },
  away: {
    lost: CUT,
    late: { to: "away", effects: ["tellAway"] },
    found: FOUND,
  },
  back: {
    lost: CUT,
    late: { to: "back", effects: ["tellAway"] },
    found: FOUND,
    ran: { to: "back", effects: ["settle"] },
    drawn: { to: "back", effects: ["settle"] },
    settled: { to: "here", effects: ["touch", "uncover", "news"] },
  },
};

/**
 * What an event changes besides the connection, whatever the state.
 * @param {State} state
 * @param {PresenceEvent} event
 * @returns {Partial<State>}
 */
function toldBy(state, event) {
  if (event.type === "lost") {
    const covered = state.covered || state.connection === "pausing";
    return { running: false, covered };
  }
  if (event.type === "found") return { drawn: false };
  if (event.type === "ran") return { running: event.running };
  if (event.type === "drawn") return { drawn: true };
  if (event.type === "late") return { told: true };
  if (event.type === "settled") return { told: false, covered: false };
  return {};
}

/**
 * The next state and the effects to carry out, in this order.
 * @param {State} state
 * @param {PresenceEvent} event
 * @returns {{ state: State, effects: readonly Effect[] }}
 */
export function reducePresence(state, event) {
  const row = TABLE[state.connection][event.type] ?? { to: state.connection, effects: [] };
  const isNews = state.told || state.covered;
  return {
    state: { ...state, ...toldBy(state, event), connection: row.to },
    effects: row.effects.filter((effect) => effect !== "news" || isNews),
  };
}

const SETTLED_AFTER = 150;
const RUN_AFTER = 300;
const GIVE_UP_AFTER = 12000;

/**
 * Times in ms for a tab whose connection is back: when it counts as settled, and when it asks for a
 * run of the page. The client itself asks for a run only if one was cut off.
 * @param {State} state
 * @returns {{ settled: number, ask: number | null }}
 */
export const waits = ({ drawn, running }) => ({
  settled: drawn && !running ? SETTLED_AFTER : GIVE_UP_AFTER,
  ask: drawn || running ? null : RUN_AFTER,
});
