// The search for leaked secrets finds what it must: else a silent search would prove nothing.

import { describe, expect, test } from 'vitest';

import { findLeaks, readAccount, unwrapped } from '../support/stack-canary.ts';
import { azuritePlaces } from '../support/azurite-places.ts';

const secrets = { 'the key': 'A+very/long=secret+value/of0123456789==' };
const hex = '0123456789ABCDEF'.repeat(4);

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

describe('the canary search', () => {
  test.each([
    { what: 'a secret', text: `Bearer ${secrets['the key']}.`, leak: 'the key' },
    { what: 'a secret in a URL', text: `?code=${encodeURIComponent(secrets['the key'])}`, leak: 'the key' },
    { what: 'the beginning of a secret', text: secrets['the key'].slice(0, 22), leak: 'the key' },
    { what: 'the end of a secret', text: secrets['the key'].slice(-22), leak: 'the key' },
    {
      what: 'an Authorization header',
      text: `AzureCDN id:${hex.toLowerCase()}`,
      leak: 'an Authorization header of the CDN',
    },
    { what: 'a signature alone', text: `"${hex}"`, leak: 'a signature' },
    {
      what: 'a connection string',
      text: 'AccountName=a;AccountKey=b',
      leak: 'a storage connection string',
    },
  ])('finds $what, and does not repeat it', ({ text, leak }) => {
    expect(findLeaks([{ where: 'a log', text }], secrets)).toEqual([`${leak} in a log`]);
  });

  test.each(['', 'the key', hex.toLowerCase(), `${hex}0`])('finds nothing in %j', (text) => {
    expect(findLeaks([{ where: 'a log', text }], secrets)).toEqual([]);
  });

  test('looks into messages, and into the message within a dead letter', () => {
    const deadLetter = base64({ message: base64({ note: secrets['the key'] }) });

    expect(findLeaks([{ where: 'a queue', text: unwrapped(deadLetter) }], secrets)).toEqual([
      'the key in a queue',
    ]);
  });

  test('reads every blob and every message of an account', async () => {
    const { connectionString, freshContainer, freshQueue } = azuritePlaces();
    const container = freshContainer();
    const queue = freshQueue();
    await Promise.all([container.create(), queue.create()]);
    await container.getBlockBlobClient('a.txt').upload(`x ${secrets['the key']}`, 41);
    await Promise.all(
      Array.from({ length: 33 }, () => queue.sendMessage(Buffer.from(secrets['the key']).toString('base64'))),
    );

    const texts = await readAccount(connectionString, (place) =>
      [container.containerName, queue.name].includes(place),
    );

    expect(findLeaks(texts, secrets)).toEqual([
      `the key in blob ${container.containerName}/a.txt`,
      `the key in message in ${queue.name}`,
    ]);
    expect(texts.filter(({ where }) => where === `message in ${queue.name}`)).toHaveLength(33);
  });
});
