// Stops sending where an answer says that going on is no use, and tells whoever has to look.

import type { Hold } from '../core/hold.ts';
import { CONSEQUENCES } from '../core/outcome-class.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { Holds } from './holds.ts';
import type { Clock, Run } from './ports.ts';

export type Place = {
  readonly cdn: string;
  readonly where:
    | { readonly kind: 'endpoint'; readonly endpointId: string }
    /** Its endpoint was not found out yet. */
    | { readonly kind: 'host'; readonly host: string };
  /** Whose keys and quota are used. */
  readonly subscription: string;
  /** Whose purge it is, for those who are told of it. */
  readonly sites?: string | undefined;
};

type StopPorts = { readonly holds: Holds; readonly clock: Clock; readonly run: Run };

/** The keys of `Holds` under which a place may rest: itself, and its subscription. */
export function holdKeysOf(place: Place): readonly string[] {
  return [placeKey(place), subscriptionKey(place)];
}

export function placeKey({ cdn, where }: Pick<Place, 'cdn' | 'where'>): string {
  switch (where.kind) {
    case 'endpoint':
      return `endpoint ${cdn} ${where.endpointId}`;
    case 'host':
      return `host ${cdn} ${where.host}`;
  }
}

export function subscriptionKey({ subscription }: Pick<Place, 'subscription'>): string {
  return `subscription ${subscription}`;
}

/**
 * Takes what was not accepted and where, holds the place or the whole subscription, and gives the hold. An alert is
 * told once for each hold.
 */
export function stopSending(outcome: NotAccepted, place: Place, { holds, clock, run }: StopPorts): Hold {
  const { outcomeClass, correlationId } = outcome;
  const { holds: held, alerts } = CONSEQUENCES[outcomeClass];
  const isSubscription = held === 'subscription';
  const key = isSubscription ? subscriptionKey(place) : placeKey(place);
  const now = clock.now();
  const before = holds.find([key], now);
  const hold = holds.put(key, outcome, now);
  if (alerts && before?.outcome.outcomeClass !== outcomeClass) {
    run.telemetry.track({
      name: 'sending-stopped',
      outcomeClass,
      scope: isSubscription ? 'subscription' : place.where.kind,
      cdn: place.cdn,
      endpointId: place.where.kind === 'endpoint' ? place.where.endpointId : undefined,
      host: place.where.kind === 'host' ? place.where.host : undefined,
      sites: place.sites ?? '',
      cause: outcome.kind === 'refused' ? outcome.errorType : outcome.reason,
      correlationId,
      waitMs: hold.until - now,
      times: hold.times,
    });
  }
  return hold;
}
