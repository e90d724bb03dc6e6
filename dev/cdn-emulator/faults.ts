// Failures on order: a queue of faults, each for a number of requests that would have succeeded.
import * as z from 'zod';
import { createFaultQueue, type FaultQueue } from '../emulator/fault-queue.ts';
import { ErrorType } from './api-error.ts';
import { operations, type Operation } from './route.ts';

const times = z.int().min(1).default(1);
const match = z
  .strictObject({
    operation: z.enum(operations).optional(),
    endpointId: z.string().optional(),
    /** Some URL of the request contains this text. */
    urlIncludes: z.string().optional(),
  })
  .default({});
const retryAfter = z.union([z.int().min(0), z.string()]).optional();

/**
 * One fault. It takes effect on requests that pass validation, before the quota is asked: a request that is
 * wrong by itself uses up no fault. "Before acting" means that nothing is purged or counted.
 */
export type Fault = z.infer<typeof Fault>;
export const Fault = z.discriminatedUnion('fault', [
  /** Any documented error, before acting. */
  z.strictObject({
    fault: z.literal('error'),
    times,
    match,
    type: ErrorType,
    status: z.int().min(200).max(599).optional(),
    retryAfter,
  }),
  /** RequestThrottled, before acting, with or without Retry-After (seconds or an HTTP date). */
  z.strictObject({ fault: z.literal('throttle'), times, match, retryAfter }),
  /** An HTML page of a gateway before the service, so without correlation id, before acting. */
  z.strictObject({
    fault: z.literal('gateway'),
    times,
    match,
    status: z.union([z.literal(502), z.literal(503), z.literal(504)]).default(502),
    retryAfter,
  }),
  z.strictObject({ fault: z.literal('reset-before-acting'), times, match }),
  /** The work is done and counted, but the answer is lost. */
  z.strictObject({ fault: z.literal('reset-after-acting'), times, match }),
  /** Acts, then holds the answer for `ms`, or until POST /_emulator/release without it. */
  z.strictObject({ fault: z.literal('slow-answer'), times, match, ms: z.int().min(0).optional() }),
  z.strictObject({ fault: z.literal('no-task-id'), times, match }),
  /** Status 200 with `Succeeded: false`, before acting. */
  z.strictObject({
    fault: z.literal('refused-with-200'),
    times,
    match,
    type: ErrorType.default('InternalError'),
  }),
  /** 307 to another path of this API, before acting. A client that follows shows up in the request log. */
  z.strictObject({ fault: z.literal('redirect'), times, match, location: z.string().default('/elsewhere') }),
  /** A purge query answers this status for every item. */
  z.strictObject({
    fault: z.literal('unknown-item-status'),
    times,
    match,
    status: z.string().default('Verifying'),
  }),
  /** Accepted, but the items (all, or those whose URL contains `failing`) end in `Failed`. */
  z.strictObject({ fault: z.literal('failing-items'), times, match, failing: z.string().optional() }),
]);

export interface FaultSubject {
  readonly operation: Operation;
  readonly endpointId: string;
  readonly urls: readonly string[];
}

export type Faults = FaultQueue<Fault, FaultSubject>;

export const createFaults = (): Faults => createFaultQueue(isFor);

function isFor(fault: Fault, subject: FaultSubject): boolean {
  const { operation, endpointId, urlIncludes } = fault.match;
  if (operation !== undefined && operation !== subject.operation) return false;
  if (endpointId !== undefined && endpointId.toLowerCase() !== subject.endpointId.toLowerCase()) return false;
  if (urlIncludes !== undefined && !subject.urls.some((url) => url.includes(urlIncludes))) return false;
  switch (fault.fault) {
    case 'no-task-id':
    case 'failing-items':
      return subject.operation === 'add-purge' || subject.operation === 'add-preload';
    case 'unknown-item-status':
      return subject.operation === 'query-purge' || subject.operation === 'query-preload';
    case 'error':
    case 'throttle':
    case 'gateway':
    case 'reset-before-acting':
    case 'reset-after-acting':
    case 'slow-answer':
    case 'refused-with-200':
    case 'redirect':
      return true;
  }
}
