// What a storage connection string must hold, so that a bad one stops the start and not the first flush.

import { closestName } from './closest-name.ts';

/** Of the services that are used. */
export type StorageEndpoint = 'BlobEndpoint' | 'QueueEndpoint';

/**
 * Takes a connection string, gives what is wrong with it; none for one that the clients of the services can work by.
 * A fault never holds a part of the string: a key that was pasted alone would read like a name.
 * Forms: learn.microsoft.com/azure/storage/common/storage-configure-connection-string
 */
export function findStorageConnectionFaults(
  text: string,
  endpoints: readonly StorageEndpoint[] = ['BlobEndpoint', 'QueueEndpoint'],
): readonly string[] {
  if (text.startsWith(DEVELOPMENT_STORAGE)) return [];
  const parts = text.split(';').map((part) => part.trim());
  const faults = parts.flatMap((part, index) => findPartFault(part, index + 1));
  if (faults.length > 0) return faults;
  const values = new Map<string, string>();
  for (const part of parts) {
    const name = nameOf(part);
    const value = part.slice(name.length + 1);
    // The clients, too, take the first of equal names.
    if (value !== '' && !values.has(name)) values.set(name, value);
  }
  return values.has('SharedAccessSignature') && !values.has('AccountKey')
    ? findFaults(values, endpoints)
    : findFaults(values, neededBesideKey(values, endpoints));
}

const DEVELOPMENT_STORAGE = 'UseDevelopmentStorage=true';

type Check = { readonly isRight: (value: string) => boolean; readonly wanted: string };

const endpoint: Check = {
  isRight(value) {
    const url = URL.parse(value);
    return url !== null && /^https?:$/u.test(url.protocol) && !/[?#]/u.test(value);
  },
  wanted: 'must be an http or https URL without a query',
};

const CHECKS: Readonly<Record<string, Check>> = {
  DefaultEndpointsProtocol: {
    isRight: (value) => /^https?$/iu.test(value),
    wanted: 'must be https or http',
  },
  AccountName: {
    isRight: (value) => /^[a-z0-9]{3,24}$/u.test(value),
    wanted: 'must be 3 to 24 lower-case letters and digits',
  },
  AccountKey: {
    isRight: (value) => /^[A-Za-z0-9+/]+={0,2}$/u.test(value),
    wanted: 'must be base64, as the portal shows it',
  },
  EndpointSuffix: {
    isRight: (value) => /^[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d+)?$/iu.test(value),
    wanted: 'must be a host name such as core.chinacloudapi.cn',
  },
  BlobEndpoint: endpoint,
  QueueEndpoint: endpoint,
};

/** What a connection string may hold; the clients for blobs and queues read only some of it. */
const KNOWN_NAMES: readonly string[] = [
  ...Object.keys(CHECKS),
  'SharedAccessSignature',
  'UseDevelopmentStorage',
  'DevelopmentStorageProxyUri',
  'TableEndpoint',
  'FileEndpoint',
  'DfsEndpoint',
  'WebEndpoint',
  'BlobSecondaryEndpoint',
  'QueueSecondaryEndpoint',
  'TableSecondaryEndpoint',
  'FileSecondaryEndpoint',
];

const nameOf = (part: string): string => part.slice(0, Math.max(part.indexOf('='), 0));

/** A name that is like no known one is let pass: the clients do not read it, and Azure may add more. */
function findPartFault(part: string, position: number): string[] {
  if (part === '') return [];
  if (!part.includes('=')) return [`must be NAME=VALUE parts with ; between them; part ${position} is none`];
  const name = nameOf(part);
  if (KNOWN_NAMES.includes(name)) return [];
  const closest = closestName(name, KNOWN_NAMES);
  return closest === undefined ? [] : [`part ${position} has an unknown name: did you mean ${closest}?`];
}

function neededBesideKey(
  values: ReadonlyMap<string, string>,
  endpoints: readonly StorageEndpoint[],
): readonly string[] {
  // The clients take a string without DefaultEndpointsProtocol for one with a signature.
  const account = ['AccountName', 'AccountKey', 'DefaultEndpointsProtocol'];
  if (values.has('EndpointSuffix')) return account;
  const isByEndpoints = values.has('BlobEndpoint') || values.has('QueueEndpoint');
  return [...account, ...(isByEndpoints ? endpoints : ['EndpointSuffix'])];
}

function findFaults(values: ReadonlyMap<string, string>, needed: readonly string[]): string[] {
  const missing = needed.filter((name) => !values.has(name));
  const wrong = [...values].flatMap(([name, value]) => {
    const check = CHECKS[name];
    return check === undefined || check.isRight(value) ? [] : [`its ${name} ${check.wanted}`];
  });
  return missing.length === 0 ? wrong : [`lacks ${missing.join(', ')}`, ...wrong];
}
