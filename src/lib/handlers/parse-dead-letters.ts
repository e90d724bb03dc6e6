// From a blob of dead letters to parsed events: an event as it was delivered, with Event Grid's words on why it was not.

import * as z from 'zod';

import { parseBlobEvents } from '../event-grid/parse-blob-events.ts';
import type { DeadLetter } from '../use-cases/read-dead-letters.ts';

/**
 * Takes a blob's text (one event or an array of them, in either schema) and the accounts that are believed, gives the
 * dead letters; undefined for a text that is no JSON.
 */
export function parseDeadLetters(
  text: string,
  accounts: ReadonlySet<string>,
): readonly DeadLetter[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // the caller keeps it, with this as the reason
  }
  const events: readonly unknown[] = Array.isArray(json) ? json : [json];
  return events.map((event) => {
    const object = AnyObject.safeParse(event).data;
    const failure = Failure.parse(object ?? {});
    return {
      event: object ?? { event },
      // As an array of one: an array in its place is no event.
      parsed: parseBlobEvents([event], accounts, undefined),
      outcome: failure.purgeNotTaken === undefined ? outcomeOf(failure) : undefined,
    };
  });
}

const AnyObject = z.record(z.string(), z.unknown());

const words = z.string().optional().catch(undefined);

/** CloudEvents have it in lower case: learn.microsoft.com/azure/event-grid/delivery-and-retry */
const Failure = z.object({
  lastDeliveryOutcome: words,
  lastdeliveryoutcome: words,
  /** Ours, from an earlier reading. */
  purgeNotTaken: z.unknown().optional(),
});

/** It becomes part of a log line and of telemetry. */
function outcomeOf({ lastDeliveryOutcome, lastdeliveryoutcome }: z.infer<typeof Failure>): string {
  const outcome = lastDeliveryOutcome ?? lastdeliveryoutcome ?? '';
  return /^[A-Za-z]\w{0,49}$/u.test(outcome) ? outcome : 'unknown';
}
