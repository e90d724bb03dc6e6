import { app } from '@azure/functions';

import { handlePurgeList } from '../lib/handlers/list-purges.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.http('list-purges', {
  route: 'purges',
  methods: ['GET'],
  authLevel: 'function',
  handler: purgeApp.http(handlePurgeList),
});
