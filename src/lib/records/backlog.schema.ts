// The backlog as it stands in blob storage, version 1: JSON lines. The first says what holds for all, each further
// one is an entry.
//
// Lines, because a hundred thousand entries are written and read in one go: no text has to hold them all. What the
// entries share stands once, in the first line, and times are milliseconds: people read `GET /api/backlog`.

import * as z from 'zod';

import { keyOf, type Backlog, type Waiting, type WaitingMessage, type WaitReason } from '../core/backlog.ts';
import { rereadCdnUrl } from '../core/cdn-url.ts';
import { instant, isRecordable } from '../core/instant.ts';
import type { NotAccepted, PurgeFailureReason } from '../core/purge-outcome.ts';
import type { Cause } from '../core/purge-record.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import { FORMATS } from '../storage/format-versions.ts';

/** Gives the lines, each with its end. */
export function* encodeBacklog(backlog: Backlog): Generator<string, void> {
  const { nextRevision, entries, holds, throttlings } = backlog;
  const places = numberPlaces(entries.values());
  const head: WireHead = {
    version: FORMATS.backlog.writes,
    nextRevision,
    places: [...places.values()].map(({ place }) => place),
    holds: Object.fromEntries(
      [...holds].map(([key, { until, times, outcome: held }]) => [
        key,
        { until, times, outcome: outcomeToWire(held) },
      ]),
    ),
    throttlings: Object.fromEntries(throttlings),
  };
  yield toLine(head);
  for (const entry of entries.values()) yield toLine(toWire(entry, places));
}

/** Takes the lines. Throws for what this version cannot read. */
export function decodeBacklog(lines: Iterable<string>): Backlog {
  const entries = new Map<string, Waiting>();
  let head: WireHead | undefined;
  for (const line of lines) {
    if (head === undefined) {
      head = WireHead.parse(JSON.parse(line));
    } else {
      const entry = fromWire(WireEntry.parse(JSON.parse(line)), head.places);
      entries.set(keyOf(entry), entry);
    }
  }
  if (head === undefined) throw new Error('the backlog has no line');
  const { nextRevision, holds, throttlings } = head;
  return {
    nextRevision,
    entries,
    holds: new Map(
      Object.entries(holds).map(([key, hold]) => [
        key,
        { ...hold, until: instant(hold.until), outcome: outcomeFrom(hold.outcome) },
      ]),
    ),
    throttlings: new Map(
      Object.entries(throttlings).map(([key, { times, since, probeAt, spentUntil }]) => [
        key,
        { times, since: atFrom(since), probeAt: instant(probeAt), spentUntil: atFrom(spentUntil) },
      ]),
    ),
  };
}

const OUTCOME_CLASSES = [
  'throttled',
  'quota-exhausted',
  'item-refused',
  'request-refused',
  'credentials-refused',
  'endpoint-unusable',
  'transient',
  'unknown',
] as const;

/** The first that there were. A word more, and versions that do not know it refuse the whole backlog: none is added. */
const FAILURE_REASONS = [
  'could-not-connect',
  'timed-out',
  'connection-lost',
  'unreadable-answer',
  'endpoint-not-found',
  'quota-spent',
  'throttled',
  'saves-quota',
  'no-ledger',
  'not-recorded',
] as const;

/** What came later, each with the older word under which it is written: of a call that did not leave either. */
const LATER_REASONS = {
  'no-token': 'could-not-connect',
  'purge-in-flight': 'throttled',
} as const satisfies Partial<Record<PurgeFailureReason, (typeof FAILURE_REASONS)[number]>>;

const text = z.string().optional();
const count = z.int().min(0);
const at = z.number().refine(isRecordable, 'not a time that a record can hold');

const place = z.object({
  cdn: z.string(),
  host: z.string(),
  endpointId: text,
  site: z.string(),
  /** An older version leaves it out: then what joins waits beside what waits already, until both are claimed. */
  matching: z
    .object({
      ignoresCase: z.boolean(),
      ignoresQuery: z.boolean(),
      ignoresScheme: z.boolean(),
      reachesBelow: z.boolean(),
    })
    .optional(),
});
type Place = z.infer<typeof place>;

const answered = {
  outcomeClass: z.enum(OUTCOME_CLASSES),
  retryAfterMs: z.number().optional(),
  correlationId: text,
};
const outcome = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('refused'),
    errorType: z.string(),
    message: z.string(),
    status: z.number(),
    ...answered,
  }),
  z.object({
    kind: z.literal('failed'),
    reason: z.enum(FAILURE_REASONS),
    /** It is the reason. Versions that do not know it read the other, and may drop this. */
    laterReason: z.enum(['no-token', 'purge-in-flight']).optional(),
    detail: z.string(),
    sent: z.boolean(),
    status: z.number().optional(),
    ...answered,
  }),
]);

const WireHead = z.object({
  version: z.literal(FORMATS.backlog.reads),
  nextRevision: z.int().min(1),
  places: z.array(place).readonly(),
  holds: z.record(z.string(), z.object({ until: at, times: count, outcome })),
  throttlings: z.record(
    z.string(),
    z.object({ times: count, since: at.optional(), probeAt: at, spentUntil: at.optional() }),
  ),
});
type WireHead = z.infer<typeof WireHead>;

const wait = {
  since: at,
  until: at,
  reason: z.enum([...OUTCOME_CLASSES, 'out-of-time', 'saves-quota']),
  /** It is the reason. Versions that do not know it read `out-of-time`, and may drop this. */
  inFlight: z.literal(true).optional(),
  failedAttempts: count,
  revision: z.int().min(1),
  why: text,
};

const cause = z.union([
  z.object({ event: z.string(), at, traceparent: text }),
  z.object({ request: z.string(), at, origin: z.literal('tracker').optional(), traceparent: text }),
]);

/** A message's text is base64 of JSON, which no compression makes small: the JSON stands for it where it can. */
const message = z.union([
  z.object({ path: z.string(), json: z.string() }),
  z.object({ path: z.string(), text: z.string() }),
]);

const WireEntry = z.union([
  z.object({
    url: z.string(),
    kind: z.enum(['file', 'directory']),
    /** Its number among the places. */
    place: count,
    ...wait,
    changes: count,
    causes: z.array(cause).readonly(),
    messages: z.array(message).readonly(),
  }),
  z.object({ request: z.string(), traceparent: text, ...wait }),
]);
type WireEntry = z.infer<typeof WireEntry>;

const toLine = (value: WireHead | WireEntry): string => `${JSON.stringify(value)}\n`;

type NumberedPlaces = ReadonlyMap<string, { readonly place: Place; readonly number: number }>;

function numberPlaces(entries: Iterable<Waiting>): NumberedPlaces {
  const places = new Map<string, { place: Place; number: number }>();
  for (const entry of entries) {
    if (entry.type !== 'target') continue;
    const { cdn, host, endpointId, site, matching } = entry.target;
    const key = placeKey(entry.target);
    if (!places.has(key)) {
      places.set(key, { place: { cdn, host, endpointId, site, matching }, number: places.size });
    }
  }
  return places;
}

const placeKey = ({ cdn, host, endpointId, site, matching }: Place): string =>
  `${cdn}\n${host}\n${endpointId ?? ''}\n${site}\n${matching === undefined ? '' : JSON.stringify(matching)}`;

function toWire(entry: Waiting, places: NumberedPlaces): WireEntry {
  const { since, until, failedAttempts, revision, why } = entry;
  const waiting = { since, until, ...reasonToWire(entry.reason), failedAttempts, revision, why };
  if (entry.type === 'request') {
    return { request: entry.requestId, traceparent: entry.traceparent, ...waiting };
  }
  const { target, changes, causes, messages } = entry;
  const numbered = places.get(placeKey(target));
  if (numbered === undefined) throw new Error('a target has no place');
  return {
    url: target.url,
    kind: target.kind,
    place: numbered.number,
    ...waiting,
    changes,
    causes: causes.map(causeToWire),
    messages: messages.map(messageToWire),
  };
}

function fromWire(wire: WireEntry, places: readonly Place[]): Waiting {
  const { reason, inFlight, failedAttempts, revision, why } = wire;
  const waiting = {
    since: instant(wire.since),
    until: instant(wire.until),
    reason: inFlight === true ? ('in-flight' as const) : reason,
    failedAttempts,
    revision,
    why,
  };
  if ('request' in wire) {
    return { type: 'request', requestId: wire.request, traceparent: wire.traceparent, ...waiting };
  }
  const { changes, causes, messages } = wire;
  return {
    type: 'target',
    target: targetFrom(wire, places[wire.place]),
    ...waiting,
    changes,
    causes: causes.map(causeFrom),
    messages: messages.map(messageFrom),
  };
}

function targetFrom(
  { url, kind }: { readonly url: string; readonly kind: 'file' | 'directory' },
  known: Place | undefined,
): PurgeTarget {
  const reread = rereadCdnUrl(url);
  if (reread === undefined) throw new Error('an entry of the backlog has no URL of a purge');
  if (known === undefined) throw new Error('an entry of the backlog has no place');
  const { cdn, host, endpointId, site, matching } = known;
  return { kind, url: reread.url, cdn, host, endpointId, site, matching };
}

function reasonToWire(reason: WaitReason): Pick<WireEntry, 'reason' | 'inFlight'> {
  return reason === 'in-flight' ? { reason: 'out-of-time', inFlight: true } : { reason };
}

function causeToWire(one: Cause): z.infer<typeof cause> {
  switch (one.type) {
    case 'change':
      return { event: one.eventId, at: one.eventAt, traceparent: one.traceparent };
    case 'request':
      return { request: one.requestId, at: one.askedAt, origin: one.origin, traceparent: one.traceparent };
  }
}

function causeFrom(wire: z.infer<typeof cause>): Cause {
  const { traceparent } = wire;
  return 'event' in wire
    ? { type: 'change', eventId: wire.event, eventAt: instant(wire.at), traceparent }
    : {
        type: 'request',
        requestId: wire.request,
        askedAt: instant(wire.at),
        origin: wire.origin,
        traceparent,
      };
}

function messageToWire({ path, text: verbatim }: WaitingMessage): z.infer<typeof message> {
  const json = Buffer.from(verbatim, 'base64').toString('utf8');
  const isSame = Buffer.from(json, 'utf8').toString('base64') === verbatim;
  return isSame ? { path, json } : { path, text: verbatim };
}

const messageFrom = (wire: z.infer<typeof message>): WaitingMessage => ({
  path: wire.path,
  text: 'json' in wire ? Buffer.from(wire.json, 'utf8').toString('base64') : wire.text,
});

/** Less `namedUrls`: nothing waits by them. */
function outcomeToWire(held: NotAccepted): z.infer<typeof outcome> {
  if (held.kind === 'refused') {
    const { namedUrls: _leftOut, ...refused } = held;
    return refused;
  }
  const { reason } = held;
  return isLater(reason)
    ? { ...held, reason: LATER_REASONS[reason], laterReason: reason }
    : { ...held, reason };
}

const isLater = (reason: PurgeFailureReason): reason is keyof typeof LATER_REASONS => reason in LATER_REASONS;

function outcomeFrom({ retryAfterMs, correlationId, ...wire }: z.infer<typeof outcome>): NotAccepted {
  const answer = { retryAfterMs, correlationId };
  if (wire.kind === 'refused') return { ...wire, ...answer };
  const { laterReason, ...failed } = wire;
  return { ...failed, reason: laterReason ?? wire.reason, status: wire.status, ...answer };
}

const atFrom = (time: number | undefined) => (time === undefined ? undefined : instant(time));
