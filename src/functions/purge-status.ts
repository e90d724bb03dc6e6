import { app } from '@azure/functions';

import { handlePurgeStatus } from '../lib/handlers/purge-status.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.http('purge-status', {
  route: 'purges/{id}',
  methods: ['GET'],
  authLevel: 'function',
  handler: purgeApp.http(handlePurgeStatus),
});
