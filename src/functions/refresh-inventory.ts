import { app } from '@azure/functions';

import { handleRefreshInventory } from '../lib/handlers/refresh-inventory.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.timer('refresh-inventory', {
  schedule: purgeApp.inventorySchedule,
  handler: handleRefreshInventory(purgeApp.services),
});
