// HTTP trigger: the purges of one day.

import type { HttpHandler, HttpRequest, HttpResponseInit } from '@azure/functions';
import * as z from 'zod';

import type { Instant } from '../core/instant.ts';
import { ok, type Result } from '../core/result.ts';
import type { ServicesLoader } from '../services.ts';
import { listPurges, type ListedPurge, type PageAsk } from '../use-cases/list-purges.ts';
import { StorageTrouble } from '../use-cases/ports.ts';
import { parsePurgeId } from '../use-cases/purge-id.ts';
import { runOf } from './context-run.ts';
import { storageOut } from './problem-details.ts';
import { badQuery, readQuery, topOf } from './query-parameters.ts';

/** `GET /api/purges?day=&top=&after=`: open and ended purges, newest first; without a day those of today in UTC. */
export function handlePurgeList(services: ServicesLoader): HttpHandler {
  return async (request, context) => {
    const { flushPorts, history, telemetry } = await services();
    const ask = parseQuery(request.query, flushPorts.clock.now());
    if (!ask.ok) return ask.error;
    try {
      const page = await listPurges(ask.value, history);
      if (page === undefined) return badQuery(NO_SUCH_PURGE).error;
      const { purges, hasMore, isComplete } = page;
      const last = purges.at(-1);
      return answer({
        day: ask.value.day,
        purges: purges.map(describeListed),
        ...(hasMore && last !== undefined ? { next: linkTo(request, { ...ask.value, after: last.id }) } : {}),
        ...(isComplete ? {} : { isComplete }),
      });
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      runOf(context, telemetry).log.error('Storage is out: the purges of a day could not be listed.', {
        error: error.message,
      });
      return storageOut('Ask again.');
    }
  };
}

const answer = (jsonBody: unknown): HttpResponseInit => ({
  status: 200,
  headers: { 'cache-control': 'no-store' },
  jsonBody,
});

function parseQuery(query: URLSearchParams, now: Instant): Result<PageAsk, HttpResponseInit> {
  const values = readQuery(query, ['day', 'top', 'after']);
  if (!values.ok) return values;
  const top = topOf(values.value.top);
  if (!top.ok) return top;

  const { after } = values.value;
  const afterDay = after === undefined ? undefined : parsePurgeId(after)?.day;
  if (after !== undefined && afterDay === undefined) return badQuery('after is the id of a purge.');

  const day = values.value.day ?? afterDay ?? new Date(now).toISOString().slice(0, 10);
  if (!z.iso.date().safeParse(day).success) return badQuery('day is a day in UTC, as in 2026-11-22.');
  if (afterDay !== undefined && afterDay !== day) {
    return badQuery('The purge that after names is of another day.');
  }
  return ok({ day, top: top.value, after });
}

const NO_SUCH_PURGE = 'The day has no purge that after names, or has it no longer: begin anew without after.';

/** Without the function key, which may stand in the query of the request. */
function linkTo(request: HttpRequest, { day, top, after }: PageAsk): string {
  const { origin, pathname } = new URL(request.url);
  const query = new URLSearchParams({ day, top: `${top}`, ...(after === undefined ? {} : { after }) });
  return `${origin}${pathname}?${query.toString()}`;
}

function describeListed(purge: ListedPurge): Readonly<Record<string, unknown>> {
  switch (purge.kind) {
    case 'unreadable':
      return { id: purge.id, unreadable: 'A newer version of the app wrote the record.' };
    case 'readable': {
      const { acceptedAt, cdn, endpointId, state, files, directories, correlationId, taskId, causes } =
        purge.record;
      return {
        id: purge.id,
        acceptedAt: new Date(acceptedAt).toISOString(),
        cdn,
        endpointId,
        state,
        files: files.length,
        directories: directories.length,
        correlationId,
        taskId,
        causes: causes.length,
      };
    }
  }
}
