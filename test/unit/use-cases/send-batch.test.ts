// One call to the CDN, and what its record says.

import { describe, expect, it } from 'vitest';

import type { Batch } from '../../../src/lib/core/purge-plan.ts';
import type { Cause } from '../../../src/lib/core/purge-record.ts';
import type { Owner } from '../../../src/lib/use-cases/owner.ts';
import { sendBatch } from '../../../src/lib/use-cases/send-batch.ts';
import { aTarget, CDN, ENDPOINT } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { createWorld } from '../../support/in-memory-world.ts';

const CAUSES_OF_WAITING = 1_000;
const REVISIONS = 10_000;

const causes = (count: number, of: string): readonly Cause[] =>
  Array.from({ length: count }, (_, index) => ({
    type: 'change',
    eventId: `${of}-${index}`,
    eventAt: START_AT,
  }));

const anOwner = (parts: Partial<Owner> = {}): Owner => ({
  causes: [],
  changes: 1,
  bufferedAt: START_AT,
  failedAttempts: 0,
  ...parts,
});

/** Owners of one message each, or of one entry each that waited. */
const fromMessages = (count: number) => causes(count, 'message').map((cause) => anOwner({ causes: [cause] }));
const thatWaited = (count: number) =>
  causes(count, 'waited').map((cause, index) => anOwner({ causes: [cause], waited: index + 1 }));

/** The record of a purge of a directory that serves them all. */
async function recordOf(owners: readonly Owner[]) {
  const world = createWorld();
  const target = aTarget('/d/');
  const claims = owners.map((owner) => ({ target, owner }));
  const batch: Batch<Owner> = {
    cdn: CDN,
    endpointId: ENDPOINT,
    files: [],
    directories: [target.url],
    targets: [{ target, claims, owners: new Set(owners), endpointId: ENDPOINT }],
  };
  const sent = await sendBatch(batch, world.cdn, world.ports, world.run);
  expect(sent.kind).toBe('purged');
  const [record] = world.records.purges();
  return { record, ids: record?.causes.map((cause) => cause.type === 'change' && cause.eventId) ?? [] };
}

describe('the record of a purge', () => {
  it('names all that it served, where that is not too much', async () => {
    const { record, ids } = await recordOf([...fromMessages(2), ...thatWaited(CAUSES_OF_WAITING)]);
    expect(ids).toHaveLength(2 + CAUSES_OF_WAITING);
    expect(record).not.toHaveProperty('causesLeftOut');
    expect(record?.waited).toHaveLength(CAUSES_OF_WAITING);
  });

  it('names the newest causes of what had waited, and counts the rest', async () => {
    const { record, ids } = await recordOf(thatWaited(CAUSES_OF_WAITING + 5));
    expect(ids).toHaveLength(CAUSES_OF_WAITING);
    expect([ids[0], ids.at(-1)]).toEqual(['waited-5', `waited-${CAUSES_OF_WAITING + 4}`]);
    expect(record?.causesLeftOut).toBe(5);
  });

  it('names every message: one that outlives its purge is known by that', async () => {
    const owners = [...thatWaited(CAUSES_OF_WAITING + 1), ...fromMessages(CAUSES_OF_WAITING + 1)];
    const { record, ids } = await recordOf(owners);
    expect(ids.filter((id) => `${id}`.startsWith('message'))).toHaveLength(CAUSES_OF_WAITING + 1);
    expect(record?.causesLeftOut).toBe(1);
  });

  it('names the newest entries of the backlog that it served', async () => {
    const { record } = await recordOf(thatWaited(REVISIONS + 2));
    expect(record?.waited).toHaveLength(REVISIONS);
    expect([record?.waited?.[0], record?.waited?.at(-1)]).toEqual([3, REVISIONS + 2]);
  });

  it('says nothing of the backlog when nothing of it was served', async () => {
    expect((await recordOf(fromMessages(1))).record).not.toHaveProperty('waited');
  });
});
