// What Event Grid keeps of an event that it gives up on: the event with why and when, in a blob by its hour. Pure.
//
// Names: https://learn.microsoft.com/azure/event-grid/delivery-and-retry#dead-letter-event (in lower case for
// CloudEvents) and, for the blob, https://learn.microsoft.com/azure/event-grid/manage-event-delivery
import type { Answer } from './delivery-schedule.ts';
import type { OutgoingEvent } from './event.ts';

/** Of these, the documentation shows the first; it says that there are others. */
export type DeadLetterReason =
  | 'MaxDeliveryAttemptsExceeded'
  | 'TimeToLiveExceeded'
  | 'UndeliverableDueToClientError';

export interface GivenUp {
  readonly event: OutgoingEvent;
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly answer: Answer | undefined;
  readonly acceptedAtMs: number;
  readonly lastAttemptAtMs: number | undefined;
}

/** The event as it stands in the container. */
export function deadLetterOf(givenUp: GivenUp): Readonly<Record<string, unknown>> {
  const { event, lastAttemptAtMs } = givenUp;
  const why = {
    deadLetterReason: givenUp.reason,
    deliveryAttempts: givenUp.attempts,
    lastDeliveryOutcome: outcomeOf(givenUp.answer),
    publishTime: isoTime(givenUp.acceptedAtMs),
    ...(lastAttemptAtMs === undefined ? {} : { lastDeliveryAttemptTime: isoTime(lastAttemptAtMs) }),
  };
  if (event.schema === 'eventgrid') return { ...event.wire, ...why };
  const inLowerCase = Object.entries(why).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { ...event.wire, ...Object.fromEntries(inLowerCase) };
}

/** `<SUBSCRIPTION>/<year>/<month>/<day>/<hour>/<id>.json`, in UTC and without leading zeros. */
export function deadLetterBlobName(subscription: string, at: Date, id: string): string {
  const hour = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours()].join('/');
  return `${subscription.toUpperCase()}/${hour}/${id}.json`;
}

/** Event Grid's words, as far as they are known. */
const outcomes: ReadonlyMap<number, string> = new Map([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [408, 'TimedOut'],
  [413, 'RequestEntityTooLarge'],
  [429, 'Busy'],
  [500, 'InternalServerError'],
  [503, 'Busy'],
]);

function outcomeOf(answer: Answer | undefined): string {
  if (answer === undefined) return 'Probation';
  if (answer.kind === 'unanswered') return /time|abort/iu.test(answer.reason) ? 'TimedOut' : 'SocketError';
  return outcomes.get(answer.status) ?? 'GenericError';
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
