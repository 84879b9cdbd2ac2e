import assert from "node:assert/strict";
import { isLight, levelFor } from "../../../labeler/ui/workbench/painter.js";

Deno.test("the smallest copy that still has all pixels is painted", () => {
  const levels = [1, 0.5, 0.25].map((scale) => ({ scale, bitmap: /** @type {any} */ (null) }));
  assert.deepEqual([4, 1, 0.6, 0.5, 0.3, 0.1].map((scale) => levelFor(levels, scale).scale), [
    1,
    1,
    1,
    0.5,
    0.5,
    0.25,
  ]);
});

Deno.test("letters are black on light colors and white on dark ones", () => {
  assert.ok(isLight("#ffff00") && isLight("#ffffff") && !isLight("#000075") && !isLight("#b00020"));
});
