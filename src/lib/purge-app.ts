// The app of this process, made from its settings when the first function is registered.

import { createApp } from './app.ts';
import { showTimesIn } from './shown-time.ts';

export const purgeApp = createApp(process.env);
showTimesIn(purgeApp.timeZone);
