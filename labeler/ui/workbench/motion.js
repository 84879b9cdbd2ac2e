// Whether the view moves, and whether the image is then painted in hard pixels. Smoothing takes most
// of a frame where no graphics card does it.

/** How long the view has to rest until it no longer counts as moving, in ms. */
const REST_MS = 120;
/** If a smooth frame keeps the main thread longer, in ms, frames in motion get hard pixels. */
const SLOW_MS = 5;

/** @param {() => void} rested called when the view has come to rest */
export function createMotion(rested) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isMoving = false;
  let isSlow = false;

  function stop() {
    clearTimeout(timer);
    isMoving = false;
  }
  return {
    moved() {
      stop();
      isMoving = true;
      timer = setTimeout(() => {
        isMoving = false;
        rested();
      }, REST_MS);
    },
    stop,
    isHard: () => isMoving && isSlow,
    /** Call while a smooth frame is painted. The timer fires when the browser is done with it. */
    measure() {
      const began = performance.now();
      setTimeout(() => isSlow = performance.now() - began > SLOW_MS);
    },
  };
}
