import { app } from '@azure/functions';

import { handleFlush } from '../lib/handlers/flush-purge-buffer.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.timer('flush-purge-buffer', { schedule: purgeApp.schedule, handler: handleFlush(purgeApp.services) });
