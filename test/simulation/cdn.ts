// The CDN of the histories: its answers by its mood, and the truth of what it acted on, held against the ledger.

import type { OutcomeClass } from '../../src/lib/core/outcome-class.ts';
import type { PurgeOutcome } from '../../src/lib/core/purge-outcome.ts';
import { spentInDay, type QuotaPolicy, type QuotaUnit } from '../../src/lib/core/quota-ledger.ts';
import { err, ok } from '../../src/lib/core/result.ts';
import { instant, type Instant } from '../../src/lib/core/instant.ts';
import type { LedgerStore, PurgeBatch, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import {
  aFailure,
  anAcceptance,
  aRefusal,
  CAPABILITIES,
  LIMITS,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../support/builders.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import type { Manner } from './manner.ts';
import type { Random } from './random.ts';
import { isRefused } from './site.ts';

const SUBSCRIPTION = 'subscription-1';
const DAY_MS = 24 * 3_600_000;

export type Mood =
  | 'calm'
  | 'flaky'
  /** Throttles whatever has a file in it, as if others had spent the quota of files. */
  | 'files-spent'
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
  /** How often a request came that would purge the URL, or its host was asked for in vain. */
  readonly countTries: (url: string) => number;
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
  readonly manner: Manner;
  /** When its day really begins, and how far its clock is before ours. */
  readonly resetUtcOffsetHours: number;
  readonly skewMs: number;
  readonly note: (line: string) => void;
  readonly violate: (what: string) => void;
};

export function createSimulatedCdn(options: CdnOptions): SimulatedCdn {
  const { random, clock, ledgers, quota, manner, resetUtcOffsetHours, skewMs, note, violate } = options;
  const { covers, fold } = manner;
  const acted: ActedOn[] = [];
  const tries: Pick<ActedOn, 'files' | 'directories'>[] = [];
  const askedInVain: string[] = [];
  const asked = new Set<string>();
  let mood: Mood = 'calm';
  let isHealed = false;
  const tasks = new Map<string, readonly string[]>();

  /** When the day began that the CDN counts a purge at this time in. */
  const dayOf = (at: number): Instant => {
    const shiftMs = resetUtcOffsetHours * 3_600_000;
    return instant(Math.floor((at + skewMs + shiftMs) / DAY_MS) * DAY_MS - shiftMs);
  };
  const isEventsOnly = (url: string): boolean => {
    if (asked.has(fold(url))) return false;
    return !url.endsWith('/') || ![...asked].some((one) => one.startsWith(fold(url)));
  };
  const compareLedger = async (when: string): Promise<void> => {
    const day = dayOf(clock.now());
    const before = acted.findLastIndex(({ at }) => dayOf(at) !== day);
    const today = acted.slice(before + 1);
    if (today.length === 0) return;
    const { ledger } = await ledgers.load(SUBSCRIPTION);
    if (!manner.hasQuota) {
      if (spentInDay(ledger, day).length > 0) violate(`${when}: a ledger is kept where there is no quota`);
      return;
    }
    const onLedger = spentInDay(ledger, day);
    for (const unit of UNITS) {
      const urls = today.flatMap((one) => one[unit]);
      const written = onLedger.reduce((sum, entry) => sum + entry[unit], 0);
      const ofEvents = urls.filter(isEventsOnly).length;
      const budget = quota.budgets.find(({ perFile }) => perFile > 0 === (unit === 'files'));
      if (budget === undefined) throw new Error(`the quota has no budget of ${unit}`);
      const forEvents = budget.limit - budget.keptForPeople;
      if (urls.length > budget.limit) violate(`${when}: ${urls.length} ${unit} were spent in a day`);
      if (written < urls.length) violate(`${when}: the ledger has ${written} ${unit} of ${urls.length}`);
      if (ofEvents > forEvents) violate(`${when}: events spent ${ofEvents} ${unit}, over ${forEvents}`);
    }
  };
  /** Where hosts are listed, each path goes on every host: one file too many is nothing, a directory is much. */
  const judgeRequest = ({ files, directories }: PurgeBatch): void => {
    const urls = [...files, ...directories];
    const isListed = manner.hosts === 'listed';
    const count = isListed ? new Set(urls.map(pathOf)).size : urls.length;
    if (count > options.urlsPerRequest) violate(`a request has ${count} of ${options.urlsPerRequest}`);
    if (!isListed) return;
    // A half of a refused request has the hosts of the whole, and perhaps not each path of them.
    const due = new Set(tries.slice(-LATELY).flatMap((one) => one.directories.map(fold)));
    for (const host of new Set(urls.map(hostOf))) {
      for (const directory of directories) {
        const url = fold(`http://${host}${pathOf(directory)}`);
        if (!due.has(url)) violate(`${directory} goes on ${host}, where nobody needs it`);
      }
    }
  };
  const act = async (purge: PurgeBatch): Promise<void> => {
    acted.push({ at: clock.now(), files: purge.files, directories: purge.directories });
    await compareLedger('when the CDN acted');
  };
  const accept = async (purge: PurgeBatch): Promise<PurgeOutcome> => {
    await act(purge);
    const number = tasks.size + 1;
    tasks.set(`task-${number}`, [...purge.files, ...purge.directories]);
    return anAcceptance({ taskId: `task-${number}`, correlationId: `correlation-${number}` });
  };
  const answerAs = async (kind: Mood, purge: PurgeBatch): Promise<PurgeOutcome> => {
    switch (kind) {
      case 'calm':
        return accept(purge);
      case 'flaky':
        return answerAs(random.pick(FLAKY), purge);
      case 'files-spent':
        return purge.files.length > 0 ? aRefusal() : accept(purge);
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
  const provider: PurgeProvider = {
    subscription: SUBSCRIPTION,
    limits: { ...LIMITS, urlsPerRequest: options.urlsPerRequest },
    budgets: manner.hasQuota
      ? quota.budgets
      : [{ perFile: 1, perDirectory: 1, limit: options.urlsPerRequest, per: 'call' }],
    capabilities: { ...CAPABILITIES, hosts: manner.hosts, purgesInFlight: manner.purgesInFlight },
    quota: manner.hasQuota ? quota : undefined,
    async findEndpoint(host) {
      if (host === OTHER_HOST && (mood !== 'flaky' || random.chance(0.7))) return ok(OTHER_ENDPOINT);
      askedInVain.push(`//${host}/`);
      return err(NOT_FOUND);
    },
    async submit(purge) {
      tries.push(purge);
      judgeRequest(purge);
      const urls = [...purge.files, ...purge.directories];
      const before = acted.length;
      const outcome =
        !isHealed && urls.some(isRefused)
          ? aRefusal({ errorType: 'ParameterInvalid', status: 400, outcomeClass: 'item-refused' })
          : await answerAs(mood, purge);
      const what = outcome.kind === 'accepted' ? 'accepts' : outcome.outcomeClass;
      note(`CDN: ${what}${acted.length > before ? ' (acted)' : ''} ${urls.join(' ')}`);
      return outcome;
    },
    async readProgress({ taskId }) {
      if (!isHealed && random.chance(0.2)) return err(aFailure());
      const statusOf = () =>
        isHealed ? 'succeeded' : random.pick(['succeeded', 'succeeded', 'running', 'failed']);
      return ok({ items: (tasks.get(taskId) ?? []).map((url) => ({ url, status: statusOf() })) });
    },
  };
  return {
    provider,
    acted,
    countTries: (url) =>
      tries.filter((one) => covers(one, url)).length +
      askedInVain.filter((host) => url.includes(host)).length,
    compareLedger,
    setMood(next) {
      mood = next;
    },
    heal() {
      isHealed = true;
      mood = 'calm';
    },
    markAsked(url) {
      asked.add(fold(url));
    },
  };
}

const hostOf = (url: string): string => new URL(url).host;
const pathOf = (url: string): string => new URL(url).pathname;

/** Requests before one, of two processes, in which its whole is. */
const LATELY = 20;

const UNITS: readonly QuotaUnit[] = ['files', 'directories'];

const NOT_FOUND = aFailure({ reason: 'endpoint-not-found', outcomeClass: 'endpoint-unusable', sent: false });

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
