// The history of the open image, read only as far as somebody looks at it.

/** @typedef {import("./backend.js").Version} Version */
/** @typedef {import("./document.js").Doc} Doc */

/** The number of states that are read at once, to show their differences. */
const STEP = 12;

/**
 * @param {import("./backend.js").Backend} backend @param {() => void} onChange
 */
export function createPast(backend, onChange) {
  let image = "";
  /** The ETag of the document whose history is listed. */
  let of = "";
  /** @type {readonly Version[]} */
  let versions = [];
  /** The document of each version, which never changes. @type {Map<string, Doc | null>} */
  let documents = new Map();
  let error = "";
  let wanted = STEP;
  let asked = 0;

  /** @param {number} mine the number of this question */
  async function load(mine) {
    const answer = await backend.getVersions(image);
    if (mine !== asked) return;
    if (answer.type !== "versions") error = answer.message;
    else [versions, error] = [answer.versions, ""];
    onChange();
    await read(mine);
  }

  /** @param {number} mine */
  async function read(mine) {
    for (const { version } of versions.slice(0, wanted + 1)) {
      if (documents.has(version)) continue;
      const answer = await backend.getVersion(image, version);
      if (mine !== asked) return;
      if (answer.type === "document") documents.set(version, answer.document);
      else if (answer.type === "gone") documents.set(version, null); // dropped meanwhile
      else error = "message" in answer ? answer.message : "";
      onChange();
      if (error) return;
    }
  }

  return {
    /** Loads the history of the image; `tag` is the ETag of its newest state. @param {string} next @param {string} tag */
    look(next, tag) {
      if (next === image && tag === of) return;
      if (next !== image) [versions, documents, wanted] = [[], new Map(), STEP];
      [image, of, error] = [next, tag, ""];
      load(++asked);
    },
    more() {
      wanted += STEP;
      read(asked);
    },
    /** Marks the list as out of date: it is read again when somebody looks. */
    close: () => of = "",
    get image() {
      return image;
    },
    get error() {
      return error;
    },
    /** The states read so far, and whether there are more. */
    rows: () => ({ versions: versions.slice(0, wanted), isMore: versions.length > wanted }),
    /**
     * The version in which the labeler left the image; "" while that is not known. Where nobody is
     * named, it is the version in which the image became done.
     * @param {Doc} document as it is now
     */
    left({ metadata = {} }) {
      const labeler = metadata.labeled_by ?? metadata.saved_by ?? "";
      const own = versions.find(({ saved_by: by }) => labeler && by === labeler);
      const open = versions.findIndex(({ status }) => !["done", "approved"].includes(status));
      const found = own ?? versions.at(open > 0 ? open - 1 : open);
      const place = found ? versions.indexOf(found) : 0;
      if (place >= wanted) {
        wanted = place + 1;
        read(asked);
      }
      return found?.version ?? "";
    },
    /** The document in a version, and the one before it; null if there was none, undefined if unknown. @param {string} version */
    pair(version) {
      const place = versions.findIndex((one) => one.version === version);
      const earlier = versions[place + 1];
      return {
        after: documents.get(version) ?? undefined,
        before: earlier ? documents.get(earlier.version) ?? undefined : null,
      };
    },
  };
}
