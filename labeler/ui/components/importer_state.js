// The import view as a state table: each phase and event gives the next state and its effect.

/**
 * `looking` is a dry run, `importing` the import itself. `waiting` is a file that was chosen during
 * a dry run; the next dry run reads it.
 * @typedef {Readonly<{
 *   phase: "empty" | "looking" | "importing" | "shown",
 *   file: File | null,
 *   waiting: File | null,
 * }>} State
 */

/** @typedef {{ type: "chosen", file: File } | { type: "changed" | "agreed" | "ended" }} ImporterEvent */
/** @typedef {"look" | "import" | "wait" | "refuse"} Effect */
/** @typedef {{ state: State, effect?: Effect }} Step */

/** @type {State} */
export const EMPTY = { phase: "empty", file: null, waiting: null };

/** @param {File | null} file @returns {Step} */
const look = (file) => ({ state: { phase: "looking", file, waiting: null }, effect: "look" });
/** @param {File | null} file @returns {Step} */
const begin = (file) => ({ state: { phase: "importing", file, waiting: null }, effect: "import" });
/** @param {File | null} file @returns {Step} */
const end = (file) => ({ state: { phase: "shown", file, waiting: null } });

/** @type {Record<State["phase"], { [Type in ImporterEvent["type"]]?: (state: State, file: File | null) => Step }>} */
const TABLE = {
  empty: {
    chosen: (_, file) => look(file),
  },
  shown: {
    chosen: (_, file) => look(file),
    changed: ({ file }) => look(file),
    agreed: ({ file }) => begin(file),
  },
  looking: {
    chosen: (state, file) => ({ state: { ...state, waiting: file }, effect: "wait" }),
    ended: ({ file, waiting }) => waiting ? look(waiting) : end(file),
  },
  importing: {
    chosen: (state) => ({ state, effect: "refuse" }),
    ended: ({ file }) => end(file),
  },
};

/** @param {State} state */
export const isRunning = ({ phase }) => phase === "looking" || phase === "importing";

/**
 * The next state and the effect to carry out. An event that the phase does not know changes
 * nothing.
 * @param {State} state
 * @param {ImporterEvent} event
 * @returns {Step}
 */
export const reduceImporter = (state, event) =>
  TABLE[state.phase][event.type]?.(state, event.type === "chosen" ? event.file : null) ?? { state };
