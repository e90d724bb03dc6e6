// One log line, whatever is in it.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatLine } from '../../../src/lib/format-line.ts';

describe('a log line', () => {
  it.each([
    ['the message alone', 'Flushed.', undefined, 'Flushed.'],
    ['the message alone for no details', 'Flushed.', {}, 'Flushed.'],
    [
      'details as JSON',
      'Flushed.',
      { messages: 2, ok: true, id: 'a"b' },
      'Flushed. {"messages":2,"ok":true,"id":"a\\"b"}',
    ],
    ['no detail that is undefined', 'Flushed.', { id: undefined }, 'Flushed.'],
    ['the details that are given', 'Flushed.', { id: undefined, n: 0 }, 'Flushed. {"n":0}'],
    ['Chinese and emoji as they are', '首页 🎉', { name: '首页' }, '首页 🎉 {"name":"首页"}'],
    ['line breaks escaped', 'a\r\nb', { name: 'c\nd' }, 'a\\u000d\\u000ab {"name":"c\\nd"}'],
    ['terminal colours escaped', '\u001B[31mred', {}, '\\u001b[31mred'],
    ['C1 controls escaped', 'a\u009Bb', {}, 'a\\u009bb'],
    ['line separators escaped', 'a\u2028b', { name: 'c\u2029d' }, 'a\\u2028b {"name":"c\\u2029d"}'],
    [
      'marks that turn the text around escaped',
      'a\u202Egpj.txt',
      { name: '\u061C\u2066' },
      'a\\u202egpj.txt {"name":"\\u061c\\u2066"}',
    ],
    ['half of a surrogate pair escaped', 'a', { name: '\uD83C' }, 'a {"name":"\\ud83c"}'],
  ])('has %s', (_what, message, details, line) => {
    expect(formatLine(message, details)).toBe(line);
  });

  it('is one line of visible text', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        text,
        fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean()), { maxKeys: 3 }),
        (message, details) => {
          expect(formatLine(message, details)).not.toMatch(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
        },
      ),
    );
  });
});
