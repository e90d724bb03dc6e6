// Messages as each version wrote them are read for ever: a queue, a poison entry or a backlog may still hold them.
// No fixture is ever changed.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { decodeMessage, encodeMessage } from '../../../src/lib/buffer/message.schema.ts';
import { ok } from '../../../src/lib/core/result.ts';

const Fixtures = z.array(
  z.strictObject({ what: z.string(), text: z.string(), message: z.record(z.string(), z.unknown()) }),
);

const readFixtures = (name: string): z.infer<typeof Fixtures> =>
  Fixtures.parse(
    JSON.parse(readFileSync(new URL(`../../fixtures/messages/${name}.json`, import.meta.url), 'utf8')),
  );

const changed = (text: string, parts: object): string => {
  const json = z.record(z.string(), z.unknown()).parse(JSON.parse(Buffer.from(text, 'base64').toString()));
  return Buffer.from(JSON.stringify({ ...json, ...parts })).toString('base64');
};

describe.each(readFixtures('message-v1'))('a message of version 1: $what', ({ text, message }) => {
  it('is read', () => {
    const decoded = decodeMessage(text);
    expect(decoded).toEqual(ok(message));
  });

  it('is written as it was', () => {
    const decoded = decodeMessage(text);
    if (!decoded.ok) throw new Error('it is not even read');
    expect(encodeMessage(decoded.value)).toBe(text);
  });

  it('is left to a newer version when that wrote it, whatever it says', () => {
    expect(decodeMessage(changed(text, { v: 2, kind: 'new', type: 'new' }))).toEqual({
      ok: false,
      error: { kind: 'newer', version: 2 },
    });
  });
});
