// A CDN whose answers a test scripts; it remembers every purge, and how many were in flight at once.

import type { RequestLimits } from '../../src/lib/core/configuration.ts';
import type { PurgeOutcome } from '../../src/lib/core/purge-outcome.ts';
import { err, ok } from '../../src/lib/core/result.ts';
import type { PurgeBatch, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import { aFailure, anAcceptance, LIMITS } from './builders.ts';
import type { Journal } from './recording-journal.ts';

/** Gives the answer to a purge; `number` counts the purges of this CDN from 1. */
export type Script = (purge: PurgeBatch, number: number) => PurgeOutcome | Promise<PurgeOutcome>;

export type ScriptedProvider = PurgeProvider & {
  readonly purges: readonly PurgeBatch[];
  /** URLs of the purges that were accepted, in order. */
  readonly purgedUrls: () => readonly string[];
  /** Most purges in flight at once, by endpoint id; `*` for all endpoints together. */
  readonly mostInFlight: ReadonlyMap<string, number>;
  readonly answerBy: (script: Script) => void;
};

export type ScriptedProviderOptions = {
  readonly limits?: RequestLimits;
  readonly script?: Script;
  /** Endpoint ids by host, where the configuration leaves them out. */
  readonly endpoints?: Readonly<Record<string, string>>;
};

/** Accepts everything unless told otherwise. */
export function createScriptedProvider(
  journal: Journal,
  { limits = LIMITS, script, endpoints = {} }: ScriptedProviderOptions = {},
): ScriptedProvider {
  const purges: PurgeBatch[] = [];
  const accepted: string[] = [];
  const inFlight = new Map<string, number>();
  const mostInFlight = new Map<string, number>();
  let answer: Script = script ?? ((_purge, number) => anAcceptance({ taskId: `task-${number}` }));
  const fly = (endpointId: string, by: number): void => {
    for (const key of [endpointId, '*']) {
      const now = (inFlight.get(key) ?? 0) + by;
      inFlight.set(key, now);
      mostInFlight.set(key, Math.max(mostInFlight.get(key) ?? 0, now));
    }
  };
  return {
    limits,
    purges,
    purgedUrls: () => accepted,
    mostInFlight,
    answerBy(next) {
      answer = next;
    },

    async findEndpoint(host) {
      journal.note({ port: 'cdn', call: 'find-endpoint', of: host });
      const id = endpoints[host];
      return id === undefined ? err(aFailure({ reason: 'endpoint-not-found', sent: false })) : ok(id);
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
      if (outcome.kind === 'accepted') accepted.push(...purge.files, ...purge.directories);
      return outcome;
    },
  };
}
