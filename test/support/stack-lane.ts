// A second app on a running stack: its own Functions host, Event Grid, buffer and records, so that a test can break it.

import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import type { ContainerClient } from '@azure/storage-blob';
import * as z from 'zod';

import { localConnectionString } from '../../dev/azurite/account.ts';
import { hostKeys } from '../../dev/local-settings.ts';
import { startChild, type Child } from '../../dev/processes/child.ts';
import type { DeliveryTarget, Stack } from '../../dev/stack.ts';
import type { Waiting } from '../../src/lib/core/backlog.ts';
import { createBlobBacklog } from '../../src/lib/records/blob-backlog.ts';
import { createStackClient, type StackClient } from './stack-client.ts';

export interface Lane extends StackClient {
  readonly functionsUrl: string;
  /** Name of its records container. */
  readonly records: string;
  /** The host that runs now, or ran last. */
  readonly host: () => Child;
  /** Ends the host as a crash does. */
  readonly killHost: () => Promise<void>;
  /** Starts a host where the last one was, with other settings if given. */
  readonly startHost: (settings?: Settings) => Promise<void>;
  /** What of the lane waits in the backlog. */
  readonly backlog: () => Promise<readonly Waiting[]>;
  /** Starts one more host on the same storage, which no events come to. Gives how to use that one. */
  readonly startHostBeside: (settings?: Settings) => Promise<StackClient>;
}

type Settings = Readonly<Record<string, string>>;

export interface LaneOptions {
  /** Over the settings of the stack; a function gets the connection string whose writes make events. */
  readonly settings?: Settings | ((connectionString: string) => Settings);
  /** Default: `function`. */
  readonly deliverTo?: DeliveryTarget;
  /** Whether its timers run by themselves. Default: only what a test asks for is run. */
  readonly timers?: boolean;
  /** Takes every child that is started, for its output and its end. */
  readonly onChild: (child: Child) => void;
}

/** Multiplies Event Grid's ten seconds before its second attempt. */
export const quickRetryScale = 0.01;

const EventGridReady = z.object({ blobUrl: z.string(), controlUrl: z.string() });
const HostReady = z.object({ url: z.string() });

export async function startLane(
  stack: Stack,
  { settings = {}, deliverTo = 'function', timers = false, onChild }: LaneOptions,
): Promise<Lane> {
  const id = randomUUID().slice(0, 8);
  const records = `records-${id}`;
  const queueName = `buffer-${id}`;
  const eventGrid = await startChild({
    name: `Event Grid of ${id}`,
    file: fileOf('event-grid/main.ts'),
    args: [
      '--port=0',
      `--azurite=${new URL(stack.azuriteBlobUrl).origin}`,
      `--retry-scale=${quickRetryScale}`,
      ...(deliverTo === 'queue' ? [`--queue=${stack.queueUrl}/${queueName}`] : []),
    ],
  });
  onChild(eventGrid);
  const { blobUrl, controlUrl } = EventGridReady.parse(eventGrid.ready);
  const lane = localConnectionString(blobUrl, stack.queueUrl);
  const own = typeof settings === 'function' ? settings(lane) : settings;

  let host: Child | undefined;
  let functionsUrl = 'http://127.0.0.1:0';
  const startHostAt = async (port: string, changed: Settings): Promise<Child> => {
    const started = await startChild({
      name: `Functions host of ${id}`,
      file: fileOf('functions-host/main.ts'),
      args: ['--port', port, ...(timers ? [] : ['--no-timers'])],
      env: {
        ...stack.appSettings,
        PURGE_QUEUE: queueName,
        PURGE_RECORDS_CONTAINER: records,
        ...own,
        ...changed,
        FUNCTIONS_HOST_KEYS: hostKeys(stack.secrets),
      },
    });
    onChild(started);
    return started;
  };
  const startHost = async (changed: Settings = {}): Promise<void> => {
    host = await startHostAt(new URL(functionsUrl).port, changed);
    functionsUrl = HostReady.parse(host.ready).url;
  };
  const running = (): Child => {
    if (host === undefined) throw new Error('the lane has no host');
    return host;
  };
  await startHost();
  if (deliverTo === 'function') await subscribe(controlUrl, functionsUrl, stack.secrets.eventGridKey);
  const clientOf = (url: string): StackClient =>
    createStackClient({
      ...stack,
      connectionString: lane,
      eventGridUrl: controlUrl,
      functionsUrl: url,
      masterKey: stack.secrets.masterKey,
      queueName,
    });
  const client = clientOf(functionsUrl);
  return {
    ...client,
    backlog: () => readBacklog(client.blobs.getContainerClient(records)),
    functionsUrl,
    records,
    host: running,
    async killHost() {
      running().kill('SIGKILL');
      await running().exited;
    },
    startHost,
    async startHostBeside(changed = {}) {
      return clientOf(HostReady.parse((await startHostAt('0', changed)).ready).url);
    },
  };
}

async function subscribe(controlUrl: string, functionsUrl: string, key: string): Promise<void> {
  const webhookUrl = `${functionsUrl}/runtime/webhooks/eventgrid?functionName=on-blob-changed`;
  const answer = await fetch(`${controlUrl}/subscription`, {
    method: 'PUT',
    body: JSON.stringify({ webhookUrl, key }),
  });
  if (!answer.ok) throw new Error(`Event Grid did not take the subscription: ${answer.status}`);
}

const fileOf = (path: string): string => fileURLToPath(new URL(`../../dev/${path}`, import.meta.url));

async function readBacklog(container: ContainerClient): Promise<readonly Waiting[]> {
  const { backlog } = await createBlobBacklog(container).load();
  return [...backlog.entries.values()];
}
