// What Resource Manager and the provider refuse, in which words, and in which order.
import { describe, expect, it } from 'vitest';
import type { BehaviourPatch } from '../../dev/front-door-emulator/settings.ts';
import {
  callArm,
  media,
  purge,
  purgeTarget,
  startFrontDoor,
  subscription,
  web,
} from './front-door-support.ts';

const order = JSON.stringify({ contentPaths: ['/a.txt'], domains: [web] });

it('takes a purge by its address in any case', async () => {
  const frontDoor = await startFrontDoor();
  const [path = '', query = ''] = purgeTarget().split('?');

  const answer = await callArm(frontDoor, `${path.toUpperCase()}?${query}`, { method: 'POST', body: order });

  expect(answer.status).toBe(202);
  expect(frontDoor.emulator.control.purges()).toMatchObject([
    { profile: 'afd-local', endpoint: 'contoso', domains: [web], paths: ['/a.txt'] },
  ]);
});

describe('an address', () => {
  it.each([
    {
      what: 'no api-version',
      replace: ['?api-version=2024-09-01', ''],
      code: 'MissingApiVersionParameter',
      status: 400,
    },
    {
      what: 'an api-version that is not offered',
      replace: ['2024-09-01', '2017-10-12'],
      code: 'InvalidApiVersionParameter',
      status: 400,
    },
    {
      what: 'an unknown subscription',
      replace: [subscription, subscription.replace('2', '9')],
      code: 'SubscriptionNotFound',
      status: 404,
    },
    {
      what: 'an unknown resource group',
      replace: ['rg-local', 'rg-nowhere'],
      code: 'ResourceGroupNotFound',
      status: 404,
    },
    {
      what: 'an unknown profile',
      replace: ['afd-local', 'afd-nowhere'],
      code: 'ParentResourceNotFound',
      status: 404,
    },
    { what: 'an unknown endpoint', replace: ['contoso', 'fabrikam'], code: 'ResourceNotFound', status: 404 },
    {
      what: 'another provider',
      replace: ['Microsoft.Cdn', 'Microsoft.Web'],
      code: 'InvalidResourceType',
      status: 404,
    },
  ])('with $what is refused', async ({ replace: [from = '', to = ''], code, status }) => {
    const frontDoor = await startFrontDoor();

    const answer = await callArm(frontDoor, purgeTarget().replace(from, to), { method: 'POST', body: order });

    expect(answer).toMatchObject({ status, code });
    expect(frontDoor.emulator.control.purges()).toEqual([]);
  });

  it('asked by another method is refused', async () => {
    const answer = await callArm(await startFrontDoor(), purgeTarget());

    expect(answer).toMatchObject({ status: 405, code: 'MethodNotAllowed', headers: { allow: 'POST' } });
  });
});

describe('a caller', () => {
  it.each([
    { what: 'without token', header: null, code: 'AuthenticationFailed' },
    { what: 'with another scheme', header: 'Basic abc', code: 'AuthenticationFailedInvalidHeader' },
    { what: 'with a made-up token', header: 'Bearer a.b.c', code: 'InvalidAuthenticationToken' },
    {
      what: 'whose signature is as long as a true one, and has more bytes',
      header: `Bearer a.b.${'é'.repeat(43)}`,
      code: 'InvalidAuthenticationToken',
    },
  ])('$what is refused', async ({ header, code }) => {
    const frontDoor = await startFrontDoor();

    const answer = await callArm(frontDoor, purgeTarget(), {
      method: 'POST',
      body: order,
      headers: { authorization: header },
    });

    expect(answer).toMatchObject({ status: 401, code });
    expect(answer.headers['www-authenticate']).toContain('Bearer');
  });

  it('is refused once the token has ended', async () => {
    const frontDoor = await startFrontDoor();
    const headers = { authorization: `Bearer ${frontDoor.emulator.issueToken({ lifetimeSeconds: 60 })}` };

    expect((await purge(frontDoor, { contentPaths: ['/a'] }, { headers })).status).toBe(202);
    frontDoor.passRealMs(60_000);
    expect(await purge(frontDoor, { contentPaths: ['/a'] }, { headers })).toMatchObject({
      status: 401,
      code: 'ExpiredAuthenticationToken',
    });
  });

  it('is refused with a token of another cloud, and both are named', async () => {
    const frontDoor = await startFrontDoor();
    const audience = 'https://management.chinacloudapi.cn';
    const headers = { authorization: `Bearer ${frontDoor.emulator.issueToken({ audience })}` };

    const answer = await purge(frontDoor, { contentPaths: ['/a'] }, { headers });

    expect(answer).toMatchObject({ status: 401, code: 'InvalidAuthenticationTokenAudience' });
    expect(answer.message).toContain(audience);
    expect(answer.message).toContain('https://management.azure.com');
  });

  it('is refused with every token of before, once these are revoked', async () => {
    const frontDoor = await startFrontDoor();
    const headers = { authorization: `Bearer ${frontDoor.emulator.issueToken()}` };

    frontDoor.emulator.control.revokeTokens();

    expect((await purge(frontDoor, { contentPaths: ['/a'] }, { headers })).status).toBe(401);
    expect((await purge(frontDoor, { contentPaths: ['/a'] })).status).toBe(202);
  });

  it('without the role is told which action it lacks, and where', async () => {
    const action = 'Microsoft.Cdn/profiles/afdendpoints/Purge/action';
    const frontDoor = await startFrontDoor({ behaviour: { missingActions: [action] } });

    const answer = await purge(frontDoor, { contentPaths: ['/a'] });

    expect(answer).toMatchObject({ status: 403, code: 'AuthorizationFailed' });
    expect(answer.message).toContain(`'${action}'`);
    expect(answer.message).toMatch(/over scope '\/subscriptions\/.*\/afdEndpoints\/contoso'/u);
  });
});

async function takes(contentPaths: readonly string[], behaviour: BehaviourPatch = {}): Promise<unknown> {
  const frontDoor = await startFrontDoor({ behaviour });
  const { status, message } = await purge(frontDoor, { contentPaths, domains: [web] });
  return status === 202 ? 'taken' : message;
}

describe('a path', () => {
  it.each([
    '/',
    '/*',
    '/a.txt',
    '/dir/*',
    '/a%20b.txt',
    '/%E4%BA%A7.html',
    '/star%2A.txt',
    '/%24web/a',
    '//a//b',
  ])('%s is taken', async (path) => {
    expect(await takes([path])).toBe('taken');
  });

  it.each([
    '/$web/*',
    '/$web/a.txt',
    'a.txt',
    'C:/Program Files/Git/x',
    'https://www.contoso.localhost/a.txt',
    '/dir*',
    '/dir/*.jpg',
    '/*/a.jpg',
    '/a b.txt',
    '/a?b=c',
    '/a#b',
    '/a/../b',
    '/a/%2E%2E/b',
    '/broken%',
    String.raw`/back\slash`,
    '',
  ])('%j is refused in the words of the service', async (path) => {
    expect(await takes(['/good', path])).toBe(
      `Invalid ContentPath "${path}". ContentPath for purge action must be a relative path: either for a single resource "/path/pic.jpg" or a wild card "/path/*".`,
    );
  });

  it('may have a query where that is switched on', async () => {
    expect(await takes(['/a?b=c'], { refuseQuery: false })).toBe('taken');
  });

  it('must be percent-encoded where that is switched on', async () => {
    expect(await takes(['/产品'])).toBe('taken');
    expect(await takes(['/产品'], { refuseUnencoded: true })).toContain('Invalid ContentPath');
    expect(await takes(['/%E4%BA%A7'], { refuseUnencoded: true })).toBe('taken');
  });

  it('is one of a hundred at most', async () => {
    const paths = Array.from({ length: 101 }, (_, index) => `/${index}`);

    expect(await takes(paths.slice(1))).toBe('taken');
    expect(await takes(paths)).toContain('101 paths');
  });
});

describe('a body', () => {
  it.each([
    { what: 'no paths', body: '{"contentPaths":[]}', status: 400, code: 'BadRequest' },
    { what: 'no list of paths', body: '{"domains":[]}', status: 400, code: 'BadRequest' },
    { what: 'paths that are not texts', body: '{"contentPaths":[1]}', status: 400, code: 'BadRequest' },
    { what: 'something else than JSON', body: 'paths', status: 400, code: 'InvalidRequestContent' },
    {
      what: 'an unknown domain',
      body: '{"contentPaths":["/a"],"domains":["www.fabrikam.localhost"]}',
      status: 400,
      code: 'BadRequest',
    },
    {
      what: 'a wildcard domain',
      body: '{"contentPaths":["/a"],"domains":["*.shops.localhost"]}',
      status: 400,
      code: 'BadRequest',
    },
    {
      what: 'a domain two levels below a wildcard',
      body: '{"contentPaths":["/a"],"domains":["a.b.shops.localhost"]}',
      status: 400,
      code: 'BadRequest',
    },
  ])('with $what is refused', async ({ body, status, code }) => {
    const answer = await callArm(await startFrontDoor(), purgeTarget(), { method: 'POST', body });

    expect(answer).toMatchObject({ status, code });
  });

  it('may name domains in any case, one under a wildcard, and the host of the endpoint', async () => {
    const domains = [
      'WWW.contoso.localhost',
      media,
      'berlin.shops.localhost',
      'contoso-a1b2c3.z01.azurefd.localhost',
    ];

    expect((await purge(await startFrontDoor(), { contentPaths: ['/a'], domains })).status).toBe(202);
  });

  it('must say that it is JSON', async () => {
    const headers = { 'content-type': 'text/plain' };

    expect((await purge(await startFrontDoor(), { contentPaths: ['/a'] }, { headers })).status).toBe(415);
  });

  it('may not be too large', async () => {
    const frontDoor = await startFrontDoor({ behaviour: { maxBodyBytes: 50 } });

    expect((await purge(frontDoor, { contentPaths: ['/'.padEnd(60, 'a')] })).status).toBe(413);
  });
});
