// The real app in this process, called as the Functions host calls it.

import { InvocationContext, type EventGridEvent, type Timer } from '@azure/functions';

import { createApp } from '../src/lib/app.ts';
import { handleBlobChanged } from '../src/lib/handlers/blob-changed.ts';
import { handleFlush } from '../src/lib/handlers/flush-purge-buffer.ts';
import type { Services } from '../src/lib/services.ts';

export type AppInProcess = {
  readonly services: Services;
  readonly deliver: (event: EventGridEvent) => Promise<void>;
  readonly flush: () => Promise<void>;
};

/** Takes the app settings, gives the app with its clients built. Warnings and errors of the app stop the question. */
export async function startAppInProcess(settings: Readonly<Record<string, string>>): Promise<AppInProcess> {
  const app = createApp(settings);
  const onBlobChanged = handleBlobChanged(app.services);
  const onTick = handleFlush(app.services);
  return {
    services: await app.services(),
    async deliver(event) {
      await onBlobChanged(event, invocation('on-blob-changed'));
    },
    async flush() {
      await onTick(tick, invocation('flush-purge-buffer'));
    },
  };
}

const tick: Timer = {
  isPastDue: false,
  schedule: { adjustForDST: true },
  scheduleStatus: { last: '', lastUpdated: '', next: '' },
};

function invocation(functionName: string): InvocationContext {
  return new InvocationContext({
    functionName,
    logHandler: (level, ...line) => {
      if (level === 'warning' || level === 'error') throw new Error(`the app said: ${line.join(' ')}`);
    },
  });
}
