// A CDN emulator for tests: clock and origin in the test's hands, and a signer that shares nothing with it.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getGlobalDispatcher, request } from 'undici';
import { onTestFinished } from 'vitest';
import * as z from 'zod';
import {
  createCdnEmulator,
  type CdnEmulator,
  type CdnEmulatorOptions,
} from '../../dev/cdn-emulator/emulator.ts';
import type { OriginAnswer } from '../../dev/edge/origin.ts';

const Vectors = z.object({
  key: z.object({ keyId: z.string(), keyValue: z.string() }),
  accept: z.array(
    z.object({
      name: z.string(),
      method: z.enum(['GET', 'POST']),
      url: z.string(),
      date: z.string(),
      authorization: z.string(),
    }),
  ),
  reject: z.array(
    z.object({
      name: z.string(),
      of: z.string().optional(),
      url: z.string().optional(),
      method: z.enum(['GET', 'POST']).optional(),
      date: z.string().optional(),
      hex: z.string(),
      correct: z.string().optional(),
    }),
  ),
});
export const vectors = Vectors.parse(
  JSON.parse(readFileSync(new URL('../fixtures/azure-china-cdn-signatures.json', import.meta.url), 'utf8')),
);

export const subscription = '11112222-3333-4444-5555-666677778888';
export const foreignSubscription = '99992222-3333-4444-5555-666677778888';
export const webEndpoint = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
export const wildcardEndpoint = 'aaaabbbb-cccc-dddd-eeee-ffff00002222';
export const foreignEndpoint = 'aaaabbbb-cccc-dddd-eeee-ffff00003333';
export const disabledEndpoint = 'aaaabbbb-cccc-dddd-eeee-ffff00004444';

export interface TestKey {
  readonly id: string;
  readonly value: string;
}
export const writeKey: TestKey = { id: vectors.key.keyId, value: vectors.key.keyValue };
export const readKey: TestKey = { id: 'read-only-key', value: 'value of the read-only key' };
export const revokedKey: TestKey = { id: 'revoked-key', value: 'value of the revoked key' };
export const foreignKey: TestKey = { id: 'foreign-key', value: 'value of the foreign key' };

/** The instant at which a test's clock starts. */
const startOfTest = '2024-01-15T08:09:10.000Z';

/** Blobs in memory, by `container/name`. */
interface TestOrigin {
  readonly blobs: Map<string, string>;
  /** Every fetch, as `METHOD container/name`. */
  readonly fetched: string[];
  /** Put before a fetch's answer: a test holds it back with a promise of its own. */
  beforeAnswer: () => Promise<void>;
}

export interface TestCdn {
  readonly emulator: CdnEmulator;
  readonly origin: TestOrigin;
  setNow(iso: string): void;
  passMs(ms: number): void;
  readonly logged: readonly unknown[];
}

/** Starts an emulator on free ports; the test's end closes it. */
export async function startCdn(overrides: Partial<CdnEmulatorOptions> = {}): Promise<TestCdn> {
  let nowMs = Date.parse(startOfTest);
  const logged: unknown[] = [];
  const origin: TestOrigin = { blobs: new Map(), fetched: [], beforeAnswer: () => Promise.resolve() };
  const emulator = await createCdnEmulator({
    subscriptions: [subscription, foreignSubscription],
    endpoints: [
      { id: webEndpoint, subscription, customDomain: 'www.contoso.localhost' },
      { id: wildcardEndpoint, subscription, customDomain: '*.contoso.localhost' },
      { id: foreignEndpoint, subscription: foreignSubscription, customDomain: 'www.foreign.localhost' },
      { id: disabledEndpoint, subscription, customDomain: 'old.fabrikam.localhost', enabled: false },
    ],
    hosts: [
      { host: 'www.contoso.localhost', container: '$web', indexDocument: 'index.html' },
      { host: 'media.contoso.localhost', container: 'media' },
      { host: 'files.contoso.localhost', container: '*' },
    ],
    keys: [
      { ...writeKey, subscription },
      { ...readKey, subscription, permission: 'read-only' },
      { ...revokedKey, subscription, state: 'revoked' },
      { ...foreignKey, subscription: foreignSubscription, permission: 'read-only' },
    ],
    now: () => new Date(nowMs),
    log: (entry) => logged.push(entry),
    fetchOrigin: async (container, name, { method }) => {
      const address = `${container}/${name}`;
      origin.fetched.push(`${method} ${address}`);
      // Read before the wait, as a real origin does: what is then written meanwhile comes too late.
      const answer = originAnswer(origin.blobs.get(address));
      await origin.beforeAnswer();
      return answer;
    },
    ...overrides,
  });
  onTestFinished(() => emulator.close());
  return {
    emulator,
    origin,
    setNow: (iso) => (nowMs = Date.parse(iso)),
    passMs: (ms) => (nowMs += ms),
    logged,
  };
}

function originAnswer(content: string | undefined): OriginAnswer {
  if (content === undefined) return { status: 404, headers: {}, body: Buffer.from('no such blob') };
  const headers = { 'content-type': 'text/plain', etag: `"${content}"` };
  return { status: 200, headers, body: Buffer.from(content) };
}

export interface ApiCallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query as they go on the wire. */
  readonly target: string;
  readonly body?: string;
  readonly key?: TestKey;
  /** Default: the start of the test. */
  readonly date?: string;
  /** Headers beyond the signature, or instead of its parts; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: unknown;
  readonly errorType: string | undefined;
  readonly taskId: string | undefined;
}

const AnyAnswer = z.looseObject({
  ErrorInfo: z.looseObject({ Type: z.string() }).optional(),
  AsyncInfo: z.looseObject({ TaskTrackId: z.string().optional() }).optional(),
});

/** Sends a signed request to the emulator's API. */
export async function callApi(cdn: TestCdn, options: ApiCallOptions): Promise<ApiAnswer> {
  const { method = 'GET', target, body, key = writeKey, date = '2024-01-15 08:09:10' } = options;
  const all: Record<string, string | null> = {
    'x-azurecdn-request-date': date,
    authorization: authorizationOf(method, target, date, key),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...options.headers,
  };
  const headers = Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const response = await request(cdn.emulator.apiUrl + target, { method, headers, body: body ?? null });
  const text = await response.body.text();
  const json = parseJson(text);
  const known = AnyAnswer.safeParse(json).data;
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json,
    errorType: known?.ErrorInfo?.Type,
    taskId: known?.AsyncInfo?.TaskTrackId,
  };
}

/** The `Authorization` header for a target whose query has distinct, unencoded, non-empty values. */
export function authorizationOf(method: string, target: string, date: string, key: TestKey): string {
  const [path = '', query = ''] = target.split('?');
  const pairs = query === '' ? [] : query.split('&').toSorted();
  const line = pairs.map((pair) => pair.replace('=', ':')).join(', ');
  const text = `${path}\r\n${line}\r\n${date}\r\n${method}`;
  return `AzureCDN ${key.id}:${createHmac('sha256', key.value).update(text).digest('hex').toUpperCase()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The target of an endpoint's collection, for example `purges`. */
export function at(collection: string, endpoint = webEndpoint): string {
  return `/subscriptions/${subscription}/endpoints/${endpoint}/${collection}?apiVersion=1.0`;
}

/** Asks for a purge; files and directories are given as the API wants them. */
export function purge(
  cdn: TestCdn,
  lists: { readonly Files?: readonly string[]; readonly Directories?: readonly string[] },
  options: Partial<ApiCallOptions> & { readonly endpoint?: string } = {},
): Promise<ApiAnswer> {
  const { endpoint, ...rest } = options;
  return callApi(cdn, {
    method: 'POST',
    target: at('purges', endpoint),
    body: JSON.stringify(lists),
    ...rest,
  });
}

export interface EdgeAnswer {
  readonly status: number;
  readonly cache: string | string[] | undefined;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Asks the edge; `path` goes on the wire as it stands. */
export async function fetchEdge(
  cdn: TestCdn,
  host: string,
  path: string,
  options: { readonly method?: 'GET' | 'HEAD' | 'PUT'; readonly headers?: Record<string, string> } = {},
): Promise<EdgeAnswer> {
  const { method = 'GET', headers = {} } = options;
  // By the dispatcher, since `request` resolves `..` and encodes what it likes.
  const response = await getGlobalDispatcher().request({
    origin: cdn.emulator.edgeUrl,
    path,
    method,
    headers: { ...headers, host },
  });
  return {
    status: response.statusCode,
    cache: response.headers['x-cache'],
    text: await response.body.text(),
    headers: response.headers,
  };
}

/** What must be there; a fixture or an answer that lacks it fails the test. */
export function present<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}
