// The timer that lists the containers: off unless the configuration wants it.

import type { Timer } from '@azure/functions';
import { expect, it } from 'vitest';

import { handleRefreshInventory } from '../../../src/lib/handlers/refresh-inventory.ts';
import { ACCOUNT } from '../../support/builders.ts';
import { createInMemoryAccounts, createInMemoryInventory } from '../../support/in-memory-inventory.ts';
import { createInvocation } from '../../support/in-memory-invocation.ts';
import { createWorld } from '../../support/in-memory-world.ts';

const timer: Timer = {
  isPastDue: false,
  schedule: { adjustForDST: false },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
};

it.each([
  ['lists the containers where the configuration wants an inventory', { relistAfterMs: 3_600_000 }, 1],
  ['asks storage nothing where it does not', undefined, 0],
])('%s', async (_what, settings, pages) => {
  const { services } = createWorld();
  const lister = createInMemoryAccounts({ [`${ACCOUNT}/media`]: ['a'] });
  const store = createInMemoryInventory();
  const inventory = { store, lister, settingsOf: () => settings };
  const invocation = createInvocation();

  await handleRefreshInventory(async () => ({ ...services, inventory }))(timer, invocation.context);

  expect(lister.asked).toHaveLength(pages);
  expect(store.stored()).toHaveLength(pages * 2);
  expect(invocation.lines).toHaveLength(pages);
});
