import { app } from '@azure/functions';

import { handleBlobChanged } from '../lib/handlers/blob-changed.ts';
import { purgeApp } from '../lib/purge-app.ts';

app.eventGrid('on-blob-changed', { handler: handleBlobChanged(purgeApp.services) });
