// The inventory as a flush uses it.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { evictionsOf } from '../../../src/lib/core/inventory/inventory.ts';
import { siteOf } from '../../../src/lib/core/inventory/served-containers.ts';
import { loadInventory, noteChanges } from '../../../src/lib/use-cases/know-inventory.ts';
import { StorageTrouble, type InventoryStore } from '../../../src/lib/use-cases/ports.ts';
import { refreshInventory } from '../../../src/lib/use-cases/refresh-inventory.ts';
import { ACCOUNT, aChange, aConfiguration, aRule, CDN, HOST } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createInMemoryAccounts, createInMemoryInventory } from '../../support/in-memory-inventory.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

const MEDIA = siteOf(CDN, 'http', HOST);
const configuration = aConfiguration({ rules: [aRule()] });

async function troubled(): Promise<never> {
  throw new StorageTrouble('storage could not write a record: 503');
}

async function listed() {
  const clock = createFakeClock();
  const inventory = createInMemoryInventory();
  const log = createRecordingLog();
  const run = { log, telemetry: createRecordingTelemetry(), traceparent: undefined };
  const lister = createInMemoryAccounts({ 'contoso/media': ['a/1', 'a/2'], 'contoso/files': ['x/1'] });
  const own = { account: ACCOUNT, recordsContainer: 'purge-records' };
  const ports = { configuration: { current: async () => configuration }, inventory, lister, own, clock };
  await refreshInventory(ports, { relistAfterMs: 1 }, run);
  const change = (name: string, container = 'media') =>
    aChange({ name, container, eventAt: instant(clock.now() + 1_000) });
  return { inventory, log, run, change };
}

const evictedAt = async (directory: string, inventory: InventoryStore) =>
  evictionsOf([], await loadInventory(configuration, [MEDIA], inventory))(MEDIA, directory)?.evicts;

describe('the inventory of a flush', () => {
  it('knows what was listed and what was noted since', async () => {
    const { inventory, run, change } = await listed();
    expect(await evictedAt('/media/a/', inventory)).toBe(2);
    await noteChanges([change('a/3'), change('a/1'), change('x/2', 'files')], inventory, run);
    expect(await evictedAt('/media/a/', inventory)).toBe(3);
    expect(await evictedAt('/files/x/', inventory)).toBe(2);
    await noteChanges([change('a/3'), change('a/4')], inventory, run);
    expect(await evictedAt('/media/a/', inventory)).toBe(4);
  });

  it('notes nothing of a container that nobody lists', async () => {
    const { inventory, run, change } = await listed();
    await noteChanges([change('a', 'unserved')], inventory, run);
    expect(inventory.stored().filter((name) => name.includes('unserved'))).toEqual([]);
  });

  it('loses nothing that two flushes note at once', async () => {
    const { inventory, run, change } = await listed();
    await Promise.all(['a/3', 'a/4', 'a/5'].map((name) => noteChanges([change(name)], inventory, run)));
    expect(await evictedAt('/media/a/', inventory)).toBe(5);
  });

  it('says in the log when a change could not be noted, and goes on', async () => {
    const { inventory, log, run, change } = await listed();
    await noteChanges([change('a/3')], { ...inventory, saveChanges: troubled }, run);
    expect(log.at('warn')).toMatchObject([{ details: { error: 'storage could not write a record: 503' } }]);
  });

  it('does not know what was never listed', async () => {
    expect(await evictedAt('/media/a/', createInMemoryInventory())).toBeUndefined();
  });
});
