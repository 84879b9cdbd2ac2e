// A token is asked for until the page answers, whatever is lost meanwhile.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createRenewal } from "../../../labeler/ui/workbench/renewal.js";

const ANSWER = { token: "t2", person: "ana" };

Deno.test("a request that is lost is made again, and its answer counts once", async () => {
  /** @type {string[]} */
  const asked = [];
  const renewal = createRenewal((request) => asked.push(request));
  const renewed = renewal.renew();
  await until(() => asked.length >= 3);
  renewal.answered({ token: "old", person: "ana" }, null, false);
  renewal.answered({ token: "old", person: "ana" }, "another request 1", false);
  renewal.answered(ANSWER, asked[1], false);
  assert.deepEqual(await renewed, ANSWER);
  const count = asked.length;
  await pause(60_000);
  assert.equal(asked.length, count);
});

Deno.test("a session that has just begun answers what the one before was asked", async () => {
  const renewal = createRenewal(() => {});
  const [one, two] = [renewal.renew(), renewal.renew()];
  renewal.answered(ANSWER, null, true);
  assert.deepEqual(await Promise.all([one, two]), [ANSWER, ANSWER]);
  renewal.end();
});

Deno.test("a page that never answers is not asked for ever", async () => {
  /** @type {string[]} */
  const asked = [];
  const renewal = createRenewal((request) => asked.push(request));
  renewal.renew();
  await until(() => asked.length === 10);
  await pause(60_000);
  assert.equal(asked.length, 10);
  assert.equal(new Set(asked).size, 10);
});
