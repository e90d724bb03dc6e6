// What stands in the poison queue, and how a replay finds the message in it again.

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { describeLongPoison, describePoison, readPoison } from '../../../src/lib/buffer/poison.ts';
import type { PoisonEntry } from '../../../src/lib/use-cases/ports.ts';
import { START_AT } from '../../support/fake-clock.ts';

const BLOB = 'poison-originals/11112222-3333-4444-5555-666677778888.txt';

const anEntry = (parts: Partial<PoisonEntry> = {}): PoisonEntry => ({
  text: 'message',
  reason: 'refused by the CDN',
  bufferedAt: START_AT,
  failedAttempts: 3,
  url: 'http://www.example.cn/a.txt',
  lastError: 'ParameterInvalid: no',
  ...parts,
});

const base64 = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64');
const jsonOf = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64').toString());
const Text = z.string();

describe('an entry', () => {
  it('has the message, the reason, the attempts, the last error and the times', () => {
    expect(jsonOf(Text.parse(describePoison(anEntry(), START_AT)))).toEqual({
      v: 1,
      reason: 'refused by the CDN',
      failedAttempts: 3,
      url: 'http://www.example.cn/a.txt',
      lastError: 'ParameterInvalid: no',
      bufferedAt: '2024-01-15T08:09:10.000Z',
      deadLetteredAt: '2024-01-15T08:09:10.000Z',
      message: 'message',
    });
  });

  it('that would not fit a queue message is not made', () => {
    expect(describePoison(anEntry({ text: 'x'.repeat(50_000) }), START_AT)).toBeUndefined();
    expect(describePoison(anEntry({ text: 'x'.repeat(48_000) }), START_AT)).toBeDefined();
  });

  it('names the blob of its message instead, keeps all the rest, and always fits', () => {
    const words = '\u0000'.repeat(100_000);
    const long = describeLongPoison(
      anEntry({ text: 'x'.repeat(65_536), reason: words, lastError: words }),
      START_AT,
      BLOB,
    );

    expect(long.length).toBeLessThanOrEqual(65_536);
    expect(jsonOf(long)).toMatchObject({ failedAttempts: 3, messageBlob: BLOB });
    expect(jsonOf(long)).not.toHaveProperty('message');
  });
});

describe('reading an entry gives', () => {
  it.each(['message', '', '"quoted" <xml>', '图片 🎉', '{"v":1}', base64({ v: 1, type: 'change' })])(
    'the message as it was: %j',
    (text) => {
      const entry = Text.parse(describePoison(anEntry({ text }), START_AT));
      expect(readPoison(entry)).toEqual({ kind: 'text', text });
    },
  );

  it('the blob that holds it', () => {
    expect(readPoison(describeLongPoison(anEntry(), START_AT, BLOB))).toEqual({ kind: 'blob', name: BLOB });
  });

  it.each([
    ['a text that is none', 'x'.repeat(60_000)],
    ['a message of the buffer', base64({ v: 1, type: 'request', request: '1', attempts: 0 })],
  ])('the text itself where it stands alone: %s', (_what, text) => {
    expect(readPoison(text)).toEqual({ kind: 'text', text });
  });

  const deadLetteredAt = '2024-01-15T08:09:10.000Z';
  it.each([
    ['of a newer version', { v: 2, deadLetteredAt, message: 'm' }],
    ['without a message', { v: 1, deadLetteredAt }],
    ['that names a blob of another kind', { v: 1, deadLetteredAt, messageBlob: 'requests/1.json' }],
    [
      'that names a blob by a way around',
      { v: 1, deadLetteredAt, messageBlob: 'poison-originals/../requests/1.txt' },
    ],
  ])('that it is not known: one %s', (_what, entry) => {
    expect(readPoison(base64(entry))).toEqual({ kind: 'unknown' });
  });

  it('what an older version has wrapped once more, since it took the entry for a message', () => {
    const inner = describeLongPoison(anEntry(), START_AT, BLOB);
    const outer = Text.parse(describePoison(anEntry({ text: inner }), START_AT));
    expect(readPoison(outer)).toEqual({ kind: 'blob', name: BLOB });
  });
});
