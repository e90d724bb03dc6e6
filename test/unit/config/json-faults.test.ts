// The places where a text fails to be JSON.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFaults } from '../../../src/lib/config/json-faults.ts';

describe('findJsonFaults', () => {
  it.each([
    ['', 1, 1, 'the text ends in the middle'],
    ['{"a":1} x', 1, 9, 'nothing may follow the document'],
    ['{"a":1\n,"b" 2}', 2, 6, ': is expected'],
    ['[1 2]', 1, 4, 'a comma or ] is expected'],
    ['[1,\r\n\r\n]', 3, 1, 'no comma may stand before ]'],
    ["{'a':1}", 1, 2, 'strings and keys stand in double quotes'],
    ['{a:1}', 1, 2, 'a key in double quotes is expected'],
    ['["a\nb"]', 1, 2, 'this string does not end, or holds what must be escaped'],
    ['[01]', 1, 2, 'a value is expected'],
    ['[truth]', 1, 2, 'a value is expected'],
    ['/* all */ 1', 1, 1, 'JSON has no comments'],
    ['['.repeat(1000), 1, 66, 'more than 64 levels deep'],
  ])('%j: line %i, column %i: %s', (text, line, column, message) => {
    expect(findJsonFaults(text)).toEqual([{ line, column, message }]);
  });

  it('finds each repeated key, also when it is written differently', () => {
    const text = String.raw`{"a":1,` + '\n' + String.raw`"\u0061":2,"b":{"a":1},"b":[]}`;
    expect(findJsonFaults(text).map(({ line, column }) => [line, column])).toEqual([
      [2, 1],
      [2, 24],
    ]);
  });

  it('takes a long string', () => {
    expect(findJsonFaults(`"${'x'.repeat(1024 * 1024)}"`)).toEqual([]);
  });

  it('agrees with JSON.parse on every text', () => {
    const nearlyJson = fc
      .tuple(fc.json(), fc.nat(), fc.nat({ max: 2 }), fc.constantFrom(...STRAY_TEXTS))
      .map(([json, at, cut, text]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + text + json.slice(place + cut);
      });
    fc.assert(
      fc.property(fc.oneof(fc.json(), nearlyJson, fc.string({ unit: 'binary' })), (text) => {
        const faults = findJsonFaults(text).filter(({ message }) => !message.includes('twice'));
        expect(faults.length === 0).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });
});

const STRAY_TEXTS = [
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  '\\u00e',
  '/',
  'e',
  '.',
  '-',
  '+',
  '0',
  'x',
  '\u0001',
  '\u007f',
  ' ',
  '\n',
];

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
