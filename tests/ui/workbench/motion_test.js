// Whether the image is painted in hard pixels while the view moves.

import assert from "node:assert/strict";
import { pause, until } from "../clock.js";
import { createMotion } from "../../../labeler/ui/workbench/motion.js";

/** A motion whose last smooth frame took that long. @param {number} ms */
async function createMeasured(ms) {
  let rests = 0;
  const motion = createMotion(() => rests++);
  const { now } = performance;
  motion.measure();
  performance.now = () => now() + ms;
  await pause(1);
  performance.now = now;
  return { motion, rests: () => rests };
}

Deno.test("a slow browser gets hard pixels while the view moves, and smooth ones when it rests", async () => {
  const { motion, rests } = await createMeasured(7);
  assert.equal(motion.isHard(), false);
  for (let turn = 0; turn < 20; turn++) {
    motion.moved();
    await pause(100);
    assert.deepEqual([motion.isHard(), rests()], [true, 0]);
  }
  await until(() => rests() > 0);
  await pause(10_000);
  assert.deepEqual([motion.isHard(), rests()], [false, 1]);
});

Deno.test("a fast browser gets smooth pixels all the time", async () => {
  const { motion } = await createMeasured(3);
  motion.moved();
  assert.equal(motion.isHard(), false);
});

Deno.test("what is stopped neither moves nor comes to rest", async () => {
  const { motion, rests } = await createMeasured(7);
  motion.moved();
  motion.stop();
  assert.equal(motion.isHard(), false);
  await pause(10_000);
  assert.equal(rests(), 0);
});
