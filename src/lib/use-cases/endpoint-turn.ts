// Sends the batches of one endpoint, one after the other: finds bad items, and stops where going on is no use.

import { halve, isRequestAtFault, setApart } from '../core/batch-search.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { Batch } from '../core/purge-plan.ts';
import type { Hold } from '../core/hold.ts';
import { sitesOf } from '../core/sites-of.ts';
import type { Holds } from './holds.ts';
import type { Owner } from './owner.ts';
import type { Clock, PurgeProvider, Run } from './ports.ts';
import type { SendResult } from './send-purges.ts';
import { holdKeysOf, placeKey, stopSending, type Place } from './stop-sending.ts';
import { liftThrottling, stopThrottled } from './throttled-units.ts';

export type EndpointTurn<O extends Owner> = {
  readonly provider: PurgeProvider;
  readonly holds: Holds;
  readonly clock: Clock;
  readonly run: Run;
  /** Runs work once nothing else is under way to the endpoint. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Gives a hold while too many purges are under way at the CDN. */
  readonly findFlightHold: () => Promise<Hold | undefined>;
  readonly send: (batch: Batch<O>) => Promise<Sent<O>>;
  readonly report: (result: SendResult<O>) => Promise<void>;
};

/** What one request came to; an acceptance is on record. */
export type Sent<O extends Owner> =
  | Extract<SendResult<O>, { kind: 'purged' }>
  | { readonly kind: 'not-accepted'; readonly outcome: NotAccepted };

/** So many batches in a row of which nothing is accepted are no accident of their items. */
const TELLING_BATCHES = 3;

/**
 * Takes the batches of one endpoint, oldest first. Every target is reported once, but for those whose turn does not
 * come while the run may begin purges.
 */
export async function sendInTurn<O extends Owner>(
  batches: readonly Batch<O>[],
  turn: EndpointTurn<O>,
): Promise<void> {
  for (const [index, batch] of batches.entries()) {
    if (isOver(turn)) return;
    const hold = await sendAndSearch(batch, turn);
    if (hold !== undefined) return reportAll('held', batches.slice(index + 1), hold, turn);
  }
}

/** Sends a batch, and its parts where an item of it is refused. Gives a hold when the next batch must not go. */
async function sendAndSearch<O extends Owner>(
  whole: Batch<O>,
  turn: EndpointTurn<O>,
): Promise<Hold | undefined> {
  const { report } = turn;
  const place = placeOf(whole, turn);
  const waiting = [whole];
  /** A part that is accepted may be the last for a while: then the oldest must go, lest it never does. */
  const oldestFirst = turn.provider.capabilities.purgesInFlight !== undefined;
  /** Halves of refused parts. Both halves go before a half of either: one that holds no bad item is soon found. */
  const searches: (readonly [Batch<O>, Batch<O>])[] = [];
  const bad: { readonly batch: Batch<O>; readonly outcome: NotAccepted }[] = [];
  /** Those that did not say what it is that they refuse. */
  let refusals = 0;
  let anyAccepted = false;

  const reportBad = async (): Promise<undefined> => {
    for (const { batch, outcome } of bad) {
      await report({ kind: 'unpurgeable', targets: batch.targets, outcome });
    }
  };
  /** Nothing more of this batch goes. Its bad items are known for bad only if others were taken. */
  const end = async (hold: Hold, tried: readonly Batch<O>[]): Promise<Hold> => {
    const alone = anyAccepted ? [] : bad.map(({ batch }) => batch);
    if (anyAccepted) await reportBad();
    await reportAll('tried', [...tried, ...alone], hold, turn);
    await reportAll('held', [...waiting, ...searches.flat()], hold, turn);
    return hold;
  };
  const blameRequest = (outcome: NotAccepted): Promise<Hold> => {
    const hold = stopSending({ ...outcome, outcomeClass: 'request-refused' }, place, turn);
    return end(hold, [...waiting.splice(0), ...searches.splice(0).flat()]);
  };
  const next = (): Batch<O> | undefined => {
    if (waiting.length === 0) waiting.push(...(searches.pop() ?? []));
    return waiting.shift();
  };

  for (let part = next(); part !== undefined; part = next()) {
    // What is left has its turn in the next flush.
    if (isOver(turn)) return anyAccepted ? reportBad() : undefined;
    const step = await sendUnlessHeld(part, turn);
    if (step.kind === 'held') {
      waiting.unshift(part);
      return end(step.hold, []);
    }
    if (step.kind === 'stopped') return end(step.hold, [part]);
    if (step.kind === 'purged') {
      anyAccepted = true;
      await report(step);
      continue;
    }
    const apart = setApart(part, step.outcome);
    if (apart !== undefined) {
      bad.push({ batch: apart.named, outcome: step.outcome });
      waiting.unshift(apart.others);
      continue;
    }
    refusals += 1;
    const halves = halve(part);
    if (halves === undefined) bad.push({ batch: part, outcome: step.outcome });
    else if (oldestFirst) waiting.unshift(...halves);
    else searches.push(halves);
    if (isRequestAtFault(whole.targets.length, refusals - 1, anyAccepted)) return blameRequest(step.outcome);
  }

  const [first] = bad;
  if (first === undefined) return undefined;
  if (!anyAccepted && turn.holds.countFruitless(placeKey(place)) >= TELLING_BATCHES) {
    return blameRequest(first.outcome);
  }
  return reportBad();
}

const isOver = <O extends Owner>({ run }: EndpointTurn<O>): boolean => run.mayBegin?.() === false;

type Step<O extends Owner> =
  | Sent<O>
  /** Not sent: the endpoint or its subscription rests, or too many purges are under way. */
  | { readonly kind: 'held'; readonly hold: Hold }
  /** Sent, and from now on the endpoint or its subscription rests. */
  | { readonly kind: 'stopped'; readonly hold: Hold };

/** Looks for a hold and puts one within the turn: whoever is next in turn must find it. */
function sendUnlessHeld<O extends Owner>(batch: Batch<O>, turn: EndpointTurn<O>): Promise<Step<O>> {
  const { holds, clock, provider } = turn;
  const place = placeOf(batch, turn);
  return turn.inTurn(async () => {
    const hold = holds.find(holdKeysOf(place), clock.now()) ?? (await turn.findFlightHold());
    if (hold !== undefined) return { kind: 'held', hold };
    const sent = await turn.send(batch);
    if (sent.kind === 'purged') {
      holds.lift(holdKeysOf(place), clock.now());
      liftThrottling(batch.targets, place.subscription, turn);
      return sent;
    }
    const { outcome } = sent;
    if (outcome.outcomeClass === 'item-refused') return sent;
    return {
      kind: 'stopped',
      hold:
        outcome.outcomeClass === 'throttled' && provider.quota !== undefined
          ? stopThrottled(batch, outcome, place, provider.quota, turn)
          : stopSending(outcome, place, turn),
    };
  });
}

async function reportAll<O extends Owner>(
  kind: 'tried' | 'held',
  batches: readonly Batch<O>[],
  { outcome, until }: Hold,
  { report }: EndpointTurn<O>,
): Promise<void> {
  const targets = batches.flatMap((batch) => batch.targets);
  if (targets.length > 0) await report({ kind, targets, outcome, until });
}

function placeOf<O extends Owner>(
  { cdn, endpointId, targets }: Batch<O>,
  { provider: { subscription } }: EndpointTurn<O>,
): Place {
  return { cdn, where: { kind: 'endpoint', endpointId }, subscription, sites: sitesOf(targets) };
}
