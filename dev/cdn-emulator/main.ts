// The CDN emulator as a process of the local stack.
// node dev/cdn-emulator/main.ts --origin http://127.0.0.1:10000/devstoreaccount1
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
import { createCdnEmulator } from './emulator.ts';
import { localSettings } from './local-settings.ts';
import { ApiKey, EmulatorSettings } from './settings.ts';

const keysVariable = 'EMULATOR_CDN_KEYS';

const Port = z.coerce.number('expected a port number').int().min(0).max(65_535);
const Arguments = z.object({
  'api-port': Port,
  'edge-port': Port,
  origin: z.url({ protocol: /^https?$/u, error: 'expected the URL of a storage account' }),
  settings: z.string().optional(),
  'exit-with-stdin': z.boolean(),
});

await main();

async function main(): Promise<void> {
  const args = readArguments();
  const keys = readKeys();
  const settings = args.settings === undefined ? localSettings : readSettings(args.settings);
  const credential = new StorageSharedKeyCredential(localAccount.name, localAccount.key);
  try {
    const emulator = await createCdnEmulator({
      ...settings,
      keys,
      fetchOrigin: createBlobOrigin(args.origin, credential),
      apiPort: args['api-port'],
      edgePort: args['edge-port'],
      log: emit,
    });
    stopWhenTold(() => emulator.close(), args['exit-with-stdin']);
    announceReady({ apiUrl: emulator.apiUrl, edgeUrl: emulator.edgeUrl });
  } catch (error) {
    if (!(error instanceof PortUnavailableError)) throw error;
    failToStart(describeListenError(error.cause, error.port, error.option));
  }
}

function readArguments(): z.infer<typeof Arguments> {
  try {
    const { values } = parseArgs({
      options: {
        'api-port': { type: 'string', default: '7081' },
        'edge-port': { type: 'string', default: '7080' },
        origin: { type: 'string', default: 'http://127.0.0.1:10000/devstoreaccount1' },
        settings: { type: 'string' },
        'exit-with-stdin': { type: 'boolean', default: false },
      },
    });
    return Arguments.parse(values);
  } catch (error) {
    return failToStart(`The CDN emulator's arguments are wrong.\n${explain(error)}`);
  }
}

/** The keys come by the environment, so that they are neither in a file nor in the process list. */
function readKeys(): readonly ApiKey[] {
  const text = process.env[keysVariable];
  if (text === undefined || text === '') {
    return failToStart(
      `${keysVariable} is not set. Give the API keys as JSON: ` +
        '[{"id":"…","value":"…","permission":"read-write","state":"active","subscription":"…"}]',
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and the text holds secrets.
    return failToStart(`${keysVariable} is not JSON.`);
  }
  const keys = ApiKey.array().safeParse(value);
  return keys.success ? keys.data : failToStart(`${keysVariable} is wrong.\n${explain(keys.error)}`);
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
