// Timer trigger: one look at what Event Grid could not deliver.

import type { TimerHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import type { DeadLetterStore } from '../use-cases/ports.ts';
import { readDeadLetters, type DeadLetterPorts } from '../use-cases/read-dead-letters.ts';
import { runOf } from './context-run.ts';
import { parseDeadLetters } from './parse-dead-letters.ts';

export function handleDeadLetters(services: ServicesLoader): TimerHandler {
  return async (_timer, context) => {
    const { deadLetters, ...others } = await services();
    if (deadLetters === undefined) return;
    await readDeadLetters(deadLetterPorts(deadLetters, others), runOf(context, others.telemetry));
  };
}

type OtherServices = Pick<
  Awaited<ReturnType<ServicesLoader>>,
  'configuration' | 'buffer' | 'own' | 'flushPorts'
>;

/** What is buffered and not settled is remembered with the store. */
const bufferedOf = new WeakMap<DeadLetterStore, Set<string>>();

/** Takes the store and the app's other services, gives all that reading dead letters needs. */
export function deadLetterPorts(
  deadLetters: DeadLetterStore,
  { configuration, buffer, own, flushPorts }: OtherServices,
): DeadLetterPorts {
  const buffered = bufferedOf.get(deadLetters) ?? new Set();
  bufferedOf.set(deadLetters, buffered);
  return {
    deadLetters,
    configuration,
    buffer,
    own,
    clock: flushPorts.clock,
    parse: (text, { accounts }) => parseDeadLetters(text, accounts),
    buffered,
  };
}
