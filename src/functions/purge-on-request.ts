import { app } from '@azure/functions';

import { handlePurgeRequest } from '../lib/handlers/purge-request.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.http('purge-on-request', {
  route: 'purges',
  methods: ['POST'],
  authLevel: 'function',
  handler: purgeApp.http(handlePurgeRequest),
});
