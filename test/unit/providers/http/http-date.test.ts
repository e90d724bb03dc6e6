// The dates of HTTP headers: one form, and nothing else that a date parser would make a date of.

import { expect, it } from 'vitest';

import { parseHttpDate } from '../../../../src/lib/providers/http/http-date.ts';

it.each([
  ['Mon, 15 Jan 2024 08:09:10 GMT', Date.UTC(2024, 0, 15, 8, 9, 10)],
  [' Mon, 15 Jan 2024 08:09:10 GMT ', Date.UTC(2024, 0, 15, 8, 9, 10)],
  ['Mon, 99 Foo 2024 08:09:10 GMT', undefined],
  ['Mon, 15 Jan 2024 08:09:10 +0800', undefined],
  ['2024-01-15T08:09:10Z', undefined],
  ['1.5', undefined],
  ['', undefined],
  [undefined, undefined],
])('reads %j as %s', (text, at) => {
  expect(parseHttpDate(text)).toBe(at);
});
