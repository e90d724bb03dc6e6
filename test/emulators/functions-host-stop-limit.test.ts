// The embedded Functions host stops even where an invocation or a hook never ends.
import { app } from '@azure/functions';
import { expect, it } from 'vitest';
import { createFunctionsHost } from '../../dev/functions-host/host.ts';
import type { NewLogEntry } from '../../dev/processes/log-entry.ts';
import { eventually, testKeys } from './functions-host-child.ts';

const never = (): Promise<never> => new Promise(() => undefined);

it('stops within its limits and says what it did not wait for', async () => {
  const log: NewLogEntry[] = [];
  const host = await createFunctionsHost({
    app: {
      register: () => {
        app.http('hang', { handler: never });
        app.hook.appTerminate(never);
      },
    },
    settings: {},
    keys: testKeys,
    log: (entry) => void log.push(entry),
    drainLimitMs: 50,
    terminateLimitMs: 50,
  });
  const answer = fetch(`${host.url}/api/hang`).catch((error: unknown) => error);
  await eventually(() => expect(log).toHaveLength(1));

  await host.stop();

  expect(log.map(({ event }) => event)).toEqual([
    'invocation-started',
    'stop-without-waiting',
    'app-terminate-failed',
  ]);
  expect(await answer).toBeInstanceOf(Error);
});
