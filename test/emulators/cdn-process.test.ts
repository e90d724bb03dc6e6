// The emulator as a child process: its ready line, its arguments, its end, and what it never says.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { startChild, type Child } from '../../dev/processes/child.ts';
import { authorizationOf, subscription, webEndpoint, type TestKey } from './cdn-support.ts';

const file = fileURLToPath(new URL('../../dev/cdn-emulator/main.ts', import.meta.url));
const key: TestKey = { id: 'process-key', value: 'canary-3f9c-key-value' };
const keys = JSON.stringify([{ ...key, subscription }]);
// Nobody listens there: these tests need no origin.
const origin = 'http://127.0.0.1:9/devstoreaccount1';

async function startProcess(
  args: readonly string[],
  env: Record<string, string | undefined> = { EMULATOR_CDN_KEYS: keys },
): Promise<Child> {
  const child = await startChild({ name: 'cdn emulator', file, args: ['--origin', origin, ...args], env });
  onTestFinished(() => child.stop());
  return child;
}

const anyPorts = ['--api-port', '0', '--edge-port', '0'];

async function purgeOnce(apiUrl: string, endpoint = webEndpoint): Promise<number> {
  const target = `/subscriptions/${subscription}/endpoints/${endpoint}/purges?apiVersion=1.0`;
  const date = new Date().toISOString().slice(0, 19).replace('T', ' ');
  const { statusCode, body } = await request(apiUrl + target, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-azurecdn-request-date': date,
      authorization: authorizationOf('POST', target, date, key),
    },
    body: '{"Files":["http://www.contoso.localhost/a"]}',
  });
  await body.dump();
  return statusCode;
}

it('says where it listens, takes a purge of the local web site, and stops when told', async () => {
  const child = await startProcess(anyPorts);
  const apiUrl = String(child.ready['apiUrl']);

  const status = await purgeOnce(apiUrl);
  await child.stop();

  expect(status).toBe(202);
  expect(child.ready['edgeUrl']).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/u);
  expect(child.entries()).toContainEqual(
    expect.objectContaining({ source: 'cdn-api', event: 'purge-accepted', level: 'info' }),
  );
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.output()).not.toContain(key.value);
});

it('takes a settings file that states only what differs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cdn-settings-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const settings = join(folder, 'settings.json');
  await writeFile(settings, '{"behaviour":{"filesPerDay":0}}');

  const child = await startProcess([...anyPorts, '--settings', settings]);

  expect(await purgeOnce(String(child.ready['apiUrl']))).toBe(429);
});

it('explains a settings file that is wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cdn-settings-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const settings = join(folder, 'settings.json');
  await writeFile(settings, '{"behaviour":{"filesPerday":0}}');

  await expect(startProcess([...anyPorts, '--settings', settings])).rejects.toThrow(/filesPerday/u);
});

it('explains a port in use and how to choose another', async () => {
  const first = await startProcess(anyPorts);
  const port = new URL(String(first.ready['edgeUrl'])).port;

  await expect(startProcess(['--api-port', '0', '--edge-port', port])).rejects.toThrow(
    new RegExp(`${port}.*--edge-port`, 'su'),
  );
});

it.each([
  { what: 'no keys', value: undefined, message: /EMULATOR_CDN_KEYS is not set/u },
  { what: 'keys that are not JSON', value: 'canary-3f9c', message: /EMULATOR_CDN_KEYS is not JSON/u },
  {
    what: 'keys of a wrong form',
    value: '[{"id":"a","value":"canary-3f9c","permission":"all"}]',
    message: /permission/u,
  },
])('explains $what without quoting them', async ({ value, message }) => {
  const failure = startProcess(anyPorts, { EMULATOR_CDN_KEYS: value });

  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.not.toThrow(/canary-3f9c/u);
});

it.each([
  { args: ['--api-port', 'seven'], message: /api-port/u },
  { args: ['--edge-port', '70000'], message: /edge-port/u },
  { args: ['--origin', 'storage'], message: /origin/u },
  { args: ['--verbose'], message: /--verbose/u },
])('explains the arguments $args', async ({ args, message }) => {
  await expect(startProcess(args)).rejects.toThrow(message);
});
