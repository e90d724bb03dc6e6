// How an emulator compares what must not be guessed: signatures and tokens.
import { timingSafeEqual } from 'node:crypto';

/** Whether two texts are the same, by a comparison whose time tells nothing of where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  // By their bytes: texts of the same length may have a different number of them.
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
