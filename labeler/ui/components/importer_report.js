// An import's report and progress in words, for the view to show.

/**
 * What POST /api/imports reports.
 * @typedef {{
 *   format: string,
 *   dry_run: boolean,
 *   added_images: number,
 *   boxes: Record<string, number>,
 *   images: Record<string, number>,
 *   new_labels: string[],
 *   problem_count: number,
 *   problems: { file?: string, place?: string, reason: string, fault?: boolean }[],
 * }} Report
 */

/**
 * @typedef {{
 *   title: string,
 *   counts: { count: string, text: string }[],
 *   labels: string,
 *   head: string,
 *   problems: { text: string, bad: boolean }[],
 * }} Words
 */

const MOST_SHOWN = 2000;

/**
 * What would happen and what has happened, each in singular and plural.
 * @type {Record<string, [string, string][]>}
 */
const COUNTED = {
  added: [["image will be added", "images will be added"], [
    "image was added",
    "images were added",
  ]],
  boxes: [["box will be imported", "boxes will be imported"], [
    "box was imported",
    "boxes were imported",
  ]],
  imported: [["image will get boxes", "images will get boxes"], [
    "image got boxes",
    "images got boxes",
  ]],
  unchanged: [["image already has exactly these boxes", "images already have exactly these boxes"]],
  kept: [
    ["image will keep its boxes", "images will keep their boxes"],
    ["image kept its boxes", "images kept their boxes"],
  ],
  left_out: [
    ["image in the file will be left out", "images in the file will be left out"],
    ["image in the file was left out", "images in the file were left out"],
  ],
};

/** @param {number} count */
const number = (count) => count.toLocaleString();

/** @param {string} what @param {number} count @param {boolean} dryRun */
function line(what, count, dryRun) {
  const words = COUNTED[what][dryRun ? 0 : 1] ?? COUNTED[what][0];
  return { count: number(count), text: words[count === 1 ? 0 : 1] };
}

/** @param {Report} report @returns {Words} */
export function reportWords(report) {
  const { dry_run: dryRun, new_labels: labels, problem_count: problemCount } = report;
  const boxes = Object.values(report.boxes).reduce((sum, count) => sum + count, 0);
  const outcomes = Object.entries(report.images)
    .filter(([outcome, count]) => count || outcome === "imported");
  const head = problemCount ? `Left out or changed (${number(problemCount)}):` : "";
  return {
    title: dryRun ? "Preview" : "Imported",
    counts: [
      ...(report.added_images ? [line("added", report.added_images, dryRun)] : []),
      line("boxes", boxes, dryRun),
      ...outcomes.map(([outcome, count]) => line(outcome, count, dryRun)),
    ],
    labels: labels.length ? `New labels (${number(labels.length)}): ${labels.join(", ")}` : "",
    head: problemCount > MOST_SHOWN ? `${head} the first ${number(MOST_SHOWN)} are listed` : head,
    problems: report.problems.slice(0, MOST_SHOWN).map(({ file, place, reason, fault }) => ({
      text: `${[file, place].filter(Boolean).join(": ")}: ${reason}`,
      bad: !!fault,
    })),
  };
}

/** @param {Report} report of a dry run; tells whether the import would change nothing */
export const isIdle = (report) =>
  report.dry_run && !(report.images.imported || report.added_images);

/** @param {{ doing?: string, done?: number, total?: number }} progress */
export function progressText({ doing = "working", done = 0, total = 0 }) {
  const words = doing[0].toUpperCase() + doing.slice(1);
  if (total) return `${words}: ${number(done)} of ${number(total)} …`;
  return `${words}${done ? `: ${number(done)}` : ""} …`;
}

/** @param {{ name: string, size: number }} file */
export function nameAndSize({ name, size }) {
  const shown = size < 2 ** 20
    ? `${Math.ceil(size / 1024)} kB`
    : `${(size / 2 ** 20).toFixed(1)} MB`;
  return `${name} (${shown})`;
}
