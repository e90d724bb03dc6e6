// Follows accepted purges: asks the CDN about the tasks that are due, and brings those that ended to their end.
//
// Nothing here is done once only: two trackers at once, or one that starts again after a crash, write the same.

import { followTask, type Poll } from '../core/purge-tracking.ts';
import type { PurgeRefused } from '../core/purge-outcome.ts';
import { isEnded, type OpenPurge, type PurgeRecord } from '../core/purge-record.ts';
import { closeEnded } from './close-purge.ts';
import type { FlushPorts } from './flush-purges.ts';
import { forEachLimited } from './for-each-limited.ts';
import { StorageTrouble, type PurgeProvider, type Run } from './ports.ts';
import { withRepurges } from './repurge-failed.ts';

export type TrackPorts = Pick<
  FlushPorts,
  'buffer' | 'clock' | 'configuration' | 'newId' | 'providersFor' | 'records'
>;

/** More wait for the next tick, longest due first. At four ticks a minute this is 48,000 questions an hour. */
const MOST_PER_TICK = 200;
const PARALLEL_PURGES = 4;
/** No purge is taken up after this, so that a tick ends well before the host's time-out. */
const TAKE_FOR_MS = 60_000;

type Summary = {
  asked: number;
  succeeded: number;
  failed: number;
  unknown: number;
  troubles: string[];
};

/** One tick. Where nothing is due it costs one listing of the open purges and says nothing. */
export async function trackPurges(ports: TrackPorts, run: Run): Promise<void> {
  const startedAt = ports.clock.now();
  const due = await ports.records.findDuePurges(startedAt, MOST_PER_TICK);
  if (due.length === 0) return;
  const providers = ports.providersFor(await ports.configuration.current());
  const summary: Summary = { asked: 0, succeeded: 0, failed: 0, unknown: 0, troubles: [] };
  await run.telemetry.span(
    { name: 'track-purges', kind: 'internal', startedAt, traceparent: run.traceparent },
    async (span) => {
      const follow = followerOf(providers, ports, run);
      await forEachLimited(due, PARALLEL_PURGES, async (id) => {
        if (ports.clock.now() - startedAt >= TAKE_FOR_MS) return;
        await noteTrouble(summary, () => track(id, follow, ports, run, summary));
      });
      span.set(countsOf(summary));
    },
  );
  logSummary(summary, run);
  await run.telemetry.flush();
}

async function track(
  id: string,
  follow: Follower,
  ports: TrackPorts,
  run: Run,
  summary: Summary,
): Promise<void> {
  const { records } = ports;
  const open = await records.readOpenPurge(id);
  if (open === undefined) return; // another tracker has closed it
  let { record }: { record: PurgeRecord } = open;
  if (!isEnded(record)) {
    const next = await follow(record);
    if (next === undefined) return;
    summary.asked += 1;
    record = isEnded(next) ? await withRepurges(next, ports) : next;
    // From here on its end is decided: whoever finds the record goes on with this one.
    if (!(await records.updateOpenPurge(record, open.version))) return;
    if (!isEnded(record)) return;
  }
  if (await closeEnded(record, ports, run)) summary[record.state] += 1;
}

/** Asks about a purge, gives its next record, or undefined when the question must wait for another tick. */
type Follower = (purge: OpenPurge) => Promise<PurgeRecord | undefined>;

/** Where one question got no answer, the others of this tick would only wait for theirs to time out. */
function followerOf(
  providers: ReadonlyMap<string, PurgeProvider>,
  { clock }: Pick<TrackPorts, 'clock'>,
  { log }: Run,
): Follower {
  const silent = new Set<string>();
  const refusing = new Set<string>();
  const ask = async (purge: OpenPurge, provider: PurgeProvider | undefined): Promise<Poll> => {
    // The configuration no longer has this CDN, and may have it again.
    if (provider === undefined) return { kind: 'nothing-learnt', retryAfterMs: undefined };
    const progress = await provider.readProgress(purge);
    if (progress.ok) return { kind: 'answered', ...progress.value };
    const { error } = progress;
    if (error.kind === 'failed') silent.add(purge.cdn);
    else if (!refusing.has(purge.cdn)) {
      refusing.add(purge.cdn);
      warnOfRefusal(purge, error, log);
    }
    return { kind: 'nothing-learnt', retryAfterMs: error.retryAfterMs };
  };
  return async (purge) => {
    if (silent.has(purge.cdn)) return undefined;
    const provider = providers.get(purge.cdn);
    const poll = await ask(purge, provider);
    return followTask(purge, poll, clock.now(), provider?.capabilities.pollPausesMs ?? []);
  };
}

/** Once for each CDN and tick: what keeps one purge from being followed keeps the others, too. */
function warnOfRefusal(
  { id: purgeId, cdn }: OpenPurge,
  { errorType, status, message, correlationId }: PurgeRefused,
  log: Run['log'],
): void {
  log.warn('The CDN does not tell how far an accepted purge is: it is asked again.', {
    purgeId,
    cdn,
    errorType,
    status,
    message,
    correlationId,
  });
}

/** Trouble with one purge must not stop the others: it is still open, and due at the next tick. */
async function noteTrouble(summary: Summary, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    summary.troubles.push(error.message);
  }
}

const countsOf = ({ troubles: _troubles, ...counts }: Summary) => counts;

function logSummary(summary: Summary, { log }: Run): void {
  const [error] = summary.troubles;
  if (error !== undefined) {
    log.warn('Storage trouble with accepted purges that are followed: they are looked at again.', {
      purges: summary.troubles.length,
      error,
    });
  }
  const { succeeded, failed, unknown } = summary;
  if (succeeded + failed + unknown > 0) log.info('Accepted purges came to their end.', countsOf(summary));
}
