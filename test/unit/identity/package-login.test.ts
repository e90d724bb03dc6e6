// Logins by @azure/identity: the package is optional, and loaded only when a token is asked for.

import { describe, expect, it } from 'vitest';

import { packageLogin, type LoginPackage } from '../../../src/lib/identity/package-login.ts';

const OPTIONS = { authority: 'https://login.chinacloudapi.cn', clientId: undefined };
const ARM = 'https://management.chinacloudapi.cn';

/** A package whose login gives `answer`, and what was asked of it. */
function fakePackage(answer: () => Promise<{ token: string; expiresOnTimestamp: number }>) {
  const asked: unknown[] = [];
  const load = async (): Promise<LoginPackage> => {
    asked.push('loaded');
    return {
      DefaultAzureCredential: class {
        constructor(options: unknown) {
          asked.push(options);
        }
        getToken(scope: string) {
          asked.push(scope);
          return answer();
        }
      },
    };
  };
  return { load, asked };
}

describe('a login', () => {
  it('is made at the authority of the cloud, for the scope of what the token is for', async () => {
    const { load, asked } = fakePackage(async () => ({ token: 'a-token', expiresOnTimestamp: 7_000 }));
    const getToken = packageLogin({ ...OPTIONS, clientId: 'an-id' }, load);
    expect(asked).toEqual([]);
    expect(await getToken(ARM)).toEqual({ ok: true, value: { value: 'a-token', expiresAt: 7_000 } });
    await getToken(`${ARM}/`);
    expect(asked).toEqual([
      'loaded',
      { authorityHost: OPTIONS.authority, managedIdentityClientId: 'an-id' },
      `${ARM}/.default`,
      `${ARM}/.default`,
    ]);
  });

  it('that fails says in one line what the package tried', async () => {
    const { load } = fakePackage(() => Promise.reject(new Error('tried a\n  tried b')));
    expect(await packageLogin(OPTIONS, load)(ARM)).toEqual({
      ok: false,
      error: { kind: 'refused', detail: 'no login by @azure/identity: Error: tried a tried b' },
    });
  });

  it('without the package says what to install', async () => {
    const notFound = Object.assign(new Error("Cannot find package '@azure/identity'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const getToken = packageLogin(OPTIONS, () => Promise.reject(notFound));
    expect(await getToken(ARM)).toMatchObject({
      ok: false,
      error: { kind: 'refused', detail: expect.stringContaining('npm install @azure/identity') },
    });
  });

  it('is made by the package itself where it is installed, and a bad authority is told', async () => {
    const getToken = packageLogin({ ...OPTIONS, authority: 'http://login.example' });
    expect(await getToken(ARM)).toMatchObject({
      ok: false,
      error: { kind: 'refused', detail: expect.stringMatching(/^no login by @azure\/identity: .*https/u) },
    });
  });
});
