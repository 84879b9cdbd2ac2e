// The table of saving, and the waits between tries.

import assert from "node:assert/strict";
import { backoff, reduce, SAVED, shown } from "../../../labeler/ui/workbench/sync.js";

Deno.test("saving: no event of any state claims that something is saved which is not", () => {
  const states = [
    "pending",
    "sending",
    "offline",
    "failed",
    "refused",
    "gone",
    "locked",
    "signedOut",
  ];
  const events = [
    "changed",
    "due",
    "merged",
    "online",
    "retry",
    "network",
    "refused",
    "gone",
    "locked",
  ];
  for (const saving of /** @type {any[]} */ (states)) {
    for (const type of /** @type {any[]} */ ([...events, "signedOut", "unavailable"])) {
      const next = reduce({ ...SAVED, saving }, { type, message: "why", after: 0 });
      assert.notEqual(next.state.saving, "saved", `${saving} ${type}`);
    }
  }
  const sending = { ...SAVED, saving: /** @type {const} */ ("sending"), dirty: true };
  assert.equal(reduce(sending, { type: "stored" }).state.saving, "pending");
  assert.equal(reduce({ ...sending, dirty: false }, { type: "stored" }).state.saving, "saved");
  assert.deepEqual(
    ["saved", "pending", "sending", "offline", "failed", "gone"].map(
      (one) => shown(/** @type {any} */ (one)),
    ),
    ["saved", "pending", "pending", "offline", "failed", "failed"],
  );
  assert.deepEqual([1, 2, 3, 4, 5, 9].map((count) => backoff(count, 0)), [
    1000,
    2000,
    4000,
    8000,
    15000,
    15000,
  ]);
  assert.equal(backoff(1, 60_000), 60_000);
});
