// A picture and its smaller copies, each half the size of the one before.

/** `scale` is the width of the bitmap per width of the picture. @typedef {{ bitmap: ImageBitmap, scale: number }} Level */
/** @typedef {(source: ImageBitmapSource, options?: ImageBitmapOptions) => Promise<ImageBitmap>} Decode */

/** Pixels of the smallest copy that is worth making. */
const SMALLEST = 500_000;

/**
 * The picture in the blob, largest level first. Between two levels a browser scales by less than
 * half, which takes few milliseconds and looks right without a filter of higher quality.
 * @param {Blob} blob @param {Decode} decode @returns {Promise<Level[]>}
 */
export async function decodedLevels(blob, decode) {
  const whole = await decode(blob);
  const levels = [{ bitmap: whole, scale: 1 }];
  for (let last = whole; last.width * last.height > SMALLEST;) {
    const resizeWidth = Math.ceil(last.width / 2);
    const resizeHeight = Math.ceil(last.height / 2);
    // Of exactly half the size, each pixel is the mean of four in the lowest quality too.
    last = await decode(last, { resizeWidth, resizeHeight, resizeQuality: "low" });
    levels.push({ bitmap: last, scale: last.width / whole.width });
  }
  return levels;
}
