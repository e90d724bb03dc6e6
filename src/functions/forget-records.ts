import { app } from '@azure/functions';

import { handleForgetting } from '../lib/handlers/forget-records.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.timer('forget-records', {
  schedule: purgeApp.forgetSchedule,
  handler: handleForgetting(purgeApp.services),
});
