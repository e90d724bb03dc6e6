// What the app tells of itself once a minute: how much waits, since when, how the quota stands, who has fallen silent.

import type { Backlog } from './backlog.ts';
import { listBacklog } from './backlog-listing.ts';
import { findSilences, placeOfActivity, type ContainerActivity } from './container-activity.ts';
import type { Instant } from './instant.ts';
import type { QuotaLedger, QuotaPolicy } from './quota-ledger.ts';
import { quotaOutlook } from './quota-outlook.ts';
import type { MappingRule } from './url-mapping.ts';

/** What could be read; undefined: it could not, or is not there to be read. */
export type HeartbeatFacts = {
  readonly queue: QueueFacts | undefined;
  readonly poison: QueueFacts | undefined;
  readonly deadLetters: { readonly unread: number; readonly kept: number } | undefined;
  readonly backlog: Backlog | undefined;
  readonly ledgers: readonly {
    readonly subscription: string;
    readonly policy: QuotaPolicy;
    readonly ledger: QuotaLedger;
  }[];
  readonly openPurges: readonly { readonly acceptedAt: Instant }[] | undefined;
  /** When each served container was listed last; undefined: never. */
  readonly inventory: readonly (Instant | undefined)[] | undefined;
  readonly activity: ContainerActivity | undefined;
  readonly rules: readonly MappingRule[];
  /** What should have been read and could not: `backlog`. */
  readonly unseen: readonly string[];
};

/** Approximate, never less than there are: learn.microsoft.com/rest/api/storageservices/get-queue-metadata */
export type QueueFacts = {
  readonly messages: number;
  /** Of the oldest that is visible; undefined: none is. */
  readonly oldestAt: Instant | undefined;
};

/** Flat, as telemetry takes it. What is undefined was not seen. */
export type Heartbeat = {
  readonly queueMessages: number | undefined;
  readonly queueOldestAgeMs: number | undefined;
  readonly poisonMessages: number | undefined;
  readonly poisonOldestAgeMs: number | undefined;
  /** Blobs that Event Grid could not deliver and nobody has read yet. */
  readonly deadLetters: number | undefined;
  /** Those of which something stays. */
  readonly deadLettersKept: number | undefined;
  readonly backlogTargets: number | undefined;
  readonly backlogRequests: number | undefined;
  readonly backlogOldestAgeMs: number | undefined;
  /** JSON: `[{"site","reason","waiting","oldestAgeMs"}]`, the oldest first; requests have no site. */
  readonly backlog: string | undefined;
  readonly openPurges: number | undefined;
  readonly openPurgesOldestAgeMs: number | undefined;
  readonly inventoryContainers: number | undefined;
  /** Served, and not listed yet. */
  readonly inventoryUnlisted: number | undefined;
  readonly inventoryOldestAgeMs: number | undefined;
  /** JSON: `[{"site","lastChangeAgeMs"}]`. */
  readonly sites: string | undefined;
  /** What should have been read and could not, with spaces between. */
  readonly unseen: string;
};

export type QuotaState = {
  readonly subscription: string;
  readonly budget: string;
  readonly limit: number;
  readonly used: number;
  readonly left: number;
  readonly leftForEvents: number;
  readonly forecastByClock: number;
  readonly forecastByUsualDay: number | undefined;
  readonly msToReset: number;
};

export type ContainerSilence = {
  readonly sites: string;
  readonly account: string;
  readonly container: string;
  readonly silentForMs: number;
  readonly usualMs: number;
};

export type Beat = {
  readonly heartbeat: Heartbeat;
  readonly quotas: readonly QuotaState[];
  readonly silences: readonly ContainerSilence[];
};

/** The longest silent ones; who has more has another trouble. */
const MOST_SILENCES = 20;

/** Takes what was seen at a time, gives what is told of it. */
export function describeBeat(facts: HeartbeatFacts, at: Instant): Beat {
  const { queue, poison, deadLetters, openPurges, unseen } = facts;
  return {
    heartbeat: {
      queueMessages: queue?.messages,
      queueOldestAgeMs: ageOf(queue?.oldestAt, at),
      poisonMessages: poison?.messages,
      poisonOldestAgeMs: ageOf(poison?.oldestAt, at),
      deadLetters: deadLetters?.unread,
      deadLettersKept: deadLetters?.kept,
      ...describeBacklog(facts.backlog, at),
      openPurges: openPurges?.length,
      openPurgesOldestAgeMs: ageOf(
        openPurges === undefined ? undefined : earliest(openPurges.map(({ acceptedAt }) => acceptedAt)),
        at,
      ),
      ...describeInventory(facts.inventory, at),
      sites: facts.activity && describeSites(facts.activity, facts.rules, at),
      unseen: unseen.join(' '),
    },
    quotas: facts.ledgers.flatMap(({ subscription, policy, ledger }) =>
      quotaOutlook(ledger, policy, at).map(({ resetAt, ...outlook }) => ({
        subscription,
        ...outlook,
        msToReset: Math.max(resetAt - at, 0),
      })),
    ),
    silences: facts.activity === undefined ? [] : describeSilences(facts.activity, facts.rules, at),
  };
}

function describeBacklog(
  backlog: Backlog | undefined,
  at: Instant,
): Pick<Heartbeat, 'backlogTargets' | 'backlogRequests' | 'backlogOldestAgeMs' | 'backlog'> {
  if (backlog === undefined) {
    return {
      backlogTargets: undefined,
      backlogRequests: undefined,
      backlogOldestAgeMs: undefined,
      backlog: undefined,
    };
  }
  const { targets, requests, oldestSince } = listBacklog(backlog, at, 0);
  const bySite = Map.groupBy(backlog.entries.values(), (entry) =>
    entry.type === 'target' ? entry.target.site : '',
  );
  const described = [...bySite].flatMap(([site, ofSite]) =>
    [...Map.groupBy(ofSite, ({ reason }) => reason)].map(([reason, entries]) => ({
      site,
      reason,
      waiting: entries.length,
      oldestAgeMs: ageOf(earliest(entries.map(({ since }) => since)), at) ?? 0,
    })),
  );
  return {
    backlogTargets: targets,
    backlogRequests: requests,
    backlogOldestAgeMs: ageOf(oldestSince, at),
    backlog: listed(described.toSorted((one, other) => other.oldestAgeMs - one.oldestAgeMs)),
  };
}

function describeInventory(
  listed: HeartbeatFacts['inventory'],
  at: Instant,
): Pick<Heartbeat, 'inventoryContainers' | 'inventoryUnlisted' | 'inventoryOldestAgeMs'> {
  const times = listed?.flatMap((startedAt) => startedAt ?? []) ?? [];
  return {
    inventoryContainers: listed?.length,
    inventoryUnlisted: listed && listed.length - times.length,
    inventoryOldestAgeMs: ageOf(earliest(times), at),
  };
}

function describeSites(activity: ContainerActivity, rules: readonly MappingRule[], at: Instant): string {
  const latest = new Map<string, Instant>();
  for (const [key, { lastChangeAt }] of activity) {
    for (const site of sitesServing(placeOfActivity(key), rules)) {
      const known = latest.get(site);
      if (known === undefined || known < lastChangeAt) latest.set(site, lastChangeAt);
    }
  }
  const described = [...latest].map(([site, lastChangeAt]) => ({
    site,
    lastChangeAgeMs: ageOf(lastChangeAt, at) ?? 0,
  }));
  return listed(described.toSorted((one, other) => other.lastChangeAgeMs - one.lastChangeAgeMs));
}

function describeSilences(
  activity: ContainerActivity,
  rules: readonly MappingRule[],
  at: Instant,
): readonly ContainerSilence[] {
  const silences = findSilences(activity, at).flatMap((silence) => {
    const sites = sitesServing(silence, rules);
    // What nobody serves any more may be silent.
    return sites.length === 0 ? [] : [{ sites: sites.join(' '), ...silence }];
  });
  return silences.toSorted((one, other) => other.silentForMs - one.silentForMs).slice(0, MOST_SILENCES);
}

function sitesServing(
  { account, container }: Pick<ContainerSilence, 'account' | 'container'>,
  rules: readonly MappingRule[],
): readonly string[] {
  const serving = rules.filter(
    (rule) => (rule.account === '*' || rule.account === account) && rule.matchesContainer(container),
  );
  return [...new Set(serving.map(({ site }) => site))].toSorted();
}

/** A property holds 8,000 characters, and half an array is no JSON. */
const MOST_CHARACTERS = 7_500;

function listed(items: readonly object[]): string {
  const texts: string[] = [];
  let characters = 2;
  for (const item of items) {
    const text = JSON.stringify(item);
    characters += text.length + 1;
    if (characters > MOST_CHARACTERS) break;
    texts.push(text);
  }
  return `[${texts.join(',')}]`;
}

const ageOf = (since: Instant | undefined, at: Instant): number | undefined =>
  since === undefined ? undefined : Math.max(at - since, 0);

function earliest(times: readonly Instant[]): Instant | undefined {
  return times.reduce<Instant | undefined>(
    (first, time) => (first === undefined || time < first ? time : first),
    undefined,
  );
}
