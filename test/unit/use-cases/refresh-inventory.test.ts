// Listing what stands in the served containers, over several runs.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { noteChanges } from '../../../src/lib/use-cases/know-inventory.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import { refreshInventory, type InventoryPorts } from '../../../src/lib/use-cases/refresh-inventory.ts';
import { ACCOUNT, aChange, aConfiguration, aRule } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import {
  createInMemoryAccounts,
  createInMemoryInventory,
  type InMemoryAccountsOptions,
} from '../../support/in-memory-inventory.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

const HOUR_MS = 3_600_000;
const SETTINGS = { relistAfterMs: 24 * HOUR_MS };
const SITE = { account: ACCOUNT, container: 'site' };
const TEN = Array.from({ length: 10 }, (_, index) => `docs/${index}.html`);

function open(contents: Readonly<Record<string, readonly string[]>>, options: InMemoryAccountsOptions = {}) {
  const clock = createFakeClock();
  const inventory = createInMemoryInventory();
  const lister = createInMemoryAccounts(contents, options);
  const log = createRecordingLog();
  let inForce = aConfiguration({ rules: [aRule()] });
  const ports: InventoryPorts = {
    configuration: { current: async () => inForce },
    inventory,
    lister,
    own: { account: ACCOUNT, recordsContainer: 'purge-records', deadLetterContainer: 'dead-letters' },
    clock,
  };
  const run = { log, telemetry: createRecordingTelemetry(), traceparent: undefined };
  return {
    clock,
    inventory,
    lister,
    log,
    ports,
    run,
    configure: (configuration: typeof inForce) => (inForce = configuration),
    refresh: (over: Partial<InventoryPorts> = {}) => refreshInventory({ ...ports, ...over }, SETTINGS, run),
    objects: async (container = 'site') =>
      (await inventory.loadListing({ account: ACCOUNT, container }))?.tree.below('')?.objects,
  };
}

describe('a refresh of the inventory', () => {
  it('lists every container that a rule serves, and no other', async () => {
    const opened = open({
      'contoso/site': TEN,
      'contoso/media': ['a'],
      'contoso/private': ['b'],
      'contoso/azure-webjobs-hosts': ['c'],
      'contoso/purge-records': ['d'],
      'contoso/dead-letters': ['e'],
      'other/site': ['f'],
    });
    opened.configure(aConfiguration({ rules: [aRule({ matchesContainer: (name) => name !== 'private' })] }));

    expect(await opened.refresh()).toEqual({ completed: 2, pages: 5, interrupted: false });

    expect(await opened.objects('site')).toBe(10);
    expect(await opened.objects('media')).toBe(1);
    expect(opened.inventory.stored()).toEqual(['contoso/media/listing', 'contoso/site/listing', 'index']);
  });

  it('asks an account for its containers only where a rule has a pattern: names need less leave', async () => {
    const opened = open({ 'contoso/site': TEN, 'contoso/media': ['a'] });
    const refused = { ...opened.lister, findContainers: troubled };
    const rules = ['site', 'gone'].map((name) =>
      aRule({ containerName: name, matchesContainer: (one) => one === name }),
    );
    opened.configure(aConfiguration({ rules }));

    expect(await opened.refresh({ lister: refused })).toEqual({ completed: 2, pages: 5, interrupted: false });
    expect(await opened.objects('site')).toBe(10);

    opened.configure(aConfiguration({ rules: [...rules, aRule()] }));
    expect(await opened.refresh({ lister: refused })).toMatchObject({ completed: 0 });
  });

  it('lists nothing again until a listing is too old', async () => {
    const opened = open({ 'contoso/site': TEN });
    await opened.refresh();
    opened.clock.advance(23 * HOUR_MS);
    expect(await opened.refresh()).toEqual({ completed: 0, pages: 0, interrupted: false });
    opened.lister.containers.get('contoso/site')?.add('new');
    opened.clock.advance(2 * HOUR_MS);
    expect(await opened.refresh()).toMatchObject({ completed: 1 });
    expect(await opened.objects()).toBe(11);
  });

  it('goes on where the time was over, at the next run and in another process', async () => {
    const opened = open({ 'contoso/site': TEN }, { onPage: () => opened.clock.advance(70_000) });

    expect(await opened.refresh()).toEqual({ completed: 0, pages: 2, interrupted: true });
    expect(await opened.objects()).toBeUndefined();
    expect(await opened.refresh()).toEqual({ completed: 1, pages: 2, interrupted: false });

    expect(opened.lister.asked.map(({ after }) => after)).toEqual([
      undefined,
      'docs/2.html',
      'docs/5.html',
      'docs/8.html',
    ]);
    expect(await opened.objects()).toBe(10);
  });

  it('leaves the old listing until the new one is complete', async () => {
    const opened = open({ 'contoso/site': TEN });
    await opened.refresh();
    opened.clock.advance(25 * HOUR_MS);
    opened.lister.containers.set('contoso/site', new Set(['a', 'b', 'c', 'd']));
    const half = { ...opened.lister, listPage: interruptedAfter(1, opened) };
    await opened.refresh({ lister: half });
    expect(await opened.objects()).toBe(10);
    await opened.refresh();
    expect(await opened.objects()).toBe(4);
  });

  it('begins with what was never listed, then with the oldest', async () => {
    const opened = open({ 'contoso/one': ['a'], 'contoso/two': ['a'] });
    await opened.refresh();
    opened.clock.advance(25 * HOUR_MS);
    opened.lister.containers.set('contoso/zoo', new Set(['a']));
    await opened.refresh();
    expect(opened.lister.asked.map(({ container }) => container)).toEqual([
      'one',
      'two',
      'zoo',
      'one',
      'two',
    ]);
  });

  it('lists from the start when storage does not take the token any more', async () => {
    const opened = open({ 'contoso/site': TEN }, { onPage: () => opened.clock.advance(70_000) });
    await opened.refresh();
    const forgetful = {
      ...opened.lister,
      listPage: async (...given: Parameters<typeof opened.lister.listPage>) =>
        given[1].after === undefined ? opened.lister.listPage(...given) : ('unusable-token' as const),
    };
    await opened.refresh({ lister: forgetful });
    expect(opened.lister.asked[2]?.after).toBeUndefined();
    for (let runs = 0; runs < 3; runs += 1) await opened.refresh();
    expect(await opened.objects()).toBe(10);
  });

  it('begins anew when a listing has lain for days', async () => {
    const opened = open({ 'contoso/site': TEN }, { onPage: () => opened.clock.advance(70_000) });
    await opened.refresh();
    opened.clock.advance(96 * HOUR_MS);
    await opened.refresh();
    expect(opened.lister.asked[2]?.after).toBeUndefined();
  });

  it('does not count twice when two run at once, and one of them is done', async () => {
    const opened = open({ 'contoso/site': TEN }, { onPage: () => opened.clock.advance(30_000) });
    const both = await Promise.all([opened.refresh(), opened.refresh()]);
    await opened.refresh();
    expect(both.reduce((sum, { completed }) => sum + completed, 0)).toBeLessThanOrEqual(1);
    expect(await opened.objects()).toBe(10);
  });

  it('forgets a container that is no longer served, or that there is no longer', async () => {
    const opened = open({ 'contoso/site': TEN, 'contoso/media': ['a'] });
    await opened.refresh();
    opened.lister.containers.delete('contoso/media');
    await opened.refresh();
    expect(opened.inventory.stored()).toEqual(['contoso/site/listing', 'index']);
    opened.configure(aConfiguration({ rules: [aRule({ matchesContainer: () => false })] }));
    await opened.refresh();
    expect(opened.inventory.stored()).toEqual(['index']);
  });

  it('keeps of the changes only what the listing may not show', async () => {
    const opened = open({ 'contoso/site': TEN });
    await opened.refresh();
    const early = opened.clock.now();
    opened.clock.advance(25 * HOUR_MS);
    const late = instant(opened.clock.now() + 1_000);
    const changes = [
      aChange({ container: 'site', name: 'early', eventAt: early }),
      aChange({ container: 'site', name: 'late', eventAt: late }),
    ];
    await noteChanges(changes, opened.inventory, opened.run);
    await opened.refresh();
    const { changes: kept } = await opened.inventory.loadChanges(SITE);
    expect([...kept.names.keys()]).toEqual(['late']);
  });

  it('says that an account without a connection is not known, and lists the others', async () => {
    const opened = open({ 'contoso/site': TEN });
    opened.configure(aConfiguration({ rules: [aRule({ account: '*' })], accounts: ['elsewhere', ACCOUNT] }));
    expect(await opened.refresh()).toMatchObject({ completed: 1, interrupted: false });
    expect(opened.log.at('debug').map(({ details }) => details['account'])).toEqual(['elsewhere']);
  });

  it('passes over a container with which storage has trouble, and says so', async () => {
    const opened = open({ 'contoso/bad': ['a'], 'contoso/site': TEN });
    const troubled = {
      ...opened.lister,
      listPage: async (...given: Parameters<typeof opened.lister.listPage>) => {
        if (given[0].container === 'bad') throw new StorageTrouble('storage could not list blobs: 403');
        return opened.lister.listPage(...given);
      },
    };
    expect(await opened.refresh({ lister: troubled })).toMatchObject({ completed: 1, interrupted: true });
    expect(opened.log.at('warn')).toMatchObject([
      { details: { times: 1, error: 'storage could not list blobs: 403' } },
    ]);
    expect(await opened.objects()).toBe(10);
  });

  it('keeps what it knows of an account that cannot be listed now', async () => {
    const opened = open({ 'contoso/site': TEN });
    await opened.refresh();
    await opened.refresh({ lister: { ...opened.lister, findContainers: troubled } });
    expect(await opened.objects()).toBe(10);
    expect((await opened.inventory.loadIndex()).index.get(ACCOUNT)?.has('site')).toBe(true);
  });
});

async function troubled(): Promise<never> {
  throw new StorageTrouble('storage could not list containers: 503');
}

/** After so many pages the run's time is over. */
function interruptedAfter(pages: number, { lister, clock }: ReturnType<typeof open>) {
  let listed = 0;
  return async (...given: Parameters<typeof lister.listPage>) => {
    listed += 1;
    if (listed === pages) clock.advance(120_000);
    return lister.listPage(...given);
  };
}
