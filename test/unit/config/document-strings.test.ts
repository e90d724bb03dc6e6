// What each meaningful string of the document may be.

import { describe, expect, it } from 'vitest';
import {
  parseApiBaseUrl,
  parseContainer,
  parseHostName,
  parseIndexDocument,
  parseServedPath,
  parseStripPrefix,
} from '../../../src/lib/config/document-strings.ts';

describe('a host name', () => {
  it.each([
    ['WWW.Example.CN', 'www.example.cn'],
    ['media.contoso.localhost', 'media.contoso.localhost'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1.example.cn', '1.example.cn'],
  ])('%s is used as %s', (text, host) => {
    expect(parseHostName(text)).toEqual({ ok: true, value: host });
  });

  it.each([
    '',
    'www',
    '*.example.cn',
    'http://www.example.cn',
    'www.example.cn:80',
    'www.example.cn/',
    'www.example.cn?a',
    'user@www.example.cn',
    'www.example.cn.',
    'www..cn',
    '-a.example.cn',
    'a_b.example.cn',
    '127.0.0.1',
    '[::1]',
    'www example.cn',
    'www.example.cn\n',
    `${'a'.repeat(64)}.cn`,
  ])('%j is none', (text) => {
    expect(parseHostName(text).ok).toBe(false);
  });
});

describe('the address of the API', () => {
  it.each([
    ['https://restapi.cdn.azure.cn/', 'https://restapi.cdn.azure.cn'],
    ['HTTPS://Gateway.Example/cdn//', 'https://gateway.example/cdn'],
    ['http://127.0.0.1:7081', 'http://127.0.0.1:7081'],
    ['http://127.9.8.7/', 'http://127.9.8.7'],
    ['http://[::1]:7081/', 'http://[::1]:7081'],
    ['http://localhost:7081', 'http://localhost:7081'],
    ['http://api.localhost:7081', 'http://api.localhost:7081'],
  ])('%s is used as %s', (text, url) => {
    expect(parseApiBaseUrl(text)).toEqual({ ok: true, value: url });
  });

  it.each([
    'restapi.cdn.azure.cn',
    'ftp://restapi.cdn.azure.cn',
    'http://restapi.cdn.azure.cn',
    'http://127.0.0.1.example.cn',
    'http://localhost.example.cn',
    'http://notlocalhost',
    'http://[::2]/',
    'https://user:secret@example.cn',
    'https://user@example.cn',
    'https://example.cn/?a=1',
    'https://example.cn/?',
    'https://example.cn/#a',
    'https://',
  ])('%s is refused', (text) => {
    expect(parseApiBaseUrl(text).ok).toBe(false);
  });
});

describe('a container', () => {
  it.each(['abc', '$web', '$root', 'a-b-c', '1a2', '*', 'thumbs-*', '*-a-*', 'a'.repeat(63)])(
    '%s is taken',
    (text) => {
      expect(parseContainer(text).ok).toBe(true);
    },
  );

  it.each(['', 'ab', 'Abc', 'a--b', '-abc', 'abc-', 'a_b', '$logs', '$*', 'a/b', 'a'.repeat(64)])(
    '%j is refused',
    (text) => {
      expect(parseContainer(text).ok).toBe(false);
    },
  );
});

describe('a served path', () => {
  it.each(['/', '/media/', '/a b/图片/', '/a+%b/'])('%s is taken', (text) => {
    expect(parseServedPath(text)).toEqual({ ok: true, value: text });
  });

  it.each([
    '',
    'media/',
    '/media',
    '//',
    '/a//b/',
    '/../',
    '/a/./',
    '/a%20b/',
    '/a?/',
    '/#/',
    '/a\\b/',
    '/*/',
    '/\u0001/',
    '/\u{D800}/',
  ])('%j is refused', (text) => {
    expect(parseServedPath(text).ok).toBe(false);
  });
});

describe('a prefix to strip', () => {
  it.each(['public/', 'a/b/', 'a b%20#/'])('%s is taken', (text) => {
    expect(parseStripPrefix(text)).toEqual({ ok: true, value: text });
  });

  it.each(['', '/', '/public/', 'public', '../', 'a/./'])('%j is refused', (text) => {
    expect(parseStripPrefix(text).ok).toBe(false);
  });
});

describe('an index document', () => {
  it.each([
    ['default.htm', true],
    ['', false],
    ['a/index.html', false],
    ['..', false],
  ])('%j: %s', (text, expected) => {
    expect(parseIndexDocument(text).ok).toBe(expected);
  });
});
