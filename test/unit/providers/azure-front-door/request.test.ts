// The request for a purge: paths as the edge knows them, and every host by name.

import { describe, expect, it } from 'vitest';

import { cdnUrl, spellPath } from '../../../../src/lib/core/cdn-url.ts';
import { describeProgress, describePurge } from '../../../../src/lib/providers/azure-front-door/request.ts';
import { aFrontDoor, SUBSCRIPTION } from '../../../support/builders.ts';

const url = (path: string, host = 'www.example.cn', scheme: 'http' | 'https' = 'http') =>
  cdnUrl(scheme, host, path);

function bodyOf(files: readonly string[], directories: readonly string[] = []): unknown {
  const purge = {
    endpointId: 'www',
    files: files.map((path) => url(path)),
    directories: directories.map((path) => url(path)),
  };
  return JSON.parse(describePurge(aFrontDoor(), purge).body ?? '');
}

describe('a purge', () => {
  it('goes to the endpoint of the profile, by the API version of the configuration', () => {
    const request = describePurge(aFrontDoor(), { endpointId: 'www', files: [url('/a')], directories: [] });
    expect(request.method).toBe('POST');
    expect(request.url.href).toBe(
      `https://management.azure.com/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Cdn` +
        '/profiles/contoso/afdEndpoints/www/purge?api-version=2024-09-01',
    );
  });

  it('escapes the name of a resource group', () => {
    const cdn = aFrontDoor({ resourceGroup: 'rg (网站)' });
    const { url: address } = describePurge(cdn, { endpointId: 'www', files: [url('/a')], directories: [] });
    expect(address.pathname).toContain('/resourceGroups/rg%20(%E7%BD%91%E7%AB%99)/providers/');
  });

  it('names each path and each host once, whatever the scheme', () => {
    const files = [url('/a'), url('/a', 'media.example.cn'), url('/a', 'www.example.cn', 'https'), url('/b')];
    const { body } = describePurge(aFrontDoor(), {
      endpointId: 'www',
      files,
      directories: [url('/d/', 'docs.example.cn')],
    });
    expect(JSON.parse(body ?? '')).toEqual({
      contentPaths: ['/a', '/b', '/d/*'],
      domains: ['www.example.cn', 'media.example.cn', 'docs.example.cn'],
    });
  });

  it.each([
    ['a file', ['/a/b.txt'], [], ['/a/b.txt']],
    ['the file that answers for a directory', ['/a/'], [], ['/a/']],
    ['a directory', [], ['/a/b/'], ['/a/b/*']],
    ['everything', [], ['/'], ['/*']],
    ['a query, which Front Door refuses and purges along', ['/a?v=1', '/a?v=2'], [], ['/a']],
    [
      'a dollar sign, which Front Door refuses',
      ['/$web/a$.txt', '/%24b'],
      ['/$logs/'],
      ['/%24web/a%24.txt', '/%24b', '/%24logs/*'],
    ],
    ['an asterisk that is no wildcard', ['/a*.txt', '/%2A'], ['/b*c/'], ['/a%2A.txt', '/%2A', '/b%2Ac/*']],
    ['an escaped question mark, which is no query', ['/a%3Fb'], [], ['/a%3Fb']],
  ])('of %s', (_what, files, directories, contentPaths) => {
    expect(bodyOf(files, directories)).toEqual({ contentPaths, domains: ['www.example.cn'] });
  });

  it.each([
    'with space.txt',
    '中文/图片.png',
    '😀.txt',
    '100%.txt',
    'a%20b.txt',
    '#tag.txt',
    'question?.txt',
    "it's (a) file!.txt",
  ])('of a blob named %j is spelled as the mapping spelled it', (name) => {
    const spelled = (['link', 'component', 'raw'] as const).flatMap(
      (spelling) => spellPath(`/${name}`, spelling) ?? [],
    );
    expect(bodyOf(spelled)).toMatchObject({ contentPaths: [...new Set(spelled)] });
  });
});

it('asks for progress where the API said, byte for byte, and keeps the query out of telemetry', () => {
  const address =
    'https://management.azure.com/x/operationresults/1?api-version=2024-09-01&t=1&c=a%2Fb&s=%2b';
  const request = describeProgress(new URL(address));
  expect(request).toMatchObject({ method: 'GET', body: undefined, hasSecretQuery: true });
  expect(request.url.href).toBe(address);
});
