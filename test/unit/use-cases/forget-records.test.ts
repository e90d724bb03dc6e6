// Old records go, as far as one night allows, and trouble with one of them stops no other.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { forgetRecords } from '../../../src/lib/use-cases/forget-records.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import { aRequest, aRequestPurge } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createInMemoryOldRecords } from '../../support/in-memory-old-records.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

const DAY_MS = 24 * 3_600_000;

function open() {
  const oldRecords = createInMemoryOldRecords();
  const clock = createFakeClock();
  const log = createRecordingLog();
  const run = { log, telemetry: createRecordingTelemetry(), traceparent: undefined };
  const daysAgo = (days: number) => instant(clock.now() - days * DAY_MS);
  return {
    oldRecords,
    clock,
    log,
    daysAgo,
    forget: () => forgetRecords({ oldRecords, days: 30, clock }, run),
  };
}

describe('forgetting', () => {
  it('deletes what was last written before the first day that is kept, and says how much', async () => {
    const { oldRecords, daysAgo, forget, log } = open();
    oldRecords.putRequest(aRequest({ state: 'succeeded' }), 'request-old', daysAgo(31));
    oldRecords.putRequest(aRequest({ state: 'succeeded' }), 'request-new', daysAgo(30));
    oldRecords.put('idempotency-keys', 'key-old', daysAgo(31));
    oldRecords.put('idempotency-keys', 'key-new', daysAgo(29));
    for (const index of [1, 2, 3, 4]) oldRecords.put('purges', `purge-old-${index}`, daysAgo(40));
    oldRecords.put('purges', 'purge-new', daysAgo(1));

    await forget();

    expect(oldRecords.names()).toEqual(['request-new', 'key-new', 'purge-new']);
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'Forgot old records.',
        details: { keptSince: '2023-12-16', purges: 4, requests: 1, idempotencyKeys: 1, isCutShort: false },
      },
    ]);
  });

  it('says nothing, and reads nothing, when there is nothing to forget', async () => {
    const { oldRecords, forget, log } = open();
    await forget();
    expect(oldRecords.calls).toEqual(['find requests', 'find idempotency-keys', 'find purges']);
    expect(log.lines).toEqual([]);
  });

  it('leaves requests that wait, whose purges are followed, or that a newer version wrote', async () => {
    const { oldRecords, daysAgo, forget } = open();
    const purges = [aRequestPurge({ id: 'purge-1' })];
    oldRecords.openPurge('purge-1');
    oldRecords.putRequest(aRequest({ state: 'waiting' }), 'waits', daysAgo(400));
    oldRecords.putRequest(aRequest({ state: 'accepted', purges }), 'is-followed', daysAgo(400));
    oldRecords.putRequest(undefined, 'of-tomorrow', daysAgo(400));
    oldRecords.putRequest(aRequest({ state: 'accepted' }), 'is-over', daysAgo(400));

    await forget();

    expect(oldRecords.names()).toEqual(['waits', 'is-followed', 'of-tomorrow']);
    expect(oldRecords.calls.filter((call) => call === 'find-open')).toHaveLength(1);
  });

  it.each([
    ['one record', 'remove purge-1', ['purge-1']],
    ['one request', 'read request-1', ['request-1']],
    ['the list of requests', 'find requests', ['request-1', 'request-2']],
    ['the list of open purges', 'find-open', ['request-1', 'request-2']],
    ['the list of purges', 'find purges', ['purge-1', 'purge-2']],
  ])('goes on after trouble with %s, and says that it had some', async (_what, failing, left) => {
    const { oldRecords, daysAgo, forget, log } = open();
    for (const index of [1, 2]) {
      oldRecords.putRequest(aRequest({ state: 'accepted' }), `request-${index}`, daysAgo(31));
      oldRecords.put('purges', `purge-${index}`, daysAgo(31));
    }
    oldRecords.fail(failing);

    await forget();

    expect(oldRecords.names()).toEqual(left);
    expect(log.at('warn')).toMatchObject([{ details: { times: 1, error: `no storage for ${failing}` } }]);
  });

  it('gives up when everything is trouble', async () => {
    const { oldRecords, daysAgo, forget, log } = open();
    for (let index = 0; index < 200; index += 1) oldRecords.put('purges', `purge-${index}`, daysAgo(31));
    oldRecords.before((call) => {
      if (call.startsWith('remove')) throw new StorageTrouble('no permission');
    });

    await forget();

    expect(oldRecords.calls.filter((call) => call.startsWith('remove')).length).toBeLessThan(60);
    expect(log.at('warn')).toMatchObject([{ details: { error: 'no permission' } }]);
  });

  it('begins nothing more after two minutes, and goes on where it stopped the next time', async () => {
    const { oldRecords, clock, daysAgo, forget, log } = open();
    for (let index = 0; index < 20; index += 1) oldRecords.put('purges', `purge-${index}`, daysAgo(31));
    oldRecords.before((call) => {
      if (call.startsWith('remove')) clock.advance(30_000);
    });

    await forget();
    expect(oldRecords.names()).toHaveLength(16);
    expect(log.lines).toMatchObject([{ level: 'info', details: { purges: 4, isCutShort: true } }]);

    oldRecords.before(() => undefined);
    await forget();
    expect(oldRecords.names()).toEqual([]);
  });

  it('does not hide a bug', async () => {
    const { oldRecords, daysAgo, forget } = open();
    oldRecords.put('purges', 'purge-1', daysAgo(31));
    oldRecords.before((call) => {
      if (call.startsWith('remove')) throw new TypeError('a bug');
    });
    await expect(forget()).rejects.toThrow(TypeError);
  });

  it('may run twice at once', async () => {
    const { oldRecords, daysAgo, forget, log } = open();
    for (let index = 0; index < 10; index += 1) oldRecords.put('purges', `purge-${index}`, daysAgo(31));

    await Promise.all([forget(), forget()]);

    expect(oldRecords.names()).toEqual([]);
    const counts = log.lines.map(({ details }) => Number(details['purges']));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    expect(log.at('warn')).toEqual([]);
  });
});
