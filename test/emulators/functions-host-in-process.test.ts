// The embedded Functions host within a test's own process, and its orderly stop.
import { app } from '@azure/functions';
import { expect, it } from 'vitest';
import { createFunctionsHost } from '../../dev/functions-host/host.ts';
import type { NewLogEntry } from '../../dev/processes/log-entry.ts';
import { eventually, testKeys } from './functions-host-child.ts';

it('refuses new work when it stops, lets what runs end, then runs appTerminate; one host a process', async () => {
  const order: string[] = [];
  const log: NewLogEntry[] = [];
  const held = Promise.withResolvers<void>();
  const options = {
    app: {
      register: () => {
        app.http('hold', {
          handler: async () => {
            order.push('started');
            await held.promise;
            order.push('ended');
            return { body: 'done' };
          },
        });
        app.hook.appTerminate(() => void order.push('terminated'));
      },
    },
    settings: {},
    keys: testKeys,
    log: (entry: NewLogEntry) => void log.push(entry),
  };
  const host = await createFunctionsHost(options);
  const answer = fetch(`${host.url}/api/hold`);
  await eventually(() => expect(order).toEqual(['started']));

  const stopped = host.stop();
  expect((await fetch(`${host.url}/api/hold`)).status).toBe(503);
  expect(order).toEqual(['started']);
  held.resolve();
  const response = await answer;
  await stopped;

  expect([response.status, await response.text()]).toEqual([200, 'done']);
  expect(order).toEqual(['started', 'ended', 'terminated']);
  await expect(fetch(host.url)).rejects.toThrow('fetch failed');
  await expect(host.stop()).resolves.toBeUndefined();
  await expect(createFunctionsHost(options)).rejects.toThrow(/Only one functions host/u);
  expect(log.map(({ event }) => event)).toEqual(['invocation-started', 'invocation-succeeded']);
});
