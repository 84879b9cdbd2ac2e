// Waiting with a time limit.

/**
 * The result of `promise`; rejects if it takes longer.
 * @template T
 * @param {Promise<T>} promise @param {number} ms @returns {Promise<T>}
 */
export function inTime(promise, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`There was no answer within ${ms} ms.`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
