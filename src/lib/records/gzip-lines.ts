// Lines of JSON as one compressed blob, however many they are: no text has to hold them all.

import { Readable } from 'node:stream';
import { buffer as readBytes } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gunzip } from 'node:zlib';

const decompress = promisify(gunzip);

/** Takes lines with their ends. In pieces, so that others get their turn of the event loop while much is written. */
export function gzipLines(lines: Iterable<string>): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  return pipeline(Readable.from(inPieces(lines)), gzip, readBytes);
}

/** Gives the lines without their ends, one after the other. Rejects for what is not compressed so. */
export async function gunzipLines(bytes: Buffer): Promise<Iterable<string>> {
  return linesOf(await decompress(bytes));
}

const PIECE_LENGTH = 64 * 1024;

function* inPieces(lines: Iterable<string>): Generator<string, void> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* linesOf(bytes: Buffer): Generator<string, void> {
  let from = 0;
  while (from < bytes.length) {
    const found = bytes.indexOf('\n', from);
    const end = found === -1 ? bytes.length : found;
    yield bytes.toString('utf8', from, end);
    from = end + 1;
  }
}
