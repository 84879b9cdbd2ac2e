// A server and a journal in memory that keep the contracts of the real ones, and can go wrong.

import { pause } from "../clock.js";
import { dumpDocument, parseDocument } from "../../../labeler/ui/workbench/document.js";
import { CHANGE_TYPE, changed } from "../../../labeler/ui/workbench/document_change.js";
import { createSession } from "../../../labeler/ui/workbench/session.js";

/** @typedef {import("../../../labeler/ui/workbench/document.js").Doc} Doc */
/** @typedef {import("../../../labeler/ui/workbench/document.js").Rect} Rect */
/** @typedef {import("../../../labeler/ui/workbench/journal.js").JournalRecord} JournalRecord */

/** @param {string} id @param {number} [left] @param {object} [more] @returns {Rect} */
export const rect = (id, left = 10, more = {}) => ({
  left,
  top: 20,
  width: 30,
  height: 40,
  label: "cat",
  id,
  ...more,
});

/** @param {Rect[]} rects @param {string} [status] @returns {Doc} */
export const doc = (rects, status) => ({
  rects,
  image_path: "a.jpg",
  image_width: 400,
  image_height: 300,
  metadata: status ? { status } : {},
});

/**
 * @typedef {"fine" | "lost" | "unreached" | number} Mood
 * @typedef {{ method: string, image: string, body: string, status: number, token: string | null }} Call
 * @typedef {{ documents: Map<string, { text: string, version: number }>, calls: Call[],
 *   mood: Mood | (() => Mood), headers: Record<string, string>, token: string, isBrief: boolean, isOld: boolean,
 *   list: { image_id: string, image_path: string, status: string, rects: number }[],
 *   put: (image: string, document: Doc) => void, get: (image: string) => Doc,
 *   puts: () => Call[], fetch: typeof fetch }} Server
 */

/**
 * An API over one kind of fetch. `mood` says what becomes of the next call: `fine`, `lost` (it is
 * done, and no answer comes), `unreached`, a status, or a function that says one. `isBrief`: a write
 * is answered without a body, as its caller prefers. `isOld`: it takes whole documents only.
 * @returns {Server}
 */
export function createServer() {
  /** @type {Map<string, { text: string, version: number }>} */
  const documents = new Map();
  let version = 0;
  /** @type {Server} */
  const server = {
    documents,
    calls: [],
    mood: "fine",
    headers: {},
    token: "t1",
    isBrief: true,
    isOld: false,
    list: [],
    put(image, document) {
      version += 1;
      documents.set(image, { text: dumpDocument(document), version });
    },
    get: (image) => parseDocument(/** @type {any} */ (documents.get(image)).text),
    puts: () => server.calls.filter((call) => call.method === "PUT"),
    fetch: async (input, init) => {
      const mood = typeof server.mood === "function" ? server.mood() : server.mood;
      await pause();
      init?.signal?.throwIfAborted();
      if (mood === "unreached") throw new TypeError("no network");
      const [path, query] = String(input).split("?");
      const image = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
      const method = init?.method ?? "GET";
      const headers = new Headers(init?.headers);
      const token = headers.get("Authorization");
      const body = String(init?.body ?? "");
      const response = typeof mood === "number"
        ? failure(mood, server.headers)
        : token !== `Bearer ${server.token}`
        ? failure(401)
        : path.endsWith("/api/images")
        ? listed(query)
        : method === "PUT"
        ? written(image, body, headers)
        : read(image, headers);
      server.calls.push({ method, image, body, status: response.status, token });
      if (mood === "lost") throw new TypeError("the connection was cut");
      return response;
    },
  };

  /** @param {number} status @param {Record<string, string>} [headers] */
  const failure = (status, headers = {}) =>
    new Response(JSON.stringify({ error: { code: "x", message: `error ${status}` } }), {
      status,
      headers,
    });

  /** @param {string | undefined} query */
  function listed(query) {
    const asked = new URLSearchParams(query);
    const { list } = server;
    const limit = Number(asked.get("limit") ?? 100);
    const place = list.findIndex(({ image_id }) => image_id === asked.get("around"));
    if (asked.has("around") && place < 0) return failure(404);
    const before = asked.get("before");
    const start = asked.has("around")
      ? place - Math.max(1, Math.floor(limit / 2))
      : before
      ? Number(before) - limit
      : Number(asked.get("after") ?? 0);
    const index = Math.max(0, start);
    const end = asked.has("around")
      ? 2 * place - start + 1
      : before
      ? Number(before)
      : start + limit;
    const images = list.slice(index, end);
    const next = end < list.length ? String(end) : null;
    const previous = index > 0 ? String(index) : null;
    const counts = asked.has("around") ? { index, total: list.length } : {};
    return new Response(JSON.stringify({ images, next, previous, ...counts }));
  }

  /** @param {string} image @param {Headers} headers */
  function read(image, headers) {
    const found = documents.get(image);
    if (!found) return failure(404);
    const ETag = `"${found.version}"`;
    if (headers.get("If-None-Match") === ETag) return new Response(null, { status: 304 });
    return new Response(found.text, { headers: { ETag } });
  }

  /** @param {string} image @param {string} body @param {Headers} headers */
  function written(image, body, headers) {
    const found = documents.get(image);
    const tag = found ? `"${found.version}"` : null;
    const isRight = headers.has("If-Match") ? headers.get("If-Match") === tag : !found;
    if (!isRight) {
      const document = found ? JSON.parse(found.text) : null;
      return new Response(JSON.stringify({ error: {}, document, etag: tag }), { status: 412 });
    }
    const isChange = headers.get("Content-Type") === CHANGE_TYPE;
    if (isChange && server.isOld) return failure(422);
    const document = !isChange
      ? parseDocument(body)
      : /** @type {Doc} */ (changed(server.get(image), JSON.parse(body)));
    const metadata = { ...document.metadata, saved_at: String(version), saved_by: "ana" };
    server.put(image, { ...document, metadata });
    const stored = /** @type {any} */ (documents.get(image));
    const status = found ? 200 : 201;
    const ETag = `"${stored.version}"`;
    if (server.isBrief && headers.get("Prefer") === "return=minimal") {
      return new Response(null, {
        status,
        headers: { ETag, "Preference-Applied": "return=minimal" },
      });
    }
    return new Response(stored.text, { status, headers: { ETag } });
  }
  return server;
}

/** A journal of which several tabs share the records. @param {Map<string, JournalRecord>} [records] */
export function createMemoryJournal(records = new Map()) {
  /** @type {Map<string, number>} */
  const beats = new Map();
  const journal = {
    records,
    isFull: false,
    /** @param {JournalRecord} record */
    async write(record) {
      await pause();
      if (journal.isFull) throw new Error("The disk is full.");
      const mine = record.sequence === 1 || records.get(record.key)?.owner === record.owner;
      if (mine) records.set(record.key, structuredClone(record));
      return mine;
    },
    /** @param {string} key @param {string} owner */
    async owns(key, owner) {
      await pause();
      return records.get(key)?.owner === owner;
    },
    /** @param {string} key @param {string} owner */
    async remove(key, owner) {
      await pause();
      if (records.get(key)?.owner === owner) records.delete(key);
    },
    /** @param {string} key @param {string} from @param {string} to */
    async take(key, from, to) {
      await pause();
      const found = records.get(key);
      if (found?.owner !== from) return null;
      records.set(key, { ...found, owner: to });
      return { ...found, owner: to };
    },
    list: () => Promise.resolve([...records.values()]),
    /** @param {string} owner @param {number} count */
    beat: (owner, count) => Promise.resolve(void beats.set(owner, count)),
    beats: () => Promise.resolve(new Map(beats)),
    /** @param {string} owner */
    forget: (owner) => Promise.resolve(void beats.delete(owner)),
    close: () => {},
  };
  return journal;
}

/** A picture's bytes are of no interest here. */
const decoder = {
  decode() {
    const bitmap = /** @type {any} */ ({ width: 400, height: 300, close: () => {} });
    return Promise.resolve([{ bitmap, scale: 1 }]);
  },
  close: () => {},
};

/** An IndexedDB that can't be opened, as in some private windows. @type {any} */
const NO_STORAGE = {
  open() {
    throw new Error("There is no storage.");
  },
};

/** A session of ana's tab over these answers. @param {typeof fetch} answer @param {object} more */
export const startSession = (answer, more) =>
  createSession({
    baseUrl: "http://x",
    token: () => "t1",
    renewToken: () => Promise.resolve("t1"),
    client: "tab",
    person: "ana",
    fetch: answer,
    storage: NO_STORAGE,
    locks: null,
    decoder,
    ...more,
  });
