import { app } from '@azure/functions';

import { handleTracking } from '../lib/handlers/track-purges.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.timer('track-purges', { schedule: purgeApp.trackSchedule, handler: handleTracking(purgeApp.services) });
