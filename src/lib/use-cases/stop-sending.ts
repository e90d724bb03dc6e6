// Stops sending where an answer says that going on is no use, and tells whoever has to look.

import { CONSEQUENCES } from '../core/outcome-class.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { Hold, Holds } from './holds.ts';
import type { Clock, Run } from './ports.ts';

export type Place = {
  readonly cdn: string;
  /** Undefined where it was not found out yet. */
  readonly endpointId: string | undefined;
  /** Whose keys and quota are used. */
  readonly subscription: string;
};

type StopPorts = { readonly holds: Holds; readonly clock: Clock; readonly run: Run };

/** The keys of `Holds` under which an endpoint may rest: itself, and its subscription. */
export function holdKeysOf(place: Place): readonly string[] {
  return [endpointKey(place), subscriptionKey(place)];
}

export function endpointKey({ cdn, endpointId }: Pick<Place, 'cdn' | 'endpointId'>): string {
  return `endpoint ${cdn} ${endpointId}`;
}

export function subscriptionKey({ subscription }: Pick<Place, 'subscription'>): string {
  return `subscription ${subscription}`;
}

/**
 * Takes what was not accepted and where, holds the endpoint or the whole subscription, and gives the hold. An alert
 * is told once for each hold.
 */
export function stopSending(outcome: NotAccepted, place: Place, { holds, clock, run }: StopPorts): Hold {
  const { outcomeClass, correlationId } = outcome;
  const { holds: held, alerts } = CONSEQUENCES[outcomeClass];
  const scope = held === 'subscription' ? 'subscription' : 'endpoint';
  const key = scope === 'subscription' ? subscriptionKey(place) : endpointKey(place);
  const now = clock.now();
  const before = holds.find([key], now);
  const hold = holds.put(key, outcome, now);
  if (alerts && before?.outcome.outcomeClass !== outcomeClass) {
    run.telemetry.track({
      name: 'sending-stopped',
      outcomeClass,
      scope,
      cdn: place.cdn,
      endpointId: place.endpointId,
      cause: outcome.kind === 'refused' ? outcome.errorType : outcome.reason,
      correlationId,
      waitMs: hold.until - now,
      times: hold.times,
    });
  }
  return hold;
}
