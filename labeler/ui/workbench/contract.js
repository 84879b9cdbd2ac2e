// What the interface needs from a session and from the page around it. Types only.

/** @typedef {import("./document.js").Rect} Rect */
/** @typedef {import("./label_set.js").Label} Label */
/** @typedef {{ image_id: string, image_path: string, status: string, rects: number }} Neighbor */
/**
 * `count` is the number of unsaved images; `isKept` says whether this browser has their changes.
 * @typedef {{ state: "saved" | "pending" | "failed" | "offline", count: number, message: string,
 *   isKept: boolean }} Save
 */
/** @typedef {import("./merge.js").RectConflict} Conflict */
/**
 * @typedef {object} SessionState
 * @property {string | null} image ID of the open image
 * @property {{ rects: readonly Rect[], image_path: string, [key: string]: any } | null} doc
 * @property {string} status
 * @property {string} reason why the image is skipped
 * @property {string | null} etag of the document on the server
 * @property {readonly string[]} selection
 * @property {"loading" | "ready" | "error"} phase
 * @property {string | undefined} error
 * @property {Save} save
 * @property {readonly Conflict[]} conflicts
 * @property {readonly Label[]} labels all of the project
 * @property {readonly Neighbor[]} neighbors
 * @property {{ index: number, total: number | null } | null} position
 * @property {boolean} canUndo
 * @property {boolean} canRedo
 * @property {boolean} readOnly
 * @property {import("./painter.js").Picture | null} bitmap
 * @property {string} listedLabel the list shows only images with this one
 * @property {readonly string[]} others who else works on the image; empty names without sign-in
 * @property {{ phase: import("./claims.js").Phase, who: string, order: string, person: string }} queue
 */
/**
 * `acted` reports that the person is working.
 * @typedef {{ next: () => unknown, stop: () => void, setOrder: (order: string, person?: string) => void,
 *   acted: () => void }} Queue
 */
/**
 * @typedef {object} Session
 * @property {Readonly<SessionState>} state
 * @property {(listener: () => void) => () => void} subscribe
 * @property {(event: any) => unknown} dispatch
 * @property {(image: string) => unknown} open
 * @property {() => unknown} next
 * @property {() => unknown} previous
 * @property {(options?: { next?: boolean }) => unknown} done
 * @property {() => unknown} nothingHere deletes all boxes and sets done
 * @property {(reason?: string) => unknown} skip
 * @property {Queue} queue
 * @property {() => void} retry tries again to save what the server has refused
 * @property {() => Promise<readonly Rect[]>} previousImageRects
 * @property {() => boolean} undoDone takes back "done" or "skip" of the image before
 * @property {(text: string, pin: import("./comments.js").Pin) => unknown} comment
 * @property {ReturnType<typeof import("./records.js").createRecords>["review"]} review
 * @property {ReturnType<typeof import("./records.js").createRecords>["restore"]} restore
 * @property {() => Promise<string>} remove moves the image into the trash; why not, or ""
 * @property {(image: string) => Promise<string>} takeOutOfTrash
 * @property {ReturnType<typeof import("./progress.js").createProgress>} progress
 * @property {ReturnType<typeof import("./past.js").createPast>} past earlier states
 */
/** @typedef {ReturnType<typeof import("./guide_calls.js").createGuideCalls> & { isEditor: boolean }} Guide */
/**
 * What the panels share. `act` carries out an action, as its key does.
 * @typedef {object} Bench
 * @property {Session} session
 * @property {Ui} ui
 * @property {import("./preferences.js").Preferences} preferences
 * @property {(changes: Partial<Ui>) => void} set
 * @property {(changes: Partial<import("./preferences.js").Preferences>) => void} prefer
 * @property {(action: string) => void} act
 * @property {() => import("./keymap.js").Keys} keys of the preset, with the person's own
 * @property {import("./keymap.js").Layout} layout of the person's keyboard
 * @property {(action: import("./keymap.js").Action) => string} titleOf the action's button
 * @property {(changes: { person?: string, sample?: number }) => void} askReview
 * @property {(name: string) => void} choose a label for the selected boxes, or for the next one
 * @property {(id: string) => Promise<string | null>} thumbnail address of a small copy of an image, if there is one
 * @property {((name: string) => void) | null} addLabel to the project; null if nobody may
 * @property {Guide} guide
 * @property {boolean} isAdmin
 * @property {string} person who is signed in; empty where nobody signs in
 * @property {() => void} focus returns the focus to the image
 */
/**
 * @typedef {object} Ui
 * @property {string} label for new boxes
 * @property {ReadonlySet<string>} hidden IDs of boxes
 * @property {ReadonlySet<string>} hiddenLabels
 * @property {ReadonlySet<string>} locked IDs of boxes
 * @property {string | null} hovered
 * @property {boolean} hiding while the key is held
 * @property {boolean} panning while the key is held
 * @property {boolean} help
 * @property {boolean} sheet the panel on a phone
 * @property {string} find the text that is typed to find a label
 * @property {{ text: string, undo: (() => void) | null } | null} toast
 * @property {Noting | null} noting the note that somebody writes
 * @property {string | null} thread the key of the notes that are shown
 * @property {boolean} reviews whether this person may approve, return and reopen
 * @property {Review | null} review null while images are labeled
 * @property {boolean} history whether earlier states are listed
 * @property {string | null} past the version whose difference is shown
 * @property {boolean} before whether a reviewer sees what the labeler had left
 * @property {readonly Rect[]} copied the boxes to paste
 */

/**
 * What a reviewer works through: `waiting` images, counted by `people`; all of them, or only those
 * of `person`, and a `sample` of those in percent.
 * @typedef {{ waiting: number, people: readonly (readonly [string, number])[], person: string,
 *   sample: number }} Review
 */
/**
 * A note being written; without a pin, its place is chosen next. `then` is the verdict that it is
 * written for.
 * @typedef {{ pin: import("./comments.js").Pin | null, then: "return" | null, text: string }} Noting
 */

export {};
