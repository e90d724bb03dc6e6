// Takes over parsed blob events: what a rule serves is buffered, the rest is counted.

import { affectedPaths, type BlobChange } from '../core/blob-change.ts';
import type { Configuration } from '../core/configuration.ts';
import { isHostContainer } from '../core/host-container.ts';
import { mapToTargets } from '../core/url-mapping.ts';
import { forEachLimited } from './for-each-limited.ts';
import type { PurgeBuffer, Run } from './ports.ts';

/** What one event turned out to be. */
export type ParsedEvent =
  | { readonly kind: 'change'; readonly change: BlobChange }
  /** Means nothing to a cache. */
  | { readonly kind: 'ignored'; readonly reason: string }
  /** Cannot be believed or named in a purge. `subject` is what the event spoke of, for the log. */
  | { readonly kind: 'refused'; readonly reason: string; readonly subject: string };

/**
 * Where the app and its host write themselves. A rule for every container (`*`) would else make each purge's record
 * a change that is purged and recorded, without end.
 */
export type OwnPlaces = {
  readonly account: string;
  readonly recordsContainer: string;
  /** Event Grid writes there, too, and would write the more the less it can deliver. */
  readonly deadLetterContainer?: string | undefined;
};

/** A delivery holds up to 5,000 events: they must not open as many connections. */
const PARALLEL_ADDS = 32;

/** Gives the number of changes buffered. Throws StorageTrouble: then the whole delivery must come again. */
export async function bufferBlobChanges(
  events: readonly ParsedEvent[],
  configuration: Configuration,
  own: OwnPlaces,
  buffer: PurgeBuffer,
  run: Run,
): Promise<number> {
  const served = servedChanges(events, configuration, own, run);
  await forEachLimited(served, PARALLEL_ADDS, async (change) => {
    await buffer.add({ type: 'change', change, failedAttempts: 0 });
  });
  run.log.debug('Buffered blob changes.', { buffered: served.length });
  return served.length;
}

/** Gives what some rule serves. The rest is counted and told of. */
export function servedChanges(
  events: readonly ParsedEvent[],
  configuration: Configuration,
  own: OwnPlaces,
  run: Run,
): readonly BlobChange[] {
  const changes = events.flatMap((event) =>
    event.kind === 'change' && !isOwnWrite(event.change, own) ? [event.change] : [],
  );
  const served = changes.filter((change) => isServed(change, configuration));
  reportNotTaken(events, changes.length - served.length, run);
  return served;
}

function isOwnWrite(change: BlobChange, own: OwnPlaces): boolean {
  return affectedPaths(change).every(
    ({ account, container }) =>
      isHostContainer(container) ||
      (account === own.account &&
        (container === own.recordsContainer || container === own.deadLetterContainer)),
  );
}

function isServed(change: BlobChange, configuration: Configuration): boolean {
  return affectedPaths(change).some((path) => mapToTargets(path, configuration.rules).length > 0);
}

function reportNotTaken(events: readonly ParsedEvent[], unserved: number, { log, telemetry }: Run): void {
  let ignored = 0;
  let refused = 0;
  const byReason = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'change') continue;
    byReason.set(event.reason, (byReason.get(event.reason) ?? 0) + 1);
    if (event.kind === 'ignored') {
      ignored += 1;
    } else {
      refused += 1;
      log.warn('Refused a blob event: nothing is purged for it.', {
        reason: event.reason,
        subject: event.subject,
      });
    }
  }
  if (ignored + refused + unserved === 0) return;
  const reasons = [...byReason].map(([reason, count]) => `${reason}=${count}`).join(' ');
  telemetry.track({ name: 'changes-not-taken', ignored, refused, reasons, unserved });
}
