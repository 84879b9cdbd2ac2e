import assert from "node:assert/strict";
import { addressOf } from "../../../labeler/ui/components/navigation.js";

Deno.test("the address of a view keeps the image and the filters", () => {
  assert.equal(addressOf("?image=a&status=done", "labels"), "?image=a&status=done&view=labels");
  assert.equal(addressOf("?view=data&image=a", "labels"), "?image=a&view=labels");
  assert.equal(addressOf("?view=data&image=a&find=x%26y", ""), "?image=a&find=x%26y");
  assert.equal(addressOf("", ""), "?");
});
