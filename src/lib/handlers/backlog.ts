// HTTP trigger: what waits to be purged, and why.

import type { HttpHandler, HttpResponseInit } from '@azure/functions';

import { listBacklog, type BacklogListing } from '../core/backlog-listing.ts';
import type { Instant } from '../core/instant.ts';
import type { Result } from '../core/result.ts';
import type { ServicesLoader } from '../services.ts';
import { StorageTrouble } from '../use-cases/ports.ts';
import { runOf } from './context-run.ts';
import { storageOut } from './problem-details.ts';
import { readQuery, topOf } from './query-parameters.ts';

/** `GET /api/backlog`; with `?top=` it names so many of the oldest entries. */
export function handleBacklog(services: ServicesLoader): HttpHandler {
  return async (request, context) => {
    const { flushPorts, telemetry } = await services();
    const top = parseTop(request.query);
    if (!top.ok) return top.error;
    try {
      const { backlog } = await flushPorts.backlog.load();
      const listing = listBacklog(backlog, flushPorts.clock.now(), top.value);
      return { status: 200, headers: { 'cache-control': 'no-store' }, jsonBody: describeListing(listing) };
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      runOf(context, telemetry).log.error('Storage is out: the backlog could not be read.', {
        error: error.message,
      });
      return storageOut('Ask again.');
    }
  };
}

function parseTop(query: URLSearchParams): Result<number, HttpResponseInit> {
  const values = readQuery(query, ['top']);
  return values.ok ? topOf(values.value.top) : values;
}

function describeListing(listing: BacklogListing): Readonly<Record<string, unknown>> {
  const { at, targets, requests, oldestSince, byReason, bySite, holds, throttlings, entries } = listing;
  return {
    at: iso(at),
    targets,
    requests,
    ...(oldestSince === undefined ? {} : { oldestSince: iso(oldestSince) }),
    byReason: byReason.map(withIsoTimes),
    bySite: bySite.map(withIsoTimes),
    holds: holds.map(withIsoTimes),
    throttlings: throttlings.map(withIsoTimes),
    entries: entries.map(({ what, ...wait }) => withIsoTimes({ ...what, ...wait })),
  };
}

type Times = {
  readonly since?: Instant | undefined;
  readonly oldestSince?: Instant | undefined;
  readonly until?: Instant | undefined;
  readonly probeAt?: Instant | undefined;
  readonly spentUntil?: Instant | undefined;
};

function withIsoTimes<T extends Times>({ since, oldestSince, until, probeAt, spentUntil, ...facts }: T) {
  const times = Object.entries({ since, oldestSince, until, probeAt, spentUntil });
  return {
    ...facts,
    ...Object.fromEntries(times.flatMap(([name, at]) => (at === undefined ? [] : [[name, iso(at)]]))),
  };
}

const iso = (at: Instant): string => new Date(at).toISOString();
