import { app } from '@azure/functions';

import { handleDeadLetters } from '../lib/handlers/read-dead-letters.ts';
import { purgeApp } from '../lib/purge-app.ts';

if (purgeApp.deadLetterSchedule !== undefined) {
  app.timer('read-dead-letters', {
    schedule: purgeApp.deadLetterSchedule,
    handler: handleDeadLetters(purgeApp.services),
  });
}
