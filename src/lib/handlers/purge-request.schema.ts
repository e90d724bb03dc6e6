// The body of POST /api/purges: URLs to purge, or blobs to map; JSON, or plain text with one URL a line.

import * as z from 'zod';

import type { AskProblem, BlobAsk, PurgeAsk, UrlAsk } from '../core/purge-request.ts';
import { err, ok, type Result } from '../core/result.ts';

export type ParsedBody = {
  readonly ask: PurgeAsk;
  readonly reason: string | undefined;
  /** Of a plain text body: the line, from 1, of what a problem of the ask points to. */
  readonly lines?: ReadonlyMap<string, number>;
};

export type FaultyBody = {
  readonly problems: readonly AskProblem[];
  /**
   * What can be judged all the same, so that a fault of shape hides no other: every element at its own index, with
   * nothing told anew of what has a fault already. Undefined when nothing can.
   */
  readonly judgeable: PurgeAsk | undefined;
};

const texts = z.array(z.string('must be a string'), 'must be a list of strings').optional();
const common = {
  everything: z.boolean('must be true or false').optional(),
  reason: z.string('must be a string').max(500, 'must have at most 500 characters').optional(),
};
const body = 'The body must be a JSON object';

const UrlBody = z.strictObject({ files: texts, directories: texts, ...common }, body);
const BlobBody = z.strictObject(
  {
    account: z.string('must be the name of a storage account'),
    container: z.string('must be the name of a container'),
    blobs: texts,
    prefixes: texts,
    ...common,
  },
  body,
);

/** Takes the text of a JSON body, gives what is asked, or every fault with its JSON pointer. */
export function parseJsonBody(text: string): Result<ParsedBody, FaultyBody> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err({ problems: [atRoot('The body is not JSON.')], judgeable: undefined });
  }
  const byBlob = typeof json === 'object' && json !== null && BLOB_KEYS.some((key) => key in json);
  if (byBlob) {
    const parsed = BlobBody.safeParse(json);
    if (parsed.success) return ok({ ask: blobAsk(parsed.data), reason: parsed.data.reason });
    const judgeable = JudgeableBlobBody.safeParse(json).data;
    return err({
      problems: toProblems(parsed.error, URL_KEYS),
      judgeable: judgeable && blobAsk(judgeable),
    });
  }
  const parsed = UrlBody.safeParse(json);
  if (parsed.success) return ok({ ask: urlAsk(parsed.data), reason: parsed.data.reason });
  const judgeable = JudgeableUrlBody.safeParse(json).data;
  return err({ problems: toProblems(parsed.error), judgeable: judgeable && urlAsk(judgeable) });
}

const URL_KEYS: ReadonlySet<string> = new Set(['files', 'directories']);
const BLOB_KEYS = ['account', 'container', 'blobs', 'prefixes'] as const;

// A place with a fault of shape holds something harmless here: what it would be told is told already.
const judgeableTexts = z.array(z.string().catch('')).optional().catch(['']);
const judgeableEverything = z.boolean().optional().catch(true);
const JudgeableUrlBody = z.object({
  files: judgeableTexts,
  directories: judgeableTexts,
  everything: judgeableEverything,
});
const JudgeableBlobBody = z.object({
  account: z.string().catch(''),
  container: z.string().catch(''),
  blobs: judgeableTexts,
  prefixes: judgeableTexts,
  everything: judgeableEverything,
});

const urlAsk = ({
  files = [],
  directories = [],
  everything = false,
}: z.infer<typeof JudgeableUrlBody>): UrlAsk => ({ by: 'url', files, directories, everything });

const blobAsk = ({
  account,
  container,
  blobs = [],
  prefixes = [],
  everything = false,
}: z.infer<typeof JudgeableBlobBody>): BlobAsk => ({
  by: 'blob',
  account,
  container,
  blobs,
  prefixes,
  everything,
});

/** Takes a plain text body, gives what is asked: a line that ends with `/` is a directory, blank lines are skipped. */
export function parseTextBody(text: string): Result<ParsedBody, FaultyBody> {
  const lines = new Map<string, number>();
  const files: string[] = [];
  const directories: string[] = [];
  for (const [index, line] of text.split(/\r?\n/u).entries()) {
    const url = line.trim();
    if (url === '') continue;
    const [list, name] = url.endsWith('/') ? [directories, 'directories'] : [files, 'files'];
    lines.set(`/${name}/${list.length}`, index + 1);
    list.push(url);
  }
  if (lines.size === 0) {
    return err({ problems: [atRoot('Write at least one URL, each on a line.')], judgeable: undefined });
  }
  return ok({ ask: { by: 'url', files, directories, everything: false }, reason: undefined, lines });
}

/** Takes the problems of an ask, gives them with the lines of its plain text body, which no pointer can point into. */
export function withLines(
  problems: readonly AskProblem[],
  lines: ReadonlyMap<string, number> | undefined,
): readonly AskProblem[] {
  if (lines === undefined) return problems;
  return problems
    .map((problem) => ({ problem, line: lines.get(problem.pointer) }))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ problem, line }) =>
      line === undefined ? problem : { ...problem, pointer: '', detail: `line ${line}: ${problem.detail}` },
    );
}

/** Takes the faults of a body's shape and what was judged in spite of them, gives each fault once. */
export function mergeProblems(
  ofShape: readonly AskProblem[],
  judged: readonly AskProblem[],
): readonly AskProblem[] {
  const faulty = new Set(ofShape.map(({ pointer }) => pointer));
  const isTold = (pointer: string): boolean =>
    faulty.has(pointer) || faulty.has(pointer.slice(0, pointer.lastIndexOf('/')));
  return [...ofShape, ...judged.filter(({ pointer }) => pointer === '' || !isTold(pointer))];
}

const atRoot = (detail: string): AskProblem => ({ pointer: '', detail, kind: 'invalid' });

/** `misplaced`: keys that have a meaning in the other kind of body. */
function toProblems(error: z.ZodError, misplaced: ReadonlySet<string> = new Set()): readonly AskProblem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key): AskProblem => ({
        pointer: toPointer([...issue.path, key]),
        detail: misplaced.has(key) ? 'A request names URLs or blobs, not both.' : 'Unknown property.',
        kind: 'invalid',
      }));
    }
    return [{ pointer: toPointer(issue.path), detail: `${issue.message}.`, kind: 'invalid' as const }];
  });
}

/** RFC 6901 */
function toPointer(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
