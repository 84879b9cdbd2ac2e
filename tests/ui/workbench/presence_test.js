// Who else works on the open image.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { othersWords } from "../../../labeler/ui/workbench/panels/bar.js";
import { createPresence } from "../../../labeler/ui/workbench/presence.js";

Deno.test("whose change has come is here for a minute, and the open image's holder as long as they hold it", async () => {
  let image = "a";
  let needsWork = true;
  /** @type {Record<string, { by: string, own: boolean } | null>} */
  const claims = { a: null, b: { by: "ben", own: false }, c: { by: "ana", own: true } };
  const told = /** @type {string[]} */ ([]);
  const call = async (/** @type {string} */ path) => {
    await pause();
    const claim = claims[path.split("/")[3]];
    const response = claim ? Response.json(claim) : new Response(null, { status: 204 });
    return { response, body: await response.clone().blob() };
  };
  const presence = createPresence({
    backend: /** @type {any} */ ({ call }),
    image: () => image,
    needsWork: () => needsWork,
    person: "ana",
    onChange: () => told.push(presence.others().join()),
  });
  try {
    presence.heard("a", "cem");
    presence.heard("a", "ana");
    presence.heard("b", "dan");
    assert.deepEqual(presence.others(), ["cem"]);
    presence.heard("a", "");
    assert.deepEqual(presence.others(), ["", "cem"]);
    await pause(59_999);
    assert.deepEqual(presence.others(), ["", "cem"]);
    await until(() => presence.others().length === 0);
    image = "b";
    assert.deepEqual(presence.others(), []);
    await until(() => presence.others().join() === "ben");
    presence.heard("b", "ben");
    assert.deepEqual(presence.others(), ["ben"]);
    // Ben has finished the image: who has just changed it is here for a while, its claim is not.
    needsWork = false;
    await pause(59_000);
    assert.deepEqual(presence.others(), ["ben"]);
    await pause(6_000);
    assert.deepEqual(presence.others(), []);
    image = "c";
    needsWork = true;
    await pause(60_000);
    assert.deepEqual(presence.others(), []);
    assert.deepEqual(told, ["cem", ",cem", "", "ben", ""]);
  } finally {
    presence.close();
  }
});

Deno.test("others are named as far as they have names", () => {
  assert.equal(othersWords([]), "");
  assert.equal(othersWords([""]), "Also here: somebody else");
  assert.equal(othersWords(["", "ana", "ben"]), "Also here: ana, ben, somebody else");
});
