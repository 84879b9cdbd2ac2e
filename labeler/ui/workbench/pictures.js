// Small copies of images as addresses that the browser holds itself, so they contain no token.

/**
 * @param {{ getPicture: (image: string, width: number | null) => Promise<any> }} backend
 * @param {number} most how many are kept
 */
export function createPictures(backend, most) {
  /** In the order of last use. @type {Map<string, Promise<string | null>>} */
  const kept = new Map();

  /** @param {string} image @param {number | null} width */
  async function load(image, width) {
    const answer = await backend.getPicture(image, width);
    return answer.type === "picture" ? URL.createObjectURL(answer.blob) : null;
  }

  /** @param {Promise<string | null>} one */
  const revoke = (one) => one.then((address) => address && URL.revokeObjectURL(address));

  return {
    /** The address of a copy; null if there is none. @param {string} image @param {number | null} width */
    address(image, width) {
      const name = `${image} ${width}`;
      const found = kept.get(name) ?? load(image, width);
      kept.delete(name);
      kept.set(name, found);
      found.then((address) => {
        if (address === null) kept.delete(name);
      });
      for (const [oldest, one] of kept) {
        if (kept.size <= most) break;
        kept.delete(oldest);
        revoke(one);
      }
      return found;
    },
    end() {
      for (const one of kept.values()) revoke(one);
      kept.clear();
    },
  };
}
