// The Front Door emulator as a process of the local stack.
// node dev/front-door-emulator/main.ts --origin http://127.0.0.1:10000/devstoreaccount1 --speed 60
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { localAccount } from '../azurite/account.ts';
import { createBlobOrigin } from '../edge/origin.ts';
import { PortUnavailableError } from '../emulator/http-server.ts';
import {
  announceReady,
  describeListenError,
  emit,
  failToStart,
  stopWhenTold,
} from '../processes/ready-line.ts';
import { Speed } from './control-routes.ts';
import { createFrontDoorEmulator } from './emulator.ts';
import { localSettings } from './local-settings.ts';
import { EmulatorSettings } from './settings.ts';

const headerVariable = 'EMULATOR_IDENTITY_HEADER';

const Port = z.coerce.number('expected a port number').int().min(0).max(65_535);
const Arguments = z.object({
  'arm-port': Port,
  'edge-port': Port,
  origin: z.url({ protocol: /^https?$/u, error: 'expected the URL of a storage account' }),
  settings: z.string().optional(),
  speed: z.coerce.number('expected a number').pipe(Speed),
  'exit-with-stdin': z.boolean(),
});

await main();

async function main(): Promise<void> {
  const args = readArguments();
  const identityHeader = readIdentityHeader();
  const settings = args.settings === undefined ? localSettings : readSettings(args.settings);
  const credential = new StorageSharedKeyCredential(localAccount.name, localAccount.key);
  try {
    const emulator = await createFrontDoorEmulator({
      ...settings,
      identityHeader,
      fetchOrigin: createBlobOrigin(args.origin, credential),
      armPort: args['arm-port'],
      edgePort: args['edge-port'],
      speed: args.speed,
      log: emit,
    });
    stopWhenTold(() => emulator.close(), args['exit-with-stdin']);
    const { armUrl, edgeUrl, identityEndpoint, controlUrl } = emulator;
    announceReady({ armUrl, edgeUrl, identityEndpoint, controlUrl });
  } catch (error) {
    if (!(error instanceof PortUnavailableError)) throw error;
    failToStart(describeListenError(error.cause, error.port, error.option));
  }
}

function readArguments(): z.infer<typeof Arguments> {
  try {
    const { values } = parseArgs({
      options: {
        'arm-port': { type: 'string', default: '7081' },
        'edge-port': { type: 'string', default: '7080' },
        origin: { type: 'string', default: 'http://127.0.0.1:10000/devstoreaccount1' },
        settings: { type: 'string' },
        speed: { type: 'string', default: '1' },
        'exit-with-stdin': { type: 'boolean', default: false },
      },
    });
    return Arguments.parse(values);
  } catch (error) {
    return failToStart(`The Front Door emulator's arguments are wrong.\n${explain(error)}`);
  }
}

/** It comes by the environment, as it comes to the app: neither in a file nor in the process list. */
function readIdentityHeader(): string {
  const text = process.env[headerVariable];
  if (text !== undefined && text !== '') return text;
  return failToStart(`${headerVariable} is not set. Give any secret text: the app's IDENTITY_HEADER.`);
}

/** A settings file states what differs from the local settings: whole lists, and single switches. */
function readSettings(file: string): z.infer<typeof EmulatorSettings> {
  try {
    const differing = EmulatorSettings.partial().parse(JSON.parse(readFileSync(file, 'utf8')));
    return EmulatorSettings.parse({ ...localSettings, ...differing });
  } catch (error) {
    return failToStart(`The settings file ${file} cannot be used.\n${explain(error)}`);
  }
}

function explain(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}
