import assert from "node:assert/strict";
import "../clock.js";
import { fileHeaders, renewToken } from "../../../labeler/ui/components/transfer.js";

Deno.test("a file's name is sent in a header, whatever letters it has", () => {
  assert.deepEqual(fileHeaders({ Authorization: "Bearer t" }, "für 1.png"), {
    Authorization: "Bearer t",
    "X-File-Name": "f%C3%BCr%201.png",
    "X-Labeler-Client": "page",
  });
});

Deno.test("a fresh token is waited for until the page has brought it", async () => {
  let renewal = 0;
  /** @type {[string, unknown][]} */
  const asked = [];
  const component = {
    parentElement: /** @type {HTMLElement} */ ({}),
    data: null,
    setStateValue(/** @type {string} */ name, /** @type {unknown} */ value) {
      asked.push([name, value]);
      setTimeout(() => (renewal = Number(value)), 80);
    },
    setTriggerValue() {},
  };
  assert.equal(await renewToken(component, () => renewal), true);
  assert.deepEqual(asked, [["renewal", renewal]]);
});
