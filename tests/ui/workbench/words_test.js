import assert from "node:assert/strict";
import { visible } from "../../../labeler/ui/workbench/words.js";

Deno.test("what would steer a text is shown as an escape", () => {
  assert.equal(visible("a\u202egpj.exe"), "a\\u202egpj.exe");
  assert.equal(
    visible("\u2066a\u2069 \0\x1b[31m\x9f"),
    "\\u2066a\\u2069 \\u0000\\u001b[31m\\u009f",
  );
});

Deno.test("texts of all scripts stay as they are", () => {
  for (
    const text of ["", "two\nlines\tand a tab", "חתול\u200f", "می\u200cخواهم", "👩\u200d🚒", "<b>"]
  ) {
    assert.equal(visible(text), text);
  }
});
