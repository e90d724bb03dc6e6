// A CDN whose answers a test scripts; it remembers every purge, and how many were in flight at once.

import type { Capabilities } from '../../src/lib/core/capabilities.ts';
import type { RequestLimits } from '../../src/lib/core/configuration.ts';
import type { PurgeBudget } from '../../src/lib/core/purge-budget.ts';
import type { NotAccepted, PurgeOutcome } from '../../src/lib/core/purge-outcome.ts';
import type { ItemProgress, TaskProgress } from '../../src/lib/core/purge-tracking.ts';
import type { QuotaPolicy } from '../../src/lib/core/quota-ledger.ts';
import { err, ok, type Result } from '../../src/lib/core/result.ts';
import type { PurgeBatch, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import { aFailure, anAcceptance, CAPABILITIES, LIMITS } from './builders.ts';
import type { Journal } from './recording-journal.ts';

/** Gives the answer to a purge; `number` counts the purges of this CDN from 1. */
export type Script = (purge: PurgeBatch, number: number) => PurgeOutcome | Promise<PurgeOutcome>;

type TaskAnswer = Result<readonly ItemProgress[] | TaskProgress, NotAccepted>;

/** Gives the answer to a question about a task; `urls` are those that were accepted with it. */
export type TaskScript = (urls: readonly string[], taskId: string) => TaskAnswer | Promise<TaskAnswer>;

export type ScriptedProvider = PurgeProvider & {
  readonly purges: readonly PurgeBatch[];
  /** URLs of the purges that were accepted, in order. */
  readonly purgedUrls: () => readonly string[];
  /** Most purges in flight at once, by endpoint id; `*` for all endpoints together. */
  readonly mostInFlight: ReadonlyMap<string, number>;
  readonly answerBy: (script: Script) => void;
  /** From now on the search for an endpoint is answered so. */
  readonly findBy: (script: (host: string) => string | NotAccepted) => void;
  readonly followBy: (script: TaskScript) => void;
};

export type ScriptedProviderOptions = {
  readonly limits?: RequestLimits;
  readonly capabilities?: Partial<Capabilities>;
  /** Those of the quota unless given. */
  readonly budgets?: readonly PurgeBudget[];
  readonly subscription?: string;
  /** None unless given. */
  readonly quota?: QuotaPolicy;
  readonly script?: Script;
  /** Endpoint ids by host, where the configuration leaves them out. */
  readonly endpoints?: Readonly<Record<string, string>>;
};

const allWell: TaskScript = (urls) => ok(urls.map((url) => ({ url, status: 'succeeded' })));

/** Accepts everything, and purges it well, unless told otherwise. */
export function createScriptedProvider(
  journal: Journal,
  {
    limits = LIMITS,
    capabilities,
    budgets,
    subscription = 'subscription-1',
    quota,
    script,
    endpoints = {},
  }: ScriptedProviderOptions = {},
): ScriptedProvider {
  const purges: PurgeBatch[] = [];
  const accepted: string[] = [];
  const tasks = new Map<string, readonly string[]>();
  const inFlight = new Map<string, number>();
  const mostInFlight = new Map<string, number>();
  let answer: Script = script ?? ((_purge, number) => anAcceptance({ taskId: `task-${number}` }));
  let follow: TaskScript = allWell;
  let find = (host: string): string | NotAccepted =>
    endpoints[host] ??
    aFailure({ reason: 'endpoint-not-found', outcomeClass: 'endpoint-unusable', sent: false });
  const fly = (endpointId: string, by: number): void => {
    for (const key of [endpointId, '*']) {
      const now = (inFlight.get(key) ?? 0) + by;
      inFlight.set(key, now);
      mostInFlight.set(key, Math.max(mostInFlight.get(key) ?? 0, now));
    }
  };
  return {
    subscription,
    limits,
    capabilities: { ...CAPABILITIES, ...capabilities },
    budgets: budgets ?? quota?.budgets ?? [],
    quota,
    purges,
    purgedUrls: () => accepted,
    mostInFlight,
    findBy(next) {
      find = next;
    },
    answerBy(next) {
      answer = next;
    },
    followBy(next) {
      follow = next;
    },

    async findEndpoint(host) {
      journal.note({ port: 'cdn', call: 'find-endpoint', of: host });
      const found = find(host);
      return typeof found === 'string' ? ok(found) : err(found);
    },

    async submit(purge) {
      journal.note({ port: 'cdn', call: 'submit', of: purge.endpointId });
      purges.push(purge);
      const number = purges.length;
      fly(purge.endpointId, 1);
      // An answer takes a turn of the event loop at least, so that what runs at once is seen to.
      await new Promise((resolve) => setImmediate(resolve));
      const outcome = await answer(purge, number);
      fly(purge.endpointId, -1);
      if (outcome.kind === 'accepted') {
        accepted.push(...purge.files, ...purge.directories);
        tasks.set(outcome.taskId, [...purge.files, ...purge.directories]);
      }
      return outcome;
    },

    async readProgress({ taskId }) {
      journal.note({ port: 'cdn', call: 'read-progress', of: taskId });
      // Like `submit`: what runs at once is seen to.
      await new Promise((resolve) => setImmediate(resolve));
      const answered = await follow(tasks.get(taskId) ?? [], taskId);
      if (!answered.ok) return answered;
      return ok('items' in answered.value ? answered.value : { items: answered.value });
    },
  };
}
