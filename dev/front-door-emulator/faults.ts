// Failures on order: a queue of faults, each for a number of requests that would have succeeded.
import * as z from 'zod';
import { createFaultQueue, type FaultQueue } from '../emulator/fault-queue.ts';
import { operations, type Operation } from './route.ts';

const times = z.int().min(1).default(1);
const match = z
  .strictObject({
    /** Default: the operations that the fault can meet. */
    operation: z.enum(operations).optional(),
    profile: z.string().optional(),
    endpoint: z.string().optional(),
    /** Some path of the purge contains this text. */
    pathIncludes: z.string().optional(),
  })
  .default({});
const retryAfter = z.union([z.int().min(0), z.string()]).optional();

/**
 * One fault. It takes effect on requests that pass validation: a request that is wrong by itself uses up no
 * fault. "Before acting" means that nothing is purged.
 */
export type Fault = z.infer<typeof Fault>;
export const Fault = z.discriminatedUnion('fault', [
  /** Any error of Resource Manager or the provider, before acting: 409 Conflict, 500, 503 and others. */
  z.strictObject({
    fault: z.literal('error'),
    times,
    match,
    status: z.int().min(400).max(599),
    code: z.string().default('InternalServerError'),
    message: z.string().default('A fault was ordered.'),
    retryAfter,
  }),
  /** 429 before acting, by Resource Manager's own limit or by the provider's. */
  z.strictObject({
    fault: z.literal('throttle'),
    times,
    match,
    by: z.enum(['resource-manager', 'provider']).default('resource-manager'),
    retryAfter,
  }),
  /** An HTML page of a gateway before the service, so without request ids, before acting. */
  z.strictObject({
    fault: z.literal('gateway'),
    times,
    match,
    status: z.union([z.literal(502), z.literal(503), z.literal(504)]).default(502),
    retryAfter,
  }),
  z.strictObject({ fault: z.literal('reset-before-acting'), times, match }),
  /** The purge happens, but the answer is lost. */
  z.strictObject({ fault: z.literal('reset-after-acting'), times, match }),
  /** Before acting: no answer until POST /_emulator/release, then a reset connection. */
  z.strictObject({ fault: z.literal('silence'), times, match }),
  /** Acts, then holds the answer for `ms`, or until POST /_emulator/release without it. */
  z.strictObject({ fault: z.literal('slow-answer'), times, match, ms: z.int().min(0).optional() }),
  /** 307, before acting. A client that follows shows up in the request log. */
  z.strictObject({ fault: z.literal('redirect'), times, match, location: z.string().default('/elsewhere') }),
  /** 202 with one of its two URLs, or neither. */
  z.strictObject({
    fault: z.literal('fewer-operation-urls'),
    times,
    match,
    left: z.enum(['none', 'location', 'azure-asyncoperation']).default('none'),
  }),
  /** 200: purged at once, without an operation to ask about. */
  z.strictObject({ fault: z.literal('done-at-once'), times, match }),
  /** Accepted, but the operation fails or is cancelled, and nothing is purged. */
  z.strictObject({
    fault: z.literal('ends-in'),
    times,
    match,
    status: z.enum(['Failed', 'Canceled']).default('Failed'),
    code: z.string().default('InternalServerError'),
    message: z.string().default('The purge could not be carried out.'),
  }),
  /** A poll answers this status, whatever the operation's own is. */
  z.strictObject({ fault: z.literal('poll-says'), times, match, status: z.string().default('Queued') }),
]);

export interface FaultSubject {
  readonly operation: Operation;
  readonly profile: string;
  readonly endpoint: string;
  readonly paths: readonly string[];
}

export type Faults = FaultQueue<Fault, FaultSubject>;

export const createFaults = (): Faults => createFaultQueue(isFor);

function isFor(fault: Fault, subject: FaultSubject): boolean {
  const { operation, profile, endpoint, pathIncludes } = fault.match;
  if (operation !== undefined && operation !== subject.operation) return false;
  if (profile !== undefined && profile.toLowerCase() !== subject.profile.toLowerCase()) return false;
  if (endpoint !== undefined && endpoint.toLowerCase() !== subject.endpoint.toLowerCase()) return false;
  if (pathIncludes !== undefined && !subject.paths.some((path) => path.includes(pathIncludes))) return false;
  switch (fault.fault) {
    case 'fewer-operation-urls':
    case 'done-at-once':
    case 'ends-in':
      return subject.operation === 'purge';
    case 'poll-says':
      return subject.operation === 'poll';
    case 'error':
    case 'throttle':
    case 'gateway':
    case 'reset-before-acting':
    case 'reset-after-acting':
    case 'silence':
    case 'slow-answer':
    case 'redirect':
      // A token is asked for before every other call: it fails only where that is said.
      return subject.operation !== 'token' || operation === 'token';
  }
}
