// The properties of every event, by name: what is not listed here does not leave the app. docs/telemetry.md says what
// each means; queries and alerts may use these and no others.

import type { TelemetryEvent } from './telemetry-event.ts';

/** `json`: a list of objects, as text. */
type PropertyKind = 'text' | 'count' | 'ms' | 'time' | 'flag' | 'json';

type PropertiesOf<N extends TelemetryEvent['name']> = Exclude<
  keyof Extract<TelemetryEvent, { readonly name: N }>,
  'name'
>;

/** Neither a property too many nor one too few compiles. */
type Contract = {
  readonly [N in TelemetryEvent['name']]: { readonly [P in PropertiesOf<N>]: PropertyKind };
};

const ATTEMPT = {
  lane: 'text',
  cdn: 'text',
  endpointId: 'text',
  sites: 'text',
  files: 'count',
  directories: 'count',
  changes: 'count',
  requests: 'count',
  attempt: 'count',
  queueAgeMs: 'ms',
  eventAgeMs: 'ms',
  correlationId: 'text',
} as const;

export const EVENT_PROPERTIES = {
  'purge-accepted': { ...ATTEMPT, purgeId: 'text', taskId: 'text' },
  'purge-refused': { ...ATTEMPT, errorType: 'text', status: 'count', message: 'text' },
  'purge-failed': { ...ATTEMPT, reason: 'text', status: 'count', detail: 'text' },
  'purge-ended': {
    purgeId: 'text',
    taskId: 'text',
    correlationId: 'text',
    cdn: 'text',
    endpointId: 'text',
    state: 'text',
    sites: 'text',
    failedUrls: 'count',
    failedForGood: 'count',
    failure: 'text',
    polls: 'count',
    tookMs: 'ms',
  },
  'purge-requested': {
    requestId: 'text',
    sites: 'text',
    files: 'count',
    directories: 'count',
    reason: 'text',
  },
  'changes-not-taken': { ignored: 'count', refused: 'count', reasons: 'text', unserved: 'count' },
  'message-dead-lettered': { reason: 'text', site: 'text' },
  'dead-letters-read': {
    blobs: 'count',
    events: 'count',
    undelivered: 'count',
    buffered: 'count',
    kept: 'count',
    outcomes: 'text',
    keptReasons: 'text',
  },
  'configuration-taken': { etag: 'text' },
  'configuration-refused': { etag: 'text', problems: 'text' },
  'configuration-unreadable': { reason: 'text' },
  'sending-stopped': {
    outcomeClass: 'text',
    scope: 'text',
    cdn: 'text',
    endpointId: 'text',
    host: 'text',
    sites: 'text',
    cause: 'text',
    correlationId: 'text',
    waitMs: 'ms',
    times: 'count',
  },
  'quota-spent': {
    subscription: 'text',
    by: 'text',
    unit: 'text',
    sites: 'text',
    files: 'count',
    directories: 'count',
    until: 'time',
  },
  'key-slot-changed': { cdn: 'text', slot: 'text' },
  'clock-offset': { cdn: 'text', offsetMs: 'ms', alerts: 'flag' },
  heartbeat: {
    queueMessages: 'count',
    queueOldestAgeMs: 'ms',
    poisonMessages: 'count',
    poisonOldestAgeMs: 'ms',
    deadLetters: 'count',
    deadLettersKept: 'count',
    backlogTargets: 'count',
    backlogRequests: 'count',
    backlogOldestAgeMs: 'ms',
    backlog: 'json',
    openPurges: 'count',
    openPurgesOldestAgeMs: 'ms',
    inventoryContainers: 'count',
    inventoryUnlisted: 'count',
    inventoryOldestAgeMs: 'ms',
    sites: 'json',
    unseen: 'text',
  },
  'quota-state': {
    subscription: 'text',
    budget: 'text',
    limit: 'count',
    used: 'count',
    left: 'count',
    leftForEvents: 'count',
    forecastByClock: 'count',
    forecastByUsualDay: 'count',
    msToReset: 'ms',
  },
  'container-silent': {
    sites: 'text',
    account: 'text',
    container: 'text',
    silentForMs: 'ms',
    usualMs: 'ms',
  },
} as const satisfies Contract;
