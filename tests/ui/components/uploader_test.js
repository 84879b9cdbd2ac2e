import assert from "node:assert/strict";
import {
  newBatch,
  pastedName,
  progressText,
  reduceBatch,
  sizeProblem,
  summary,
} from "../../../labeler/ui/components/uploader_batch.js";
import { below, filesOf, isImageFile } from "../../../labeler/ui/components/uploader_files.js";
import { uploadFile } from "../../../labeler/ui/components/uploader_request.js";

/** @typedef {import("../../../labeler/ui/components/uploader_batch.js").BatchEvent} BatchEvent */
/** @typedef {import("../../../labeler/ui/components/uploader_request.js").Answer} Answer */

/** @param {BatchEvent[]} events */
const after = (...events) => events.reduce(reduceBatch, newBatch(1, "s"));
/** @param {number} place @param {boolean} [fresh] @returns {BatchEvent} */
const added = (place, fresh = true) => ({ type: "added", place, imageId: `id${place}`, fresh });
/** @type {BatchEvent} */
const FAILED = { type: "failed", problem: "no" };

Deno.test("the first image of a batch is the first chosen, not the first that was added", () => {
  const batch = after({ type: "chosen", count: 3 }, added(2), added(1), FAILED);
  assert.equal(batch.first, "id1");
  assert.deepEqual([batch.all, batch.done, batch.fresh, batch.failed], [3, 3, 2, 1]);
});

Deno.test("a batch grows while it is on its way", () => {
  const batch = after({ type: "chosen", count: 1 }, added(0), { type: "chosen", count: 1999 });
  assert.equal(progressText(batch), `1 of ${(2000).toLocaleString()} files …`);
  assert.equal(progressText(after({ type: "chosen", count: 1 })), "0 of 1 file …");
});

Deno.test("the summary names what was added, known and refused", () => {
  assert.equal(summary(after(added(0))), "1 image added.");
  assert.equal(
    summary(after(added(0), added(1), added(2, false), FAILED)),
    "2 images added. 1 image is already in the project; its boxes were kept. 1 file was rejected:",
  );
  assert.equal(
    summary(after(added(0, false), added(1, false), FAILED, FAILED)),
    "2 images are already in the project; their boxes were kept. 2 files were rejected:",
  );
});

/** @param {number[] | string} content of bytes @param {string} name */
function fileOf(content, name) {
  const bytes = typeof content === "string"
    ? [...content].map((letter) => letter.charCodeAt(0))
    : content;
  return new File([new Uint8Array(bytes)], name);
}

Deno.test("a file of a folder is an image by its extension, in either case", async () => {
  for (const name of ["a.JPG", "a.b.png", ".png", "png"]) {
    assert.ok(await isImageFile(fileOf("", name), ["jpg", "png"]), name);
  }
  for (const name of ["a.png.txt", "a.", "jpg.d", "notes"]) {
    assert.ok(!(await isImageFile(fileOf("BN", name), ["jpg", "png"])), name);
  }
});

Deno.test("a file of a folder is an image by its first bytes", async () => {
  const beginnings = ["\xff\xd8\xff\xe0", "\x89PNG", "GIF89a", "BM", "II*\0", "MM\0*"];
  for (const bytes of [...beginnings, "RIFF\x01\n\x03\x04WEBP"]) {
    assert.ok(await isImageFile(fileOf(bytes, "x.dat"), ["png"]), bytes);
  }
  assert.ok(!(await isImageFile(fileOf([1, 2, 3], "notes"), ["png"])));
});

Deno.test("paths are those below the folder that was chosen", () => {
  const files = ["chosen/cam1/b.png", ""].map((value, index) =>
    Object.defineProperty(fileOf("", "ba"[index] + ".png"), "webkitRelativePath", { value })
  );
  const found = below(files).map(({ path }) => path);
  assert.deepEqual(found, ["cam1/b.png", "a.png"]);
});

Deno.test("only a file above the limit is too large", () => {
  assert.equal(sizeProblem({ name: "a.png", size: 2 ** 20 }, 2 ** 20), "");
  assert.equal(
    sizeProblem({ name: "a.png", size: 1.5 * 2 ** 20 }, 2 ** 20),
    "a.png is 1.5 MB; the limit is 1 MB.",
  );
});

Deno.test("pasted images get names of their own, other files keep theirs", () => {
  const now = new Date("2026-03-04T05:06:07.890Z");
  assert.equal(
    pastedName({ name: "image.png", type: "image/png" }, now, 0),
    "pasted_20260304T050607_0.png",
  );
  assert.equal(
    pastedName({ name: "", type: "image/jpeg" }, now, 1),
    "pasted_20260304T050607_1.jpg",
  );
  assert.equal(pastedName({ name: "", type: "image/x" }, now, 2), "pasted_20260304T050607_2.png");
  assert.equal(pastedName({ name: "my.png", type: "image/png" }, now, 0), "my.png");
});

/**
 * Upload a file with these answers, in turn: an error stands for a network that fails.
 * @param {(Answer | Error)[]} answers
 * @param {{ renewed?: boolean, readable?: boolean }} [how]
 */
async function upload(answers, { renewed = false, readable = true } = {}) {
  /** @type {number[]} */
  const pauses = [];
  let renewals = 0;
  const outcome = await uploadFile({ name: "a.png", place: 4 }, {
    send() {
      const next = answers.shift() ?? new Error("no more answers");
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
    renew() {
      renewals += 1;
      return Promise.resolve(renewed);
    },
    readable: () => Promise.resolve(readable),
    pause(ms) {
      pauses.push(ms);
      return Promise.resolve();
    },
    random: () => 0.5,
  });
  return { outcome, pauses, renewals, left: answers.length };
}

/** @param {number} status @param {Answer["body"]} [body] @returns {Answer} */
const answer = (status, body = {}) => ({ status, body, after: null });
/** @param {string} message */
const error = (message) => ({ error: { message } });

Deno.test("a file that is added is fresh or known", async () => {
  for (const [status, fresh] of /** @type {const} */ ([[201, true], [200, false]])) {
    const { outcome, pauses } = await upload([answer(status, { image_id: "x" })]);
    assert.deepEqual(outcome, { type: "added", place: 4, imageId: "x", fresh });
    assert.deepEqual(pauses, []);
  }
});

Deno.test("what may pass is tried again, with pauses that double", async () => {
  const passing = [answer(503), answer(500), answer(408), new Error("cut")];
  const { outcome, pauses } = await upload([...passing, answer(201, { image_id: "x" })]);
  assert.equal(outcome.type, "added");
  assert.deepEqual(pauses, [500, 1000, 2000, 4000]);
});

Deno.test("a server that is away is asked twelve times in a minute or more", async () => {
  const away = Array(13).fill(answer(503, error("The bucket does not answer.")));
  const { outcome, left, pauses } = await upload(away);
  assert.deepEqual(outcome, { type: "failed", problem: "The bucket does not answer." });
  assert.equal(left, 1);
  assert.equal(Math.max(...pauses), 10_000);
  assert.ok(pauses.reduce((sum, ms) => sum + ms) > 60_000);
});

Deno.test("after six faults of the server the file has failed, for the last reason", async () => {
  const { outcome, left } = await upload(Array(7).fill(answer(500, error("The disk is full."))));
  assert.deepEqual(outcome, { type: "failed", problem: "The disk is full." });
  assert.equal(left, 1);
});

Deno.test("a file that comes too early is sent when the server says, however often", async () => {
  const early = { ...answer(429, error("Too many.")), after: "3" };
  const { outcome, pauses } = await upload([...Array(20).fill(early), answer(201)]);
  assert.equal(outcome.type, "added");
  assert.deepEqual(pauses, Array(20).fill(3000));
  const mixed = await upload([answer(503), early, answer(503), answer(429), answer(201)]);
  assert.deepEqual(mixed.pauses, [500, 3000, 500, 1000, 1000, 1000]);
});

Deno.test("what the server refuses for good is not tried again", async () => {
  const { outcome, left } = await upload([answer(415, error("No image.")), answer(201)]);
  assert.deepEqual([outcome, left], [{ type: "failed", problem: "No image." }, 1]);
  assert.deepEqual((await upload([answer(413)])).outcome, {
    type: "failed",
    problem: "The server answered 413.",
  });
});

Deno.test("a fresh token is asked for once", async () => {
  const first = await upload([answer(401, error("Expired.")), answer(201)], { renewed: true });
  assert.deepEqual([first.outcome.type, first.renewals], ["added", 1]);
  const twice = [answer(401, error("Expired.")), answer(401, error("Expired.")), answer(201)];
  const second = await upload(twice, { renewed: true });
  assert.deepEqual([second.outcome, second.renewals], [{ type: "failed", problem: "Expired." }, 1]);
});

Deno.test("a proxy that wants people to sign in is told from the server", async () => {
  const { outcome } = await upload([answer(401)]);
  assert.deepEqual(outcome, {
    type: "failed",
    problem: "a.png was not added: sign in again in another tab, then choose it again.",
  });
});

Deno.test("a network that fails is told from a file that is gone", async () => {
  const cut = Array(12).fill(new Error("cut"));
  assert.match(JSON.stringify(await upload([...cut])), /the server can't be reached/);
  assert.match(JSON.stringify(await upload(cut, { readable: false })), /can't be read any more/);
});

/** A folder that lists its entries in parts, as browsers do. @param {string} name @param {object[][]} parts */
const folder = (name, ...parts) => ({
  name,
  isFile: false,
  isDirectory: true,
  createReader: () => {
    const left = [...parts, []];
    return {
      readEntries: (/** @type {(some: object[]) => void} */ found) => found(left.shift() ?? []),
    };
  },
});
/** @param {string} name */
const file = (name) => ({
  name,
  isFile: true,
  isDirectory: false,
  file: (/** @type {(file: File) => void} */ found) => found(new File([], name)),
});

Deno.test("a drop brings its files and all that lie in its folders, in order", async () => {
  const deep = folder("deep", [file("c"), folder("er", [file("d")])], [file("e")]);
  const items = [
    { kind: "file", webkitGetAsEntry: () => file("a"), getAsFile: () => null },
    { kind: "string", webkitGetAsEntry: () => null, getAsFile: () => null },
    { kind: "file", webkitGetAsEntry: () => deep, getAsFile: () => null },
    { kind: "file", webkitGetAsEntry: () => null, getAsFile: () => new File([], "b") },
    { kind: "file", webkitGetAsEntry: () => null, getAsFile: () => null },
  ];
  const transfer = /** @type {DataTransfer} */ (/** @type {unknown} */ ({ items }));
  const found = (await filesOf(transfer)).map((one) => [
    one.fromFolder,
    one.files.map(({ path }) => path).join(),
  ]);
  assert.deepEqual(found, [[false, "a"], [true, "c,er/d,e"], [false, "b"], [false, ""]]);
});
