// A Front Door emulator for tests: both clocks and the origin in the test's hands.
import { getGlobalDispatcher, request } from 'undici';
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import type { OriginAnswer } from '../../dev/edge/origin.ts';
import {
  createFrontDoorEmulator,
  type FrontDoorEmulator,
  type FrontDoorEmulatorOptions,
} from '../../dev/front-door-emulator/emulator.ts';

export const subscription = '22223333-4444-5555-6666-777788889999';
export const userAssignedClientId = '44445555-6666-7777-8888-999900001111';
const identityHeader = 'the identity header';
export const azurefdHost = 'contoso-a1b2c3.z01.azurefd.localhost';
export const web = 'www.contoso.localhost';
export const media = 'media.contoso.localhost';

export interface TestFrontDoor {
  readonly emulator: FrontDoorEmulator;
  /** Blobs in memory, by `container/name`. */
  readonly blobs: Map<string, string>;
  /** Moves virtual time on. */
  passMs(ms: number): void;
  /** Moves real time on, by which tokens end. Virtual time stands still meanwhile. */
  passRealMs(ms: number): void;
  readonly logged: readonly unknown[];
}

/** Starts an emulator on free ports whose purges run by `passMs` only; the test's end closes it. */
export async function startFrontDoor(
  overrides: Partial<FrontDoorEmulatorOptions> = {},
): Promise<TestFrontDoor> {
  let realMs = Date.parse('2026-01-15T08:09:10.000Z');
  const logged: unknown[] = [];
  const blobs = new Map<string, string>();
  const emulator = await createFrontDoorEmulator({
    profiles: [
      {
        subscription,
        resourceGroup: 'rg-Local',
        name: 'afd-local',
        endpoints: [
          { name: 'contoso', hostName: azurefdHost, domains: [web, media, '*.shops.localhost'] },
          { name: 'other', hostName: 'other-a1b2c3.z01.azurefd.localhost' },
        ],
      },
      {
        subscription,
        resourceGroup: 'rg-local',
        name: 'afd-second',
        endpoints: [{ name: 'second', hostName: 'second-a1b2c3.z01.azurefd.localhost' }],
      },
    ],
    hosts: [
      { host: web, container: '$web', indexDocument: 'index.html' },
      { host: media, container: 'media' },
      { host: 'berlin.shops.localhost', container: 'media' },
      { host: azurefdHost, container: '$web' },
    ],
    identities: { system: true, userAssigned: [userAssignedClientId] },
    identityHeader,
    speed: 0,
    now: () => new Date(realMs),
    log: (entry) => logged.push(entry),
    fetchOrigin: (container, name) => Promise.resolve(originAnswer(blobs.get(`${container}/${name}`))),
    ...overrides,
  });
  onTestFinished(() => emulator.close());
  return {
    emulator,
    blobs,
    passMs: (ms) => emulator.control.changeClock({ advanceMs: ms }),
    passRealMs: (ms) => (realMs += ms),
    logged,
  };
}

function originAnswer(content: string | undefined): OriginAnswer {
  if (content === undefined) return { status: 404, headers: {}, body: Buffer.from('no such blob') };
  return { status: 200, headers: { etag: `"${content}"` }, body: Buffer.from(content) };
}

export interface ArmAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

const ErrorAnswer = z.object({ error: z.object({ code: z.string(), message: z.string().nullable() }) });

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly body?: string;
  /** Beyond the token and the content type, or instead of them; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

/** Calls with a good token, unless told otherwise. Takes a path and query, or a whole URL. */
export async function callArm(
  { emulator }: Pick<TestFrontDoor, 'emulator'>,
  target: string,
  { method = 'GET', body, headers = {} }: CallOptions = {},
): Promise<ArmAnswer> {
  const all: Record<string, string | null> = {
    authorization: `Bearer ${emulator.issueToken()}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  };
  const response = await request(new URL(target, emulator.armUrl), {
    method,
    body: body ?? null,
    headers: Object.fromEntries(
      Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    ),
  });
  const text = await response.body.text();
  const error = ErrorAnswer.safeParse(parseJson(text)).data?.error;
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    code: error?.code,
    message: error?.message ?? undefined,
  };
}

const groupPath = `/subscriptions/${subscription}/resourceGroups/rg-local/providers/Microsoft.Cdn`;

/** The target of an endpoint's purge. */
export function purgeTarget(endpoint = 'contoso', profile = 'afd-local'): string {
  return `${groupPath}/profiles/${profile}/afdEndpoints/${endpoint}/purge?api-version=2024-09-01`;
}

export function purge(
  frontDoor: TestFrontDoor,
  order: { readonly contentPaths?: unknown; readonly domains?: unknown },
  { target = purgeTarget(), headers = {} }: { target?: string; headers?: Record<string, string> } = {},
): Promise<ArmAnswer> {
  return callArm(frontDoor, target, { method: 'POST', body: JSON.stringify(order), headers });
}

/** Where a 202 says that the purge is told of. */
export function operationUrl({ headers }: ArmAnswer, name = 'azure-asyncoperation'): string {
  const value = headers[name];
  if (typeof value !== 'string') throw new Error(`the answer has no ${name}`);
  return value;
}

/** Asks for a token as the platform's library does; null leaves a header or parameter out. */
export async function askForToken(
  { emulator }: TestFrontDoor,
  parameters: Readonly<Record<string, string | null>> = {},
  header: string | null = identityHeader,
): Promise<{ readonly status: number; readonly json: Readonly<Record<string, unknown>> }> {
  const url = new URL(emulator.identityEndpoint);
  const all = {
    'api-version': '2019-08-01',
    resource: 'https://management.azure.com',
    ...parameters,
  };
  for (const [name, value] of Object.entries(all)) if (value !== null) url.searchParams.set(name, value);
  const { statusCode, body } = await request(url, {
    headers: header === null ? {} : { 'x-identity-header': header },
  });
  return { status: statusCode, json: z.record(z.string(), z.unknown()).parse(await body.json()) };
}

/** Asks the edge; `path` goes on the wire as it stands. */
export async function fetchEdge(
  { emulator }: TestFrontDoor,
  host: string,
  path: string,
): Promise<{ readonly status: number; readonly cache: unknown; readonly text: string }> {
  const { statusCode, headers, body } = await getGlobalDispatcher().request({
    origin: emulator.edgeUrl,
    path,
    method: 'GET',
    headers: { host },
  });
  return { status: statusCode, cache: headers['x-cache'], text: await body.text() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
