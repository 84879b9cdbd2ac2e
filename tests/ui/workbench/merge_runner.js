// Runs the merge of the workbench on the cases of stdin, a JSON object per line, for comparison.

import { normalized, parseJson } from "../../../labeler/ui/workbench/document.js";
import { changeText } from "../../../labeler/ui/workbench/document_change.js";
import { withIds } from "../../../labeler/ui/workbench/identity.js";
import { merge, resolve, withLanded } from "../../../labeler/ui/workbench/merge.js";

const text = await new Response(Deno.stdin.readable).text();
for (const line of text.trim().split("\n")) {
  const sides = parseJson(line);
  const [base, ours, theirs] = [sides.base, sides.ours, sides.theirs].map(normalized);
  const merged = merge(base, ours, theirs);
  const [tried, stored] = [withIds(ours), withIds(theirs)];
  const landed = withLanded(withIds(base), [tried], stored);
  const chosen = ["ours", "theirs", "both"].map((choice) =>
    merged.conflicts.reduce(
      (document, conflict) => resolve(document, conflict, /** @type {any} */ (choice)),
      merged.document,
    )
  );
  console.log(
    JSON.stringify({
      document: merged.document,
      conflicts: merged.conflicts,
      landed,
      again: merge(landed, tried, stored).document,
      chosen,
      change: changeText(withIds(base), tried),
    }),
  );
}
