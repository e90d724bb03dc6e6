// The quota ledger in blob storage: several writers at once, and never over the limit.

import { randomUUID } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { instant } from '../../src/lib/core/instant.ts';
import type { LocatedTarget } from '../../src/lib/core/purge-plan.ts';
import { quotaDays } from '../../src/lib/core/quota-days.ts';
import { EMPTY_LEDGER, spentInDay } from '../../src/lib/core/quota-ledger.ts';
import { createBlobLedgers, ledgerPath } from '../../src/lib/records/blob-ledgers.ts';
import type { Owner } from '../../src/lib/use-cases/owner.ts';
import { StorageTrouble, type Clock, type LedgerStore } from '../../src/lib/use-cases/ports.ts';
import { reserveQuota, settleQuota } from '../../src/lib/use-cases/reserve-quota.ts';
import { azuritePlaces } from '../support/azurite-places.ts';
import { aCoalesced, aQuota, aTarget } from '../support/builders.ts';

const SUBSCRIPTION = 'azure-china-cdn 11112222-3333-4444-5555-666677778888';
const NOON = instant(Date.parse('2026-11-22T12:00:00Z'));
const clock: Clock = { now: () => NOON };
const quota = aQuota({ limits: { files: 50, directories: 5 }, manualReserve: { files: 5, directories: 1 } });
const places = azuritePlaces();

const owner: Owner = {
  causes: [{ type: 'change', eventId: 'event', eventAt: NOON }],
  changes: 1,
  bufferedAt: NOON,
  failedAttempts: 0,
};

const targets = (count: number): LocatedTarget<Owner>[] =>
  Array.from({ length: count }, () => ({
    ...aCoalesced(aTarget(), owner),
    endpointId: 'endpoint',
  }));

async function filesSpent(ledgers: LedgerStore): Promise<number> {
  const { ledger } = await ledgers.load(SUBSCRIPTION);
  return quotaDays(NOON, quota)
    .flatMap((day) => spentInDay(ledger, day))
    .reduce((sum, { files }) => sum + files, 0);
}

describe('a ledger', () => {
  test('is empty before anything is spent, and its container is made at the first write', async () => {
    const ledgers = createBlobLedgers(places.freshContainer());
    expect(await ledgers.load(SUBSCRIPTION)).toEqual({ ledger: EMPTY_LEDGER, etag: undefined });
    expect(await ledgers.save(SUBSCRIPTION, EMPTY_LEDGER, undefined)).toBe(true);
  });

  test('that somebody else wrote meanwhile is not written over', async () => {
    const container = places.freshContainer();
    const [one, other] = [createBlobLedgers(container), createBlobLedgers(container)];
    const { etag } = await one.load(SUBSCRIPTION);
    await other.load(SUBSCRIPTION);
    expect(await one.save(SUBSCRIPTION, EMPTY_LEDGER, etag)).toBe(true);
    expect(await other.save(SUBSCRIPTION, EMPTY_LEDGER, etag)).toBe(false);
  });

  test('stands in a blob that a person finds and reads', async () => {
    const container = places.freshContainer();
    const ports = { ledgers: createBlobLedgers(container), clock, newId: randomUUID };
    const { reservationId, granted } = await reserveQuota(SUBSCRIPTION, targets(3), quota, ports);
    await settleQuota(SUBSCRIPTION, reservationId, granted, quota, ports);

    const content = await container.getBlobClient(ledgerPath(SUBSCRIPTION)).downloadToBuffer();

    expect(ledgerPath(SUBSCRIPTION)).toMatch(
      /^quota\/azure-china-cdn-11112222-3333-4444-5555-666677778888-\w{8}\.json$/u,
    );
    expect(JSON.parse(content.toString('utf8'))).toEqual({
      version: 1,
      days: [
        {
          day: '2026-11-22T00:00:00.000Z',
          spent: [{ site: 'www', lane: 'events', files: 3, directories: 0 }],
        },
      ],
      reservations: [],
    });
  });

  test('of a newer version stops the spending and stays as it is', async () => {
    const container = places.freshContainer();
    await container.create();
    await container.getBlockBlobClient(ledgerPath(SUBSCRIPTION)).upload('{"version":2}', 13);
    const ledgers = createBlobLedgers(container);
    await expect(
      reserveQuota(SUBSCRIPTION, targets(1), quota, { ledgers, clock, newId: randomUUID }),
    ).rejects.toBeInstanceOf(StorageTrouble);
    const content = await container.getBlobClient(ledgerPath(SUBSCRIPTION)).downloadToBuffer();
    expect(content.toString('utf8')).toBe('{"version":2}');
  });
});

describe('many processes at once', () => {
  test('together spend what events may spend, to the last unit and no more', async () => {
    const container = places.freshContainer();
    const processes = Array.from({ length: 5 }, () => createBlobLedgers(container));

    const spent = await Promise.all(
      processes.map(async (ledgers) => {
        const ports = { ledgers, clock, newId: randomUUID };
        let mine = 0;
        for (let round = 0; round < 4; round += 1) {
          const { reservationId, granted } = await reserveQuota(SUBSCRIPTION, targets(4), quota, ports);
          mine += granted.length;
          await settleQuota(SUBSCRIPTION, reservationId, granted, quota, ports);
        }
        return mine;
      }),
    );

    const total = spent.reduce((sum, mine) => sum + mine, 0);
    expect(total).toBe(45);
    expect(await filesSpent(createBlobLedgers(container))).toBe(45);
  });
});
