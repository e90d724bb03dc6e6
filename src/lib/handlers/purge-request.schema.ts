// The body of POST /api/purges: URLs to purge, or blobs to map; JSON, or plain text with one URL a line.

import { z } from 'zod';

import type { AskProblem, PurgeAsk } from '../core/purge-request.ts';
import { err, ok, type Result } from '../core/result.ts';

export type ParsedBody = { readonly ask: PurgeAsk; readonly reason: string | undefined };

const texts = z.array(z.string('must be a string'), 'must be a list').optional();
const common = {
  everything: z.boolean('must be true or false').optional(),
  reason: z.string('must be a string').max(500, 'must have at most 500 characters').optional(),
};

const UrlBody = z.strictObject({ files: texts, directories: texts, ...common });
const BlobBody = z.strictObject({
  account: z.string('must be the name of a storage account'),
  container: z.string('must be the name of a container'),
  blobs: texts,
  prefixes: texts,
  ...common,
});

/** Takes the text of a JSON body, gives what is asked, or every fault with its JSON pointer. */
export function parseJsonBody(text: string): Result<ParsedBody, readonly AskProblem[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err([{ pointer: '', detail: 'The body is not JSON.', kind: 'invalid' }]);
  }
  const byBlob = typeof json === 'object' && json !== null && BLOB_KEYS.some((key) => key in json);
  if (byBlob) {
    const body = BlobBody.safeParse(json);
    if (!body.success) return err(toProblems(body.error));
    const { account, container, blobs = [], prefixes = [], everything = false, reason } = body.data;
    return ok({ ask: { by: 'blob', account, container, blobs, prefixes, everything }, reason });
  }
  const body = UrlBody.safeParse(json);
  if (!body.success) return err(toProblems(body.error));
  const { files = [], directories = [], everything = false, reason } = body.data;
  return ok({ ask: { by: 'url', files, directories, everything }, reason });
}

const BLOB_KEYS = ['account', 'container', 'blobs', 'prefixes'] as const;

/** Takes a plain text body, gives what is asked: a line that ends with `/` is a directory, blank lines are skipped. */
export function parseTextBody(text: string): ParsedBody {
  const lines = text
    .split(/\r?\n/u)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return {
    ask: {
      by: 'url',
      files: lines.filter((line) => !line.endsWith('/')),
      directories: lines.filter((line) => line.endsWith('/')),
      everything: false,
    },
    reason: undefined,
  };
}

function toProblems(error: z.ZodError): readonly AskProblem[] {
  return error.issues.flatMap((issue) => {
    const pointer = toPointer(issue.path);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key): AskProblem => ({
        pointer: toPointer([...issue.path, key]),
        detail: 'Unknown property.',
        kind: 'invalid',
      }));
    }
    return [{ pointer, detail: `${issue.message}.`, kind: 'invalid' as const }];
  });
}

/** RFC 6901 */
function toPointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
