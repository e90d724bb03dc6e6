// With a required role, no function that answers HTTP is open: what the functions register is what is called here.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { app, type HttpHandler } from '@azure/functions';
import { beforeAll, expect, it, vi } from 'vitest';

import { callHttp } from '../support/in-memory-invocation.ts';

const PRINCIPAL_WITHOUT_ROLE = Buffer.from(
  JSON.stringify({
    auth_typ: 'aad',
    claims: [{ typ: 'oid', val: '99990000-aaaa-bbbb-cccc-ddddeeeeffff' }],
  }),
).toString('base64');

const DOCUMENT = {
  cdns: {
    china: {
      provider: 'azure-china-cdn',
      subscription: '11112222-3333-4444-5555-666677778888',
      keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
    },
  },
  sites: {
    www: {
      containers: [{ account: 'contoso', container: 'media' }],
      hosts: ['www.example.cn'],
      cdn: 'china',
    },
  },
};

const handlers = new Map<string, HttpHandler>();

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue(); // the library says that nothing is registered in a test
  vi.spyOn(app, 'http').mockImplementation((name, { handler }) => void handlers.set(name, handler));
  vi.stubEnv('PURGE_STORAGE', 'UseDevelopmentStorage=true');
  vi.stubEnv('PURGE_CONFIG', JSON.stringify(DOCUMENT));
  vi.stubEnv('CDN_KEY_ID', 'id');
  vi.stubEnv('CDN_KEY_VALUE', 'value');
  vi.stubEnv('PURGE_HTTP_REQUIRED_ROLE', 'Purge.Write');
  vi.stubEnv('WEBSITE_AUTH_ENABLED', 'True');
  const folder = join(import.meta.dirname, '../../src/functions');
  for (const file of await readdir(folder)) await import(join(folder, file));
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('every function that answers HTTP asks for the role before anything else', async () => {
  expect([...handlers.keys()].toSorted()).toEqual([
    'backlog',
    'list-purges',
    'purge-on-request',
    'purge-status',
    'replay-poison',
  ]);
  for (const handler of handlers.values()) {
    expect((await callHttp(handler, {})).status).toBe(401);
    const headers = { 'x-ms-client-principal': PRINCIPAL_WITHOUT_ROLE };
    expect((await callHttp(handler, { headers })).status).toBe(403);
  }
});
