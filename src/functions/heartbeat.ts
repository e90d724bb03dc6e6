import { app } from '@azure/functions';

import { handleHeartbeat } from '../lib/handlers/heartbeat.ts';
import { purgeApp } from '../lib/purge-app.ts';

if (purgeApp.heartbeatSchedule !== undefined) {
  app.timer('heartbeat', {
    schedule: purgeApp.heartbeatSchedule,
    handler: handleHeartbeat(purgeApp.services),
  });
}
