// HTTP trigger: a person's purge.

import { createHash } from 'node:crypto';

import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';

import type { AskProblem, RequestRecord } from '../core/purge-request.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { ServicesLoader } from '../services.ts';
import type { FlushPorts } from '../use-cases/flush-purges.ts';
import { StorageTrouble, type Run } from '../use-cases/ports.ts';
import { previewPurge, requestPurge } from '../use-cases/request-purge.ts';
import { previewPlan, type PlanPreview } from '../use-cases/preview-plan.ts';
import { runOf } from './context-run.ts';
import { badQuery, readQuery } from './query-parameters.ts';
import { problemResponse, storageOut } from './problem-details.ts';
import {
  mergeProblems,
  parseJsonBody,
  parseTextBody,
  withLines,
  type FaultyBody,
  type ParsedBody,
} from './purge-request.schema.ts';
import { describeRequest } from './request-answer.ts';

/** The platform ends an HTTP answer after 230 seconds; what is not sent by then is the timer's. */
const SEND_FOR_MS = 2 * 60_000;

const MAX_BODY_BYTES = 256 * 1024;

/** `POST /api/purges`; with `?dryRun=true` it only says what would be sent. */
export function handlePurgeRequest(services: ServicesLoader): HttpHandler {
  return async (request, context) => {
    const { flushPorts, telemetry } = await services();
    const run = runOf(context, telemetry);
    const options = parseQuery(request.query);
    if (!options.ok) return options.error;
    const body = await readBody(request);
    if (!body.ok) return body.error;
    const parsed = parseBody(body.value);
    try {
      if (!parsed.ok) return refusal(await allProblems(parsed.error, flushPorts));
      if (options.value.dryRun) return await answerDryRun(parsed.value, flushPorts, run);
      const key = parseIdempotencyKey(request);
      if (!key.ok) return key.error;
      return await answerRequest(request, body.value, parsed.value, key.value, flushPorts, run);
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      run.log.error('Storage is out: a requested purge was not taken over.', { error: error.message });
      return storageOut(
        'The request was not taken over: ask again, with the same Idempotency-Key if you gave one.',
      );
    } finally {
      await telemetry.flush();
    }
  };
}

type Body = { readonly type: 'application/json' | 'text/plain'; readonly bytes: Buffer };

async function readBody(request: HttpRequest): Promise<Result<Body, HttpResponseInit>> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json' && type !== 'text/plain') {
    const detail = 'Send application/json, or text/plain with one URL a line.';
    return err(problemResponse({ status: 415, title: 'Unsupported media type', detail }));
  }
  const announced = Number(request.headers.get('content-length') ?? 0);
  const bytes = announced > MAX_BODY_BYTES ? undefined : Buffer.from(await request.arrayBuffer());
  if (bytes === undefined || bytes.length > MAX_BODY_BYTES) {
    const detail = 'A request has at most 256 KiB: split it.';
    return err(problemResponse({ status: 413, title: 'Request too large', detail }));
  }
  return ok({ type, bytes });
}

function parseBody({ type, bytes }: Body): Result<ParsedBody, FaultyBody> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const problem = { pointer: '', detail: 'The body is not UTF-8.', kind: 'invalid' } as const;
    return err({ problems: [problem], judgeable: undefined });
  }
  return type === 'text/plain' ? parseTextBody(text) : parseJsonBody(text);
}

/** Faults of the body's shape, and those of the URLs or names in it that can be judged. */
async function allProblems(
  { problems, judgeable }: FaultyBody,
  ports: FlushPorts,
): Promise<readonly AskProblem[]> {
  if (judgeable === undefined) return problems;
  const preview = await previewPurge(judgeable, ports);
  return preview.ok ? problems : mergeProblems(problems, preview.error);
}

/** Whoever writes `dryRun=1` or `dryrun=true` means it: nothing may be sent on a misunderstanding. */
function parseQuery(query: URLSearchParams): Result<{ readonly dryRun: boolean }, HttpResponseInit> {
  const values = readQuery(query, ['dryRun']);
  if (!values.ok) return values;
  switch (values.value.dryRun) {
    case undefined:
    case 'false':
      return ok({ dryRun: false });
    case 'true':
      return ok({ dryRun: true });
    default:
      return badQuery('dryRun is true or false.');
  }
}

/** draft-ietf-httpapi-idempotency-key-header: any printable ASCII, here of at most 255 characters. */
function parseIdempotencyKey(request: HttpRequest): Result<string | undefined, HttpResponseInit> {
  const key = request.headers.get('idempotency-key') ?? undefined;
  if (key === undefined || /^[\x21-\x7E]{1,255}$/u.test(key)) return ok(key);
  const detail = 'An Idempotency-Key has 1 to 255 printable ASCII characters without spaces.';
  return err(problemResponse({ status: 400, title: 'Bad Idempotency-Key', detail }));
}

async function answerDryRun(
  { ask, lines }: ParsedBody,
  ports: FlushPorts,
  run: Run,
): Promise<HttpResponseInit> {
  const preview = await previewPurge(ask, ports);
  if (!preview.ok) return refusal(withLines(preview.error, lines));
  const targets = preview.value.map(({ kind, url, cdn, site }) => ({ kind, url, cdn, site }));
  const plan = await previewPlan(preview.value, ports, run);
  return {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    jsonBody: {
      dryRun: true,
      targets,
      ...(plan === undefined ? {} : { ifBlobsChanged: plan.map(describePreview) }),
    },
  };
}

function describePreview({ waiting, ...facts }: PlanPreview): Readonly<Record<string, unknown>> {
  return {
    ...facts,
    waiting: waiting.map(({ url, why, until }) => ({
      url,
      why,
      ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    })),
  };
}

async function answerRequest(
  request: HttpRequest,
  { type, bytes }: Body,
  { ask, reason, lines }: ParsedBody,
  key: string | undefined,
  ports: FlushPorts,
  run: Run,
): Promise<HttpResponseInit> {
  const idempotency =
    key === undefined
      ? undefined
      : { keyHash: sha256(key), bodyHash: sha256(Buffer.concat([Buffer.from(`${type}\n`), bytes])) };
  const startedAt = ports.clock.now();
  const mayBegin = (): boolean => ports.clock.now() - startedAt < SEND_FOR_MS;
  const answer = await requestPurge({ ask, reason, idempotency }, ports, { ...run, mayBegin });
  switch (answer.kind) {
    case 'taken':
      logTaken(answer.record, run);
      return accepted(request, answer.record);
    case 'known':
      return accepted(request, answer.record);
    case 'refused':
      return refusal(withLines(answer.problems, lines));
    case 'conflict': {
      const detail = 'This Idempotency-Key came with another body in the last 24 hours: use a new key.';
      return problemResponse({ status: 409, title: 'Idempotency-Key already used', detail });
    }
  }
}

function accepted(request: HttpRequest, record: RequestRecord): HttpResponseInit {
  const { origin, pathname } = new URL(request.url);
  const link = `${origin}${pathname.replace(/\/$/u, '')}/${record.id}`;
  return {
    status: 202,
    headers: { location: link, 'cache-control': 'no-store' },
    jsonBody: { ...describeRequest(record), link },
  };
}

function refusal(problems: readonly AskProblem[]): HttpResponseInit {
  return problems.every(({ kind }) => kind === 'not-configured')
    ? problemResponse({ status: 422, title: 'Not in the configuration', errors: problems })
    : problemResponse({ status: 400, title: 'The request has faults', errors: problems });
}

function logTaken({ id, state, targets, purges }: RequestRecord, { log }: Run): void {
  const correlationIds = purges.flatMap(({ correlationId }) => correlationId ?? []).join(' ');
  log.info('Took a requested purge.', { requestId: id, state, targets: targets.length, correlationIds });
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
