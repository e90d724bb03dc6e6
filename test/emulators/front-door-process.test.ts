// The emulator as a child process: its ready line, its settings, its end, and what it never says.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { startChild } from '../../dev/processes/child.ts';
import { purgeTarget } from './front-door-support.ts';

const file = fileURLToPath(new URL('../../dev/front-door-emulator/main.ts', import.meta.url));

it('says where it listens, gives a token, takes a purge of the local site, and stops when told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'front-door-settings-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const settings = join(folder, 'settings.json');
  await writeFile(settings, '{"behaviour":{"retryAfterSeconds":3}}');
  const header = 'canary-3f9c-identity-header';
  const child = await startChild({
    name: 'Front Door emulator',
    file,
    // Nobody listens at that origin: this test needs none.
    args: [
      '--arm-port',
      '0',
      '--edge-port',
      '0',
      '--origin',
      'http://127.0.0.1:9/devstoreaccount1',
      '--settings',
      settings,
      '--speed',
      '60',
    ],
    env: { EMULATOR_IDENTITY_HEADER: header },
  });
  onTestFinished(() => child.stop());
  const ready = z
    .strictObject({ armUrl: z.url(), edgeUrl: z.url(), identityEndpoint: z.url(), controlUrl: z.url() })
    .parse(child.ready);

  const tokenAnswer = await request(
    `${ready.identityEndpoint}?api-version=2019-08-01&resource=https://management.azure.com`,
    { headers: { 'x-identity-header': header } },
  );
  const { access_token: token } = z
    .looseObject({ access_token: z.string() })
    .parse(await tokenAnswer.body.json());
  const { statusCode, headers, body } = await request(ready.armUrl + purgeTarget(), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"contentPaths":["/a"],"domains":["www.contoso.localhost"]}',
  });
  await body.dump();
  await child.stop();

  expect([statusCode, headers['retry-after']]).toEqual([202, '3']);
  expect(child.entries()).toContainEqual(
    expect.objectContaining({ source: 'cdn-api', event: 'purge-accepted', level: 'info' }),
  );
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.output()).not.toContain(header);
  expect(child.output()).not.toContain(token);
});

it('explains what is missing', async () => {
  const started = startChild({
    name: 'Front Door emulator',
    file,
    env: { EMULATOR_IDENTITY_HEADER: undefined },
  });

  await expect(started).rejects.toThrow(/EMULATOR_IDENTITY_HEADER is not set/u);
});
