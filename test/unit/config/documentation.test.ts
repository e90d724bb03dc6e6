// docs/configuration.md says what the code does.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseConfigurationText } from '../../../src/lib/config/configuration.ts';
import { configurationJsonSchema } from '../../../src/lib/config/json-schema.ts';
import { SPELLINGS, spellPath } from '../../../src/lib/core/cdn-url.ts';
import { problems } from './outcome.ts';

const text = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');

describe('docs/configuration.md', () => {
  const spellingRows = [
    ...text.matchAll(
      /^\| `(?<name>[^`]+)` \| (?<spelled>(?:`\/[^|]+|none)(?: \| (?:`\/[^|]+|none)){2}) \|$/gmu,
    ),
  ];

  it('has a table of spellings', () => {
    expect(spellingRows.length).toBeGreaterThan(5);
  });

  it.each(spellingRows.map(({ groups }) => [groups?.['name'] ?? '', groups?.['spelled'] ?? '']))(
    'spells %s as the code does',
    (name, spelled) => {
      const expected = SPELLINGS.map((spelling) => spellPath(`/${name}`, spelling));
      expect(spelled.split(' | ')).toEqual(
        expected.map((path) => (path === undefined ? 'none' : `\`${path}\``)),
      );
    },
  );

  const shown = [...text.matchAll(/```json\n(?<json>.*?)```/gsu)].map(({ groups }) => groups?.['json'] ?? '');

  it('shows a document for each kind of CDN', () => {
    expect(shown).toHaveLength(2);
  });

  it.each(shown)('shows a document that is right: %s', (json) => {
    expect(problems(parseConfigurationText(json))).toEqual([]);
  });

  it('names every property of the document', () => {
    const missing = propertyNames(JSON.parse(configurationJsonSchema())).filter(
      (name) => !new RegExp(`[\`."]${name.replace('$', String.raw`\$`)}[\`".]`, 'u').test(text),
    );
    expect(missing).toEqual([]);
  });
});

describe('docs/migrate-to-front-door.md', () => {
  const steps = readFileSync(new URL('../../../docs/migrate-to-front-door.md', import.meta.url), 'utf8');
  const { json = '' } = /```json\n(?<json>.*?)```/su.exec(steps)?.groups ?? {};

  it('shows a document that has its host on both CDNs', () => {
    const parsed = parseConfigurationText(json);
    expect(problems(parsed)).toEqual([]);
    expect(parsed.ok && parsed.value.hosts.get('www.contoso.cn')?.servedBy.map(({ cdn }) => cdn)).toEqual([
      'china',
      'front-door',
    ]);
  });
});

const Properties = z.object({ properties: z.record(z.string(), z.unknown()) });

function propertyNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = Object.keys(Properties.safeParse(schema).data?.properties ?? {});
  return [...own, ...Object.values(schema).flatMap(propertyNames)];
}
