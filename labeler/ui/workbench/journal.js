// The journal: unsaved work, durable in the browser (IndexedDB) until the server has it. A record
// belongs to one tab. When that tab is gone, exactly one other tab takes the record over.

/** @typedef {import("./document.js").Doc} Doc */

/**
 * One image's unsaved work, as JSON texts. `tried`: what was sent without an answer. `owner`: the
 * tab. `etag` null: there was no document.
 * @typedef {{ key: string, person: string, owner: string, image: string, etag: string | null,
 *   base: string, wanted: string, tried: string[], sequence: number }} JournalRecord
 */

/**
 * @typedef {{
 *   write: (record: JournalRecord) => Promise<boolean>,
 *   owns: (key: string, owner: string) => Promise<boolean>,
 *   remove: (key: string, owner: string) => Promise<void>,
 *   take: (key: string, from: string, to: string) => Promise<JournalRecord | null>,
 *   list: () => Promise<JournalRecord[]>,
 *   beat: (owner: string, count: number) => Promise<void>,
 *   beats: () => Promise<Map<string, number>>,
 *   forget: (owner: string) => Promise<void>,
 *   close: () => void,
 * }} Journal
 */

const NAME = "labeler-workbench";
const [RECORDS, BEATS] = ["records", "beats"];

/**
 * A journal in IndexedDB. Each call rejects if the browser can't store it.
 * @param {IDBFactory} factory @param {string} [name] @returns {Journal}
 */
export function openJournal(factory, name = NAME) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;

  /** The database; it is opened again after the browser has closed it. @returns {Promise<IDBDatabase>} */
  function database() {
    opening ??= new Promise((resolve, reject) => {
      const request = factory.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(RECORDS, { keyPath: "key" });
        request.result.createObjectStore(BEATS);
      };
      request.onsuccess = () => {
        request.result.onclose = () => opening = null;
        request.result.onversionchange = () => {
          request.result.close();
          opening = null;
        };
        resolve(request.result);
      };
      request.onerror = () => reject(request.error);
    });
    opening.catch(() => opening = null);
    return opening;
  }

  /**
   * The result of `work`, once the transaction is on disk.
   * @template T
   * @param {string} store @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore, done: (value: T) => void) => void} work @returns {Promise<T>}
   */
  async function transaction(store, mode, work) {
    const opened = await database();
    return await new Promise((resolve, reject) => {
      /** @type {T} */
      let result;
      const running = opened.transaction(store, mode, { durability: "strict" });
      running.oncomplete = () => resolve(result);
      running.onabort = () => reject(running.error ?? new Error("The journal was not written."));
      work(running.objectStore(store), (value) => result = value);
    });
  }

  /** @param {string} owner @param {number | null} count @returns {Promise<void>} */
  const setBeat = (owner, count) =>
    transaction(BEATS, "readwrite", (store) => {
      if (count === null) store.delete(owner);
      else store.put(count, owner);
    });

  return {
    /** Whether the record was written; false if another tab has taken it over. */
    write: (record) =>
      transaction(RECORDS, "readwrite", (store, done) => {
        const found = store.get(record.key);
        found.onsuccess = () => {
          const mine = record.sequence === 1 || found.result?.owner === record.owner;
          if (mine) store.put(record);
          done(mine);
        };
      }),
    owns: (key, owner) =>
      transaction(RECORDS, "readonly", (store, done) => {
        const found = store.get(key);
        found.onsuccess = () => done(found.result?.owner === owner);
      }),
    remove: (key, owner) =>
      transaction(RECORDS, "readwrite", (store) => {
        const found = store.get(key);
        found.onsuccess = () => {
          if (found.result?.owner === owner) store.delete(key);
        };
      }),
    /** The record, now the new owner's; null if the old owner no longer had it. */
    take: (key, from, to) =>
      transaction(RECORDS, "readwrite", (store, done) => {
        const found = store.get(key);
        found.onsuccess = () => {
          const taken = found.result?.owner === from ? { ...found.result, owner: to } : null;
          if (taken) store.put(taken);
          done(taken);
        };
      }),
    list: () =>
      transaction(RECORDS, "readonly", (store, done) => {
        const found = store.getAll();
        found.onsuccess = () => done(found.result);
      }),
    beat: setBeat,
    forget: (owner) => setBeat(owner, null),
    beats: () =>
      transaction(BEATS, "readonly", (store, done) => {
        /** @type {Map<string, number>} */
        const beats = new Map();
        const cursor = store.openCursor();
        cursor.onsuccess = () => {
          if (!cursor.result) return done(beats);
          beats.set(String(cursor.result.key), cursor.result.value);
          cursor.result.continue();
        };
      }),
    close() {
      opening?.then((opened) => opened.close(), () => {});
      opening = null;
    },
  };
}
