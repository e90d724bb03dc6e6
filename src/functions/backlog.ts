import { app } from '@azure/functions';

import { handleBacklog } from '../lib/handlers/backlog.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.http('backlog', {
  route: 'backlog',
  methods: ['GET'],
  authLevel: 'function',
  handler: purgeApp.http(handleBacklog),
});
