// The earlier states of the open image, read as far as somebody looks at them.

/** @typedef {import("./backend.js").Version} Version */
/** @typedef {import("./document.js").Doc} Doc */

/** States that are read at once, for what differs between them. */
const STEP = 12;

/**
 * @param {import("./backend.js").Backend} backend @param {() => void} onChange
 */
export function createPast(backend, onChange) {
  let image = "";
  /** The state of the document that the list is of. */
  let of = "";
  /** @type {readonly Version[]} */
  let versions = [];
  /** A version is the same for good. @type {Map<string, Doc | null>} */
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
    /** Have the states of the image that `tag` names the last one of. @param {string} next @param {string} tag */
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
    /** Forget that the list is there: it is read anew when somebody looks. */
    close: () => of = "",
    get image() {
      return image;
    },
    get error() {
      return error;
    },
    /** Those that are read, and whether there are more. */
    rows: () => ({ versions: versions.slice(0, wanted), isMore: versions.length > wanted }),
    /** The document in a version, and before it: null where nothing was; undefined where unknown. @param {string} version */
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
