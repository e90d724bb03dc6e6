// What "npm start" and "npm run start:func" have in common: their options, the start, and what is made at it.

import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

import { BlobServiceClient } from '@azure/storage-blob';

import { describeEntry } from './live-lines.ts';
import { LOCAL_PROVIDERS, parseProvider, type LocalProvider } from './local-settings.ts';
import {
  DEFAULT_PORTS,
  DELIVERY_TARGETS,
  FREE_PORTS,
  startStack,
  type DeliveryTarget,
  type Stack,
  type StackOptions,
} from './stack.ts';

type Asked = {
  readonly freePorts: boolean;
  readonly inMemory: boolean;
  readonly provider: LocalProvider;
  readonly deliverTo: DeliveryTarget;
};

/** Gives what the command's arguments ask for. Ends the process, with a word on how to do it, when they are wrong. */
export function readArguments(command: string): Asked {
  try {
    const { values } = parseArgs({
      options: {
        'free-ports': { type: 'boolean', default: false },
        memory: { type: 'boolean', default: false },
        provider: { type: 'string', default: 'azure-china-cdn' },
        'deliver-to': { type: 'string', default: 'function' },
      },
    });
    return {
      freePorts: values['free-ports'],
      inMemory: values.memory,
      provider: parseProvider(values.provider),
      deliverTo: parseDeliveryTarget(values['deliver-to']),
    };
  } catch (error) {
    return explain(command, error);
  }
}

/** Starts the stack with containers to upload to; it tells live what happens. Ends the process where that fails. */
export async function startOrExplain(
  command: string,
  { freePorts, inMemory, provider, deliverTo }: Asked,
  host: StackOptions['host'],
): Promise<Stack> {
  try {
    const stack = await startStack({
      ports: freePorts ? await freePortsFor(host) : DEFAULT_PORTS,
      host,
      provider,
      deliverTo,
      ...(inMemory ? {} : { location: '.local/azurite' }),
      onEntry(entry) {
        const line = describeEntry(entry);
        if (line !== undefined) console.log(line);
      },
    });
    await makeContainers(stack);
    return stack;
  } catch (error) {
    return explain(command, error);
  }
}

function parseDeliveryTarget(text: string): DeliveryTarget {
  const found = DELIVERY_TARGETS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`Events cannot go to ${text} here: it is ${DELIVERY_TARGETS.join(' or ')}.`);
}

function explain(command: string, error: unknown): never {
  console.error(`${error instanceof Error ? error.message : String(error)}

${command} -- [--free-ports] [--memory] [--provider NAME] [--deliver-to WHERE]
  --free-ports   any free ports instead of the default ones
  --memory       keep blobs and queues in memory instead of in .local/
  --provider     the CDN to emulate: ${LOCAL_PROVIDERS.join(' or ')}
  --deliver-to   where blob events go: to the ${DELIVERY_TARGETS.join(', or straight to the buffer ')}`);
  return process.exit(1);
}

/** A host of somebody else must be told its port before it listens. */
async function freePortsFor(host: StackOptions['host']): Promise<StackOptions['ports']> {
  return host === 'embedded' ? FREE_PORTS : { ...FREE_PORTS, functions: await findFreePort() };
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

/** So that the first upload has where to go. */
async function makeContainers({ connectionString }: Stack): Promise<void> {
  const storage = BlobServiceClient.fromConnectionString(connectionString);
  for (const name of ['$web', 'media']) await storage.getContainerClient(name).createIfNotExists();
}
