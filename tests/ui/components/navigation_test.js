import assert from "node:assert/strict";
import { addressOf, hiddenEnds } from "../../../labeler/ui/components/navigation.js";

Deno.test("the address of a view keeps the image and the filters", () => {
  assert.equal(addressOf("?image=a&status=done", "labels"), "?image=a&status=done&view=labels");
  assert.equal(addressOf("?view=data&image=a", "labels"), "?image=a&view=labels");
  assert.equal(addressOf("?view=data&image=a&find=x%26y", ""), "?image=a&find=x%26y");
  assert.equal(addressOf("", ""), "?");
});

Deno.test("the row says at which ends there is more of it", () => {
  const row = { scrollLeft: 0, clientWidth: 390, scrollWidth: 390 };
  assert.deepEqual(hiddenEnds(row), { before: false, after: false });
  assert.deepEqual(hiddenEnds({ ...row, scrollWidth: 460 }), { before: false, after: true });
  assert.deepEqual(hiddenEnds({ ...row, scrollWidth: 460, scrollLeft: 30 }), {
    before: true,
    after: true,
  });
  assert.deepEqual(hiddenEnds({ ...row, scrollWidth: 460, scrollLeft: 70 }), {
    before: true,
    after: false,
  });
});
