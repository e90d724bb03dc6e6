// The local stack: Azurite, the CDN emulator with its edge, the Functions host, and Event Grid before Azurite.

import { fileURLToPath } from 'node:url';

import * as z from 'zod';

import { localConnectionString } from './azurite/account.ts';
import {
  appSettings,
  deadLetterContainer,
  emulatorKeys,
  hostKeys,
  makeSecrets,
  type LocalProvider,
  type LocalSecrets,
} from './local-settings.ts';
import { startChild, type Child } from './processes/child.ts';
import type { LogEntry } from './processes/log-entry.ts';

export type StackPorts = {
  readonly blob: number;
  readonly queue: number;
  readonly edge: number;
  readonly cdnApi: number;
  readonly functions: number;
};

export const DEFAULT_PORTS: StackPorts = {
  blob: 10_000,
  queue: 10_001,
  edge: 7080,
  cdnApi: 7081,
  functions: 7071,
};
export const FREE_PORTS: StackPorts = { blob: 0, queue: 0, edge: 0, cdnApi: 0, functions: 0 };

/** How fast Front Door's clock runs in the local stack, where nothing else is said. */
export const PURGE_SPEED = 60;

export const DELIVERY_TARGETS = ['function', 'queue'] as const;
export type DeliveryTarget = (typeof DELIVERY_TARGETS)[number];

export type StackOptions = {
  readonly ports: StackPorts;
  /** `embedded`: our Functions host; `none`: something else answers on `ports.functions`. */
  readonly host: 'embedded' | 'none';
  /** Where Azurite keeps its data; undefined: in memory. */
  readonly location?: string;
  /** Added to the app's settings, over those of the local stack. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Given instead of fresh ones. */
  readonly secrets?: LocalSecrets;
  /** Where Event Grid delivers: to the function (the default), or straight to the buffer queue. */
  readonly deliverTo?: DeliveryTarget;
  /** Multiplies Event Grid's retry delays. */
  readonly retryScale?: number;
  /** Further arguments of the Functions host: `--no-timers`. */
  readonly hostArguments?: readonly string[];
  /** Which CDN is emulated. Default: the Azure China CDN. */
  readonly provider?: LocalProvider;
  /** How many times as fast as real time Front Door's purges run. Default: PURGE_SPEED. */
  readonly purgeSpeed?: number;
  /** File with switches of the CDN emulator. */
  readonly emulatorSettings?: string;
  readonly onEntry?: (entry: LogEntry) => void;
};

export type Stack = {
  /** Blob endpoint with Event Grid behind it, account included. */
  readonly blobUrl: string;
  readonly queueUrl: string;
  /** Azurite itself: writes here make no events. */
  readonly azuriteBlobUrl: string;
  readonly edgeUrl: string;
  /** Where purges are asked for, with the emulator's control below `/_emulator/`. */
  readonly cdnApiUrl: string;
  readonly provider: LocalProvider;
  readonly functionsUrl: string;
  readonly eventGridUrl: string;
  /** For any Azure Storage client: its blob writes make events. */
  readonly connectionString: string;
  readonly secrets: LocalSecrets;
  readonly appSettings: Readonly<Record<string, string>>;
  readonly children: readonly Child[];
  readonly stop: () => Promise<void>;
};

/** Starts every part as a child process and waits until all listen. Throws with the words of the part that failed. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const secrets = options.secrets ?? makeSecrets();
  const children: Child[] = [];
  const start = async <T>(name: string, file: string, ready: z.ZodType<T>, run: ChildRun): Promise<T> => {
    const { onEntry } = options;
    const child = await startChild({
      name,
      file: fileURLToPath(new URL(file, import.meta.url)),
      args: run.args,
      ...(run.env === undefined ? {} : { env: run.env }),
      ...(onEntry === undefined ? {} : { onEntry }),
    });
    children.push(child);
    return ready.parse(child.ready);
  };
  // What others depend on stops last.
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await child.stop();
  };
  try {
    const { ports, provider = 'azure-china-cdn' } = options;
    const azurite = await start('Azurite', 'azurite/main.ts', AzuriteReady, {
      // The proxy has the port that clients know.
      args: ['--blob-port', '0', '--queue-port', `${ports.queue}`, ...flag('--location', options.location)],
    });
    const cdnArguments = [
      '--edge-port',
      `${ports.edge}`,
      '--origin',
      azurite.blobUrl,
      ...flag('--settings', options.emulatorSettings),
    ];
    const cdn =
      provider === 'azure-china-cdn'
        ? await start('CDN emulator', 'cdn-emulator/main.ts', CdnReady, {
            args: ['--api-port', `${ports.cdnApi}`, ...cdnArguments],
            env: { EMULATOR_CDN_KEYS: emulatorKeys(secrets) },
          })
        : await start('Front Door emulator', 'front-door-emulator/main.ts', FrontDoorReady, {
            args: [
              '--arm-port',
              `${ports.cdnApi}`,
              '--speed',
              `${options.purgeSpeed ?? PURGE_SPEED}`,
              ...cdnArguments,
            ],
            env: { EMULATOR_IDENTITY_HEADER: secrets.identityHeader },
          });
    const settings = {
      ...appSettings({ ...azurite, ...cdn, cdnApiUrl: cdn.apiUrl }, secrets, provider),
      ...options.settings,
    };
    const functionsUrl =
      options.host === 'none'
        ? `http://127.0.0.1:${ports.functions}`
        : await start('Functions host', 'functions-host/main.ts', HostReady, {
            args: ['--port', `${ports.functions}`, ...(options.hostArguments ?? [])],
            env: { ...settings, FUNCTIONS_HOST_KEYS: hostKeys(secrets) },
          }).then(({ url }) => url);
    const eventGrid = await start('Event Grid', 'event-grid/main.ts', EventGridReady, {
      args: [
        '--port',
        `${ports.blob}`,
        '--azurite',
        new URL(azurite.blobUrl).origin,
        ...(options.deliverTo === 'queue'
          ? ['--queue', `${azurite.queueUrl}/${settings['PURGE_QUEUE'] ?? DEFAULT_QUEUE}`]
          : ['--webhook', `${functionsUrl}/runtime/webhooks/eventgrid?functionName=on-blob-changed`]),
        '--dead-letter-container',
        deadLetterContainer,
        ...flag('--retry-scale', options.retryScale?.toString()),
      ],
      env: { EVENT_GRID_WEBHOOK_KEY: secrets.eventGridKey },
    });
    return {
      blobUrl: eventGrid.blobUrl,
      queueUrl: azurite.queueUrl,
      azuriteBlobUrl: azurite.blobUrl,
      edgeUrl: cdn.edgeUrl,
      cdnApiUrl: cdn.apiUrl,
      provider,
      functionsUrl,
      eventGridUrl: eventGrid.controlUrl,
      connectionString: localConnectionString(eventGrid.blobUrl, azurite.queueUrl),
      secrets,
      appSettings: settings,
      children,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The app's own default. */
const DEFAULT_QUEUE = 'purge-buffer';

type ChildRun = { readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> };

const AzuriteReady = z.object({ blobUrl: z.string(), queueUrl: z.string() });
const CdnReady = z
  .object({ apiUrl: z.string(), edgeUrl: z.string() })
  .transform((ready) => ({ ...ready, identityEndpoint: undefined }));
const FrontDoorReady = z
  .object({ armUrl: z.string(), edgeUrl: z.string(), identityEndpoint: z.string() })
  .transform(({ armUrl, ...ready }) => ({ ...ready, apiUrl: armUrl }));
const HostReady = z.object({ url: z.string() });
const EventGridReady = z.object({ blobUrl: z.string(), controlUrl: z.string() });

const flag = (name: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [name, value];
