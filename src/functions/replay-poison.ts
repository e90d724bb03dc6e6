import { app } from '@azure/functions';

import { handleReplay } from '../lib/handlers/replay-poison.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.http('replay-poison', {
  route: 'poison/replay',
  methods: ['POST'],
  authLevel: 'admin',
  handler: purgeApp.http(handleReplay),
});
