// The CDN of the histories: its answers by its mood, and the truth of what it acted on, held against the ledger.

import type { OutcomeClass } from '../../src/lib/core/outcome-class.ts';
import type { PurgeOutcome } from '../../src/lib/core/purge-outcome.ts';
import { spentInDay, type QuotaPolicy, type QuotaUnit } from '../../src/lib/core/quota-ledger.ts';
import { err, ok } from '../../src/lib/core/result.ts';
import { instant, type Instant } from '../../src/lib/core/instant.ts';
import type { LedgerStore, PurgeBatch, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import { aFailure, anAcceptance, aRefusal, LIMITS, OTHER_ENDPOINT, OTHER_HOST } from '../support/builders.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { createScriptedProvider } from '../support/in-memory-provider.ts';
import { createJournal } from '../support/recording-journal.ts';
import type { Random } from './random.ts';

const SUBSCRIPTION = 'subscription-1';
const DAY_MS = 24 * 3_600_000;

export type Mood =
  | 'calm'
  | 'flaky'
  /** Every purge that a class stands for is answered so. */
  | Exclude<OutcomeClass, 'quota-exhausted' | 'item-refused'>;

export type ActedOn = {
  readonly at: Instant;
  readonly files: readonly string[];
  readonly directories: readonly string[];
};

export type SimulatedCdn = {
  readonly provider: PurgeProvider;
  readonly acted: readonly ActedOn[];
  readonly setMood: (mood: Mood) => void;
  /** From now on it takes everything. */
  readonly heal: () => void;
  /** A person asked for it: its spend may come out of what is kept for people. */
  readonly markAsked: (url: string) => void;
  /** Compares the ledger with the truth of the present day. */
  readonly compareLedger: (when: string) => Promise<void>;
};

export type CdnOptions = {
  readonly random: Random;
  readonly clock: FakeClock;
  readonly ledgers: LedgerStore;
  readonly quota: QuotaPolicy;
  readonly urlsPerRequest: number;
  /** When its day really begins, and how far its clock is before ours. */
  readonly resetUtcOffsetHours: number;
  readonly skewMs: number;
  readonly note: (line: string) => void;
  readonly violate: (what: string) => void;
};

export function createSimulatedCdn(options: CdnOptions): SimulatedCdn {
  const { random, clock, ledgers, quota, resetUtcOffsetHours, skewMs, note, violate } = options;
  const acted: ActedOn[] = [];
  const asked = new Set<string>();
  let mood: Mood = 'calm';
  let isHealed = false;
  let tasks = 0;

  /** When the day began that the CDN counts a purge at this time in. */
  const dayOf = (at: number): Instant => {
    const shiftMs = resetUtcOffsetHours * 3_600_000;
    return instant(Math.floor((at + skewMs + shiftMs) / DAY_MS) * DAY_MS - shiftMs);
  };
  const isEventsOnly = (url: string): boolean =>
    ![...asked].some((one) => one === url || (url.endsWith('/') && one.startsWith(url)));
  const compareLedger = async (when: string): Promise<void> => {
    const day = dayOf(clock.now());
    const today = acted.filter(({ at }) => dayOf(at) === day);
    if (today.length === 0) return;
    const { ledger } = await ledgers.load(SUBSCRIPTION);
    const onLedger = spentInDay(ledger, day);
    const units: readonly QuotaUnit[] = ['files', 'directories'];
    for (const unit of units) {
      const urls = today.flatMap((one) => one[unit]);
      const written = onLedger.reduce((sum, entry) => sum + entry[unit], 0);
      const ofEvents = urls.filter(isEventsOnly).length;
      const forEvents = quota.limits[unit] - quota.manualReserve[unit];
      if (urls.length > quota.limits[unit]) violate(`${when}: ${urls.length} ${unit} were spent in a day`);
      if (written < urls.length) violate(`${when}: the ledger has ${written} ${unit} of ${urls.length}`);
      if (ofEvents > forEvents) violate(`${when}: events spent ${ofEvents} ${unit}, over ${forEvents}`);
    }
  };
  const act = async (purge: PurgeBatch): Promise<void> => {
    acted.push({ at: clock.now(), files: purge.files, directories: purge.directories });
    await compareLedger('when the CDN acted');
  };
  const accept = async (purge: PurgeBatch): Promise<PurgeOutcome> => {
    await act(purge);
    tasks += 1;
    return anAcceptance({ taskId: `task-${tasks}`, correlationId: `correlation-${tasks}` });
  };
  const answerAs = async (kind: Mood, purge: PurgeBatch): Promise<PurgeOutcome> => {
    switch (kind) {
      case 'calm':
        return accept(purge);
      case 'flaky':
        return answerAs(random.pick(FLAKY), purge);
      case 'throttled':
        return aRefusal({ retryAfterMs: random.pick([undefined, 1_000, 90_000, 20 * 60_000]) });
      case 'request-refused':
      case 'credentials-refused':
      case 'endpoint-unusable':
        return aRefusal({ errorType: kind, status: 400, message: 'No.', outcomeClass: kind });
      case 'transient':
        return aFailure({ reason: 'could-not-connect', sent: false, outcomeClass: 'transient' });
      case 'unknown':
        if (random.chance(0.5)) await act(purge);
        return aFailure({ reason: 'timed-out' });
    }
  };
  const scripted = createScriptedProvider(createJournal(), {
    limits: { ...LIMITS, urlsPerRequest: options.urlsPerRequest },
    quota,
    subscription: SUBSCRIPTION,
    endpoints: { [OTHER_HOST]: OTHER_ENDPOINT },
    script: async (purge) => {
      const urls = [...purge.files, ...purge.directories];
      const isBad = !isHealed && urls.some((url) => url.endsWith('/bad.txt'));
      const before = acted.length;
      const outcome = isBad
        ? aRefusal({ errorType: 'ParameterInvalid', status: 400, outcomeClass: 'item-refused' })
        : await answerAs(mood, purge);
      const what = outcome.kind === 'accepted' ? 'accepts' : outcome.outcomeClass;
      note(`CDN: ${what}${acted.length > before ? ' (acted)' : ''} ${urls.join(' ')}`);
      return outcome;
    },
  });
  scripted.findBy((host) =>
    host === OTHER_HOST && (mood !== 'flaky' || random.chance(0.7))
      ? OTHER_ENDPOINT
      : aFailure({ reason: 'endpoint-not-found', outcomeClass: 'endpoint-unusable', sent: false }),
  );
  scripted.followBy((urls) => {
    if (!isHealed && random.chance(0.2)) return err(aFailure());
    return ok(
      urls.map((url) => {
        const status = isHealed ? 'succeeded' : random.pick(['succeeded', 'succeeded', 'running', 'failed']);
        return { url, status } as const;
      }),
    );
  });
  return {
    provider: scripted,
    acted,
    compareLedger,
    setMood(next) {
      mood = next;
    },
    heal() {
      isHealed = true;
      mood = 'calm';
    },
    markAsked(url) {
      asked.add(url);
    },
  };
}

const FLAKY = [
  'calm',
  'calm',
  'calm',
  'calm',
  'throttled',
  'transient',
  'unknown',
  'unknown',
  'endpoint-unusable',
  'request-refused',
  'credentials-refused',
] as const;
