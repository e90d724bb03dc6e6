// The purge provider of the CDN that does not exist: what a third provider has to say, and nothing else.

import * as z from 'zod';

import type { UrlMatching } from '../../src/lib/core/capabilities.ts';
import type { OutcomeClass } from '../../src/lib/core/outcome-class.ts';
import type { CallFailureReason, NotAccepted, PurgeOutcome } from '../../src/lib/core/purge-outcome.ts';
import type { ItemProgress } from '../../src/lib/core/purge-tracking.ts';
import type { QuotaPolicy } from '../../src/lib/core/quota-ledger.ts';
import { err, ok, type Result } from '../../src/lib/core/result.ts';
import { comparableUrl } from '../../src/lib/core/url-matching.ts';
import { parseRetryAfter } from '../../src/lib/providers/http/retry-after.ts';
import type { HttpRequest, HttpResult, HttpSender } from '../../src/lib/providers/http/send.ts';
import type { Clock, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import {
  CALL_HEADER,
  KEY_HEADER,
  TOY_KEY,
  TOY_POINTS,
  TOY_POINTS_A_DAY,
  TOY_URLS_MAX,
  TOY_WIPES_AT_ONCE,
} from './toy-cdn.ts';

export const TOY_MATCHING: UrlMatching = {
  ignoresCase: true,
  ignoresQuery: false,
  ignoresScheme: false,
  reachesBelow: true,
};

/** Files and directories draw on one budget, and a directory costs three files. */
export const TOY_QUOTA: QuotaPolicy = {
  budgets: [
    {
      perFile: TOY_POINTS.file,
      perDirectory: TOY_POINTS.directory,
      limit: TOY_POINTS_A_DAY,
      per: 'day',
      keptForPeople: 5,
    },
  ],
  resetUtcOffsetHours: 0,
  resetMarginMs: 600_000,
  sites: new Map(),
  spentAfterThrottledMs: 15 * 60_000,
  probeEveryMs: 30 * 60_000,
};

export function createToyProvider(apiUrl: string, send: HttpSender, clock: Clock): PurgeProvider {
  const call = async (request: Pick<HttpRequest, 'method' | 'body'>, path: string) =>
    readAnswer(
      await send({ ...request, url: new URL(path, apiUrl), headers: { [KEY_HEADER]: TOY_KEY } }),
      clock,
    );
  return {
    subscription: 'toy',
    limits: { urlsPerRequest: TOY_URLS_MAX, bytesPerRequest: 64 * 1024 },
    capabilities: { hosts: 'in-url', purgesInFlight: TOY_WIPES_AT_ONCE, pollPausesMs: [1_000, 5_000] },
    budgets: TOY_QUOTA.budgets,
    quota: TOY_QUOTA,
    /** A zone has the name of its host. */
    findEndpoint: async (host) => ok(host),
    async submit({ endpointId, files, directories }) {
      const urls = [
        ...files.map((url) => ({ url, deep: false })),
        ...directories.map((url) => ({ url, deep: true })),
      ];
      const body = JSON.stringify({ zone: endpointId, urls });
      return readAcceptance(await call({ method: 'POST', body }, '/wipes'));
    },
    async readProgress({ taskId, files, directories }) {
      const answer = await call({ method: 'GET', body: undefined }, `/tickets/${taskId}`);
      if (!answer.ok) return answer;
      const progress = Progress.safeParse(answer.value.body);
      if (!progress.success) return err(unreadable(answer.value));
      return ok({ items: itemsOf([...files, ...directories], progress.data) });
    },
  };
}

const Acceptance = z.looseObject({ ticket: z.string() });
const Progress = z.looseObject({ state: z.enum(['sweeping', 'swept']), missed: z.array(z.string()) });
const Refusal = z.looseObject({ no: z.string(), because: z.string() });

type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly correlationId: string | undefined;
  readonly retryAfterMs: number | undefined;
};

/** What every answer of it means: the one table. */
const CLASSES: ReadonlyMap<string, OutcomeClass> = new Map<string, OutcomeClass>([
  ['who-are-you', 'credentials-refused'],
  ['bad-url', 'item-refused'],
  ['bad-wipe', 'request-refused'],
  ['too-many-urls', 'request-refused'],
  ['no-such-zone', 'endpoint-unusable'],
  ['slow-down', 'throttled'],
  ['no-points-left', 'quota-exhausted'],
  ['busy', 'transient'],
]);

const classOfFailure = (reason: CallFailureReason): OutcomeClass =>
  reason === 'could-not-connect' ? 'transient' : 'unknown';

function readAcceptance(answer: Result<Answer, NotAccepted>): PurgeOutcome {
  if (!answer.ok) return answer.error;
  const { status, body, correlationId } = answer.value;
  const acceptance = Acceptance.safeParse(body);
  return status === 202 && acceptance.success
    ? { kind: 'accepted', taskId: acceptance.data.ticket, correlationId }
    : unreadable(answer.value);
}

/** It tells of URLs in lower case; the app knows them as it sent them. */
function itemsOf(
  urls: readonly string[],
  { state, missed }: z.infer<typeof Progress>,
): readonly ItemProgress[] {
  const failed = new Set(missed.map((url) => comparableUrl(url, TOY_MATCHING)));
  return urls.map((url) => {
    if (state === 'sweeping') return { url, status: 'running' };
    return { url, status: failed.has(comparableUrl(url, TOY_MATCHING)) ? 'failed' : 'succeeded' };
  });
}

function readAnswer(result: HttpResult, clock: Clock): Result<Answer, NotAccepted> {
  if (result.kind === 'no-answer') {
    const { reason, detail, sent } = result;
    return err({
      kind: 'failed',
      reason,
      detail,
      sent,
      outcomeClass: classOfFailure(reason),
      status: undefined,
      retryAfterMs: undefined,
      correlationId: undefined,
    });
  }
  const { status, headers, text } = result;
  const answer: Answer = {
    status,
    body: parseJson(text),
    correlationId: headers.get(CALL_HEADER),
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), clock.now()),
  };
  const refusal = Refusal.safeParse(answer.body);
  if (!refusal.success) return ok(answer);
  const { no: errorType, because: message } = refusal.data;
  const { body: _read, ...facts } = answer;
  const outcomeClass = CLASSES.get(errorType) ?? 'request-refused';
  return err({ kind: 'refused', errorType, message, outcomeClass, ...facts });
}

function unreadable({ body: _unread, ...facts }: Answer): NotAccepted {
  return {
    kind: 'failed',
    reason: 'unreadable-answer',
    detail: `status ${facts.status}`,
    sent: true,
    outcomeClass: 'unknown',
    ...facts,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
