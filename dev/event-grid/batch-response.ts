// Which blobs a blob batch deleted: its sub-requests matched with their answers. Pure.
//
// Format: https://learn.microsoft.com/rest/api/storageservices/blob-batch (multipart/mixed of application/http).
import type { IncomingHttpHeaders } from 'node:http';
import { blobWriteOf, type BlobPath } from './blob-write.ts';

export interface MultipartBody {
  readonly contentType: string;
  readonly body: string;
}

export interface BatchDeletion {
  readonly blob: BlobPath;
  readonly requestId: string | undefined;
  readonly clientRequestId: string | undefined;
}

export type BatchDeletions =
  | { readonly ok: true; readonly value: readonly BatchDeletion[] }
  | { readonly ok: false; readonly error: string };

/** The blobs that the batch deleted, in its order; a batch of tier changes deleted none. */
export function deletedInBatch(
  request: MultipartBody,
  response: MultipartBody,
  host: string,
  account: string,
): BatchDeletions {
  const asked = parseParts(request);
  const answered = parseParts(response);
  if (asked === undefined)
    return { ok: false, error: 'the request is no multipart/mixed body with a boundary' };
  if (answered === undefined)
    return { ok: false, error: 'the answer is no multipart/mixed body with a boundary' };

  const deletions: BatchDeletion[] = [];
  for (const [index, part] of asked.entries()) {
    const answer = answerTo(part, index, answered);
    const [method, target] = part.startLine.split(' ');
    const status = Number(answer?.startLine.split(' ')[1]);
    if (answer === undefined || method === undefined || target === undefined || !Number.isInteger(status))
      continue;
    const write = blobWriteOf(
      { method, target: target.startsWith('/') ? target : `/${target}`, headers: { ...part.headers, host } },
      { status, headers: answer.headers },
      account,
    );
    if (write?.kind !== 'deleted') continue;
    deletions.push({
      blob: write.blob,
      requestId: header(answer.headers, 'x-ms-request-id'),
      clientRequestId: header(part.headers, 'x-ms-client-request-id'),
    });
  }
  return { ok: true, value: deletions };
}

interface HttpPart {
  readonly contentId: string | undefined;
  readonly startLine: string;
  readonly headers: IncomingHttpHeaders;
}

/** By Content-ID, as documented; by position where the answer names none. */
function answerTo(part: HttpPart, index: number, answers: readonly HttpPart[]): HttpPart | undefined {
  const byId = answers.find(
    (answer) => answer.contentId !== undefined && answer.contentId === part.contentId,
  );
  if (byId !== undefined) return byId;
  const byPosition = answers[index];
  return byPosition?.contentId === undefined ? byPosition : undefined;
}

function parseParts({ contentType, body }: MultipartBody): readonly HttpPart[] | undefined {
  const match = /boundary=(?:"(?<quoted>[^"]+)"|(?<bare>[^;\s]+))/iu.exec(contentType);
  const boundary = match?.groups?.['quoted'] ?? match?.groups?.['bare'];
  if (boundary === undefined) return undefined;
  const parts: HttpPart[] = [];
  // The first piece is the preamble, the piece after the closing `--boundary--` starts with two dashes.
  for (const piece of `\n${body}`.replaceAll('\r\n', '\n').split(`\n--${boundary}`).slice(1)) {
    if (piece.startsWith('--')) break;
    const [mimeHeaders, message] = splitOnce(piece.replace(/^[ \t]*\n/u, ''), '\n\n');
    const [startLine, headerLines] = splitOnce(splitOnce(message, '\n\n')[0], '\n');
    parts.push({
      contentId: header(parseHeaders(mimeHeaders), 'content-id'),
      startLine,
      headers: parseHeaders(headerLines),
    });
  }
  return parts;
}

function parseHeaders(lines: string): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const line of lines.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
