// The three-way merge of one image's documents, by the server's rules (merge.py). Rects are matched
// by id. Geometry, label and each further key merge one by one. Incompatible changes are kept twice
// and reported. The status that asks for more work wins.

import { dumpDocument, MAX_RECTS, same, STATUSES, statusOf } from "./document.js";
import { byCodePoints, derivedId, pythonJson, withIds } from "./identity.js";
import { mergeComments } from "./merge_comments.js";
import {
  documentKeys,
  fields,
  GEOMETRY,
  mergeKeys,
  metadataKeys,
  rectKeys,
  sameKeys,
} from "./merge_keys.js";
import { order } from "./merge_order.js";

/** @typedef {import("./document.js").Doc} Doc */
/** @typedef {import("./document.js").Rect} Rect */

/**
 * One rect on which a person has to decide; null means that this side does not have it. `kept_as`
 * is the id of the rect that keeps our version beside theirs; empty for `deleted`.
 * @typedef {{ id: string, kind: "changed" | "added" | "deleted", base: Rect | null,
 *   ours: Rect | null, theirs: Rect | null, kept_as: string }} RectConflict
 */

/** The status that asks for most work first, so that nobody's doubt is lost. */
const RANK = ["returned", "in_progress", "skipped", "done", "approved", "unlabeled"];
const FLOATS = new Set(GEOMETRY);

/** More boxes than a document may hold. */
export class TooManyRects extends Error {}

/**
 * `ours`, which a person made from `base`, merged with `theirs`, which the store holds now. The
 * result has every rect that one side added or changed.
 * @param {Doc} base @param {Doc} ours @param {Doc} theirs
 * @returns {{ document: Doc, conflicts: RectConflict[] }}
 */
export function merge(base, ours, theirs) {
  [base, ours, theirs] = [withIds(base), withIds(ours), withIds(theirs)];
  const [before, our, their] = [base, ours, theirs].map(dumpDocument);
  if (our === before || our === their) return { document: theirs, conflicts: [] };
  if (their === before) return { document: ours, conflicts: [] };
  const { rects, conflicts } = mergeRects(byId(base), byId(ours), byId(theirs));
  if (rects.length > MAX_RECTS) {
    throw new TooManyRects(
      `With what others saved meanwhile the image would have ${rects.length} boxes; at most ` +
        `${MAX_RECTS} are allowed: delete some.`,
    );
  }
  const [keys, clashes] = mergeKeys(documentKeys(base), documentKeys(ours), documentKeys(theirs));
  if (clashes.includes("comments")) {
    keys.set("comments", mergeComments(base.comments, ours.comments, theirs.comments));
  }
  const metadata = mergeMetadata(base, ours, theirs);
  if (rects.length && metadata.get("status") === "unlabeled") metadata.set("status", "in_progress");
  /** @type {any} */
  const document = { ...fields(keys), rects };
  if (Object.hasOwn(ours, "metadata") || Object.hasOwn(theirs, "metadata")) {
    document.metadata = fields(metadata);
  }
  return { document, conflicts };
}

/**
 * The base of a save after failed tries that may have been stored. If `theirs` contains a state
 * from one of `tried`, that state is the base of this person's next change.
 * @param {Doc} base @param {readonly Doc[]} tried @param {Doc} theirs @returns {Doc}
 */
export function withLanded(base, tried, theirs) {
  const [rects, stored] = [byId(base), byId(theirs)];
  let status = base.metadata?.status;
  for (const ours of tried) {
    const own = byId(ours);
    for (const id of new Set([...rects.keys(), ...own.keys()])) {
      const rect = own.get(id);
      if (!same(rect, stored.get(id))) continue;
      rects.delete(id);
      if (rect) rects.set(id, rect);
    }
    if ((ours.metadata?.status ?? null) === (theirs.metadata?.status ?? null)) {
      status = ours.metadata?.status;
    }
  }
  const metadata = status ? { ...base.metadata, status } : base.metadata ?? {};
  return { ...base, rects: [...rects.values()], metadata };
}

/**
 * The document after a person's choice; `both` leaves two rects. An edit made since the conflict is
 * kept. If one of the rects is gone, the choice was made already and nothing changes.
 * @param {Doc} document @param {RectConflict} conflict @param {"ours" | "theirs" | "both"} choice
 */
export function resolve(document, conflict, choice) {
  const rects = byId(document);
  const involved = conflict.kept_as ? [conflict.id, conflict.kept_as] : [conflict.id];
  if (choice === "both" || !involved.every((id) => rects.has(id))) return document;
  if (conflict.kept_as) {
    const copy = /** @type {Rect} */ (rects.get(conflict.kept_as));
    rects.delete(conflict.kept_as);
    if (choice === "ours") rects.set(conflict.id, { ...copy, id: conflict.id });
  } else if ((choice === "ours" ? conflict.ours : conflict.theirs) === null) {
    rects.delete(conflict.id);
  } else {
    return document;
  }
  return { ...document, rects: [...rects.values()] };
}

// --- rects -----------------------------------------------------------------------------

/** @param {Doc} document */
const byId = (document) => new Map(document.rects.map((rect) => [rect.id, rect]));

/** @typedef {Map<string, Rect>} Rects */

/** @param {Rects} base @param {Rects} ours @param {Rects} theirs */
function mergeRects(base, ours, theirs) {
  /** @type {Rects} */
  const merged = new Map();
  /** @type {RectConflict[]} */
  const conflicts = [];
  for (const id of order([...base.keys()], [...ours.keys()], [...theirs.keys()])) {
    const sides = /** @type {const} */ ([
      base.get(id) ?? null,
      ours.get(id) ?? null,
      theirs.get(id) ?? null,
    ]);
    const { rect, kind } = mergeRect(...sides);
    if (rect) merged.set(id, rect);
    if (kind) {
      conflicts.push({ id, kind, base: sides[0], ours: sides[1], theirs: sides[2], kept_as: "" });
    }
  }
  const taken = new Map(merged);
  /** @type {Rects} */
  const behind = new Map();
  for (const conflict of conflicts) {
    if (conflict.kind === "deleted" || !conflict.ours) continue;
    const copy = copyOf(conflict.ours, taken);
    if (!taken.has(copy.id)) {
      taken.set(copy.id, copy);
      behind.set(conflict.id, copy);
    }
    conflict.kept_as = copy.id;
  }
  const rects = [...merged].flatMap(([id, rect]) => {
    const copy = behind.get(id);
    return copy ? [rect, copy] : [rect];
  });
  return { rects, conflicts };
}

/**
 * The rect to store under the id, null if it is deleted, and the kind of conflict.
 * @param {Rect | null} base @param {Rect | null} ours @param {Rect | null} theirs
 * @returns {{ rect: Rect | null, kind: RectConflict["kind"] | null }}
 */
function mergeRect(base, ours, theirs) {
  const before = base ? rectKeys(base) : new Map();
  if (!ours || !theirs) {
    const left = ours ?? theirs;
    if (!left || !base) return { rect: left, kind: null };
    return sameKeys(rectKeys(left), before)
      ? { rect: null, kind: null }
      : { rect: left, kind: "deleted" };
  }
  const [keys, clashes] = mergeKeys(before, rectKeys(ours), rectKeys(theirs));
  if (clashes.length) return { rect: theirs, kind: base ? "changed" : "added" };
  return { rect: /** @type {any} */ ({ ...fields(keys), id: theirs.id }), kind: null };
}

/** The rect under an id made from its content: a free id, or that of an equal rect in `taken`. @param {Rect} rect @param {Rects} taken @returns {Rect} */
function copyOf(rect, taken) {
  let content = pythonJson([rect.id, rect], FLOATS);
  while (true) {
    const copy = { ...rect, id: derivedId(content) };
    const there = taken.get(copy.id);
    if (!there || sameKeys(rectKeys(there), rectKeys(rect))) return copy;
    content += "|";
  }
}

// --- metadata --------------------------------------------------------------------------

/** @param {Doc} base @param {Doc} ours @param {Doc} theirs */
function mergeMetadata(base, ours, theirs) {
  const [keys, clashes] = mergeKeys(metadataKeys(base), metadataKeys(ours), metadataKeys(theirs));
  if (clashes.includes("status")) {
    const sides = [ours, theirs].filter((side) => (side.metadata?.status ?? null) !== null);
    const said = sides.filter((side) => !onlyBegun(base, side));
    const [most] = (said.length ? said : sides)
      .map((side) => String(side.metadata?.status))
      .sort((one, other) => urgency(one) - urgency(other) || byCodePoints(one, other));
    keys.set("status", most);
  }
  return keys;
}

/** Whether this side is in_progress only because its first rects were drawn. @param {Doc} base @param {Doc} side */
const onlyBegun = (base, side) =>
  statusOf(base) === "unlabeled" && side.rects.length > 0 &&
  side.metadata?.status === "in_progress";

/** Lowest for the status that asks for most work. An unknown status counts as in_progress. @param {string} status */
const urgency = (status) =>
  RANK.indexOf(STATUSES.some((known) => known === status) ? status : "in_progress");
