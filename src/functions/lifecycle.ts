import { app } from '@azure/functions';

import { purgeApp } from '../lib/purge-app.ts';

app.hook.appStart(purgeApp.start);
app.hook.appTerminate(purgeApp.stop);
