// Sends one dataset to POST /api/imports. The answer is a stream of lines: the progress, then the
// report.

/** @typedef {import("./importer_report.js").Report} Report */
/** @typedef {{ doing?: string, done?: number, total?: number }} Progress */
/** @typedef {{ code?: string, message?: string }} Problem */
/** @typedef {Progress & { report?: Report, error?: Problem }} Line */

const PACK_ABOVE = 2 ** 20;
const BUSY_PAUSE_MS = 2000;
const ZIP = "PK";
const CUT = "The connection was cut. Import the file again: what is already imported stays.";

/**
 * The body to send. Text is compressed to about a tenth, so that large datasets pass servers that
 * limit the size of requests.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function packed(file) {
  const isZip = (await file.slice(0, 2).text()) === ZIP;
  if (isZip || file.size < PACK_ABOVE || !globalThis.CompressionStream) return file;
  return new Response(file.stream().pipeThrough(new CompressionStream("gzip"))).blob();
}

/**
 * Each line of the stream, parsed as JSON. Text after the last line break is ignored.
 * @param {ReadableStream<BufferSource>} stream
 * @returns {AsyncGenerator<Line, void, void>}
 */
export async function* linesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (text + value).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

/** @param {Response} answer @returns {Promise<Problem | null>} */
const problemOf = (answer) =>
  answer.ok ? Promise.resolve(null) : answer.json().then((body) => body?.error, () => null);

/** A dataset that the server refuses; `code` says why, for the view. */
export class Refused extends Error {
  /** @param {string} message @param {string} [code] */
  constructor(message, code = "") {
    super(message);
    this.code = code;
  }
}

/**
 * The address of an import.
 * @param {{ format: string, existing: string, status: string, names: string, dryRun: boolean }} asked
 *   `names` has one class per line
 */
export function importAddress({ format, existing, status, names, dryRun }) {
  const query = new URLSearchParams({ format, existing, status, dry_run: dryRun ? "1" : "0" });
  const lines = names.split("\n").map((name) => name.trim());
  while (lines.at(-1) === "") lines.pop();
  for (const name of lines) query.append("class_name", name);
  return `api/imports?${query}`;
}

/**
 * Sends a dataset and reads the answer. Throws a Refused whose message is for the person.
 * @param {{
 *   send: () => Promise<Response>,
 *   renew: () => Promise<boolean>,
 *   pause: (ms: number) => Promise<void>,
 *   tell: (progress: Progress) => void,
 *   wait: (message: string) => void,
 * }} means `wait` is told why the server does not begin yet
 * @returns {Promise<Report>}
 */
export async function importFile({ send, renew, pause, tell, wait }) {
  let answer = await send();
  if (answer.status === 401 && await renew()) answer = await send();
  let problem = await problemOf(answer);
  // One import runs at a time: another person's, or this one from before a reload. Or this person
  // calls too often.
  while (problem?.code === "busy" || problem?.code === "too_many_calls") {
    wait(problem.message ?? "");
    await pause(BUSY_PAUSE_MS);
    answer = await send();
    problem = await problemOf(answer);
  }
  if (!answer.ok || !answer.body) {
    throw new Refused(problem?.message ?? `The server answered ${answer.status}.`, problem?.code);
  }
  /** @type {Line} */
  let last = {};
  for await (const line of linesOf(answer.body)) {
    if (line.doing) tell(line);
    last = line;
  }
  if (last.report) return last.report;
  throw new Refused(last.error?.message ?? CUT, last.error?.code);
}
