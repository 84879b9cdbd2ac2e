// An image and its smaller copies, each half the size of the one before.

/** `scale` is the width of the bitmap divided by that of the image. @typedef {{ bitmap: ImageBitmap, scale: number }} Level */
/** @typedef {(source: ImageBitmapSource, options?: ImageBitmapOptions) => Promise<ImageBitmap>} Decode */

/** An image or copy with more pixels gets another copy of half its size. */
const SMALLEST = 500_000;

/**
 * The image in the blob, largest level first. Between two levels a browser scales by less than
 * half, which takes few milliseconds and looks right without a filter of higher quality.
 * @param {Blob} blob @param {Decode} decode @returns {Promise<Level[]>}
 */
export async function decodedLevels(blob, decode) {
  const whole = await decode(blob);
  const levels = [{ bitmap: whole, scale: 1 }];
  for (let last = whole; last.width * last.height > SMALLEST;) {
    const resizeWidth = Math.ceil(last.width / 2);
    const resizeHeight = Math.ceil(last.height / 2);
    // At exactly half the size, each pixel is the mean of four, even at the lowest quality.
    last = await decode(last, { resizeWidth, resizeHeight, resizeQuality: "low" });
    levels.push({ bitmap: last, scale: last.width / whole.width });
  }
  return levels;
}
