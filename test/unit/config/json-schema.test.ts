// The published JSON Schema, by which editors help to write the document.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { configurationJsonSchema } from '../../../src/lib/config/json-schema.ts';
import { aDocument, aDocumentWithCdn, aDocumentWithContainer, aDocumentWithSite, cdn } from './documents.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('docs/configuration.schema.json', () => {
  it('is what the code says (npm run config:schema writes it)', () => {
    expect(read('docs/configuration.schema.json')).toBe(configurationJsonSchema());
  });

  it('describes every property', () => {
    expect(undescribed(JSON.parse(configurationJsonSchema()), 'document')).toEqual([]);
  });

  const published = z.fromJSONSchema(JSON.parse(configurationJsonSchema()));

  it.each([
    ['the example', JSON.parse(read('examples/purge.config.json'))],
    ['the example of Front Door', JSON.parse(read('examples/front-door.config.json'))],
    ['a small document', aDocument()],
    ['a document with $schema', aDocument({ $schema: './configuration.schema.json' })],
    ['a host with its endpoint', aDocumentWithSite({ hosts: [{ host: 'www.example.cn' }] })],
  ])('takes %s', (_, document: unknown) => {
    expect(published.safeParse(document).error).toBeUndefined();
  });

  it.each([
    ['an unknown key', aDocument({ extra: 1 })],
    ['an unknown spelling', aDocumentWithContainer({ spellings: ['x'] })],
    ['a wildcard host', aDocumentWithSite({ hosts: ['*.example.cn'] })],
    ['a key instead of a setting’s name', aDocumentWithCdn({ keys: { ...cdn.keys, value: 'abc=' } })],
    ['half of a second key', aDocumentWithCdn({ keys: { ...cdn.keys, second: { id: 'NEXT_KEY_ID' } } })],
    ['a site without hosts', aDocumentWithSite({ hosts: undefined })],
    ['a container in capitals', aDocumentWithContainer({ container: 'Media' })],
  ])('refuses %s', (_, document) => {
    expect(published.safeParse(document).success).toBe(false);
  });
});

const Properties = z.object({
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
});

/** Gives the paths of all properties without a description. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {} } = Properties.safeParse(schema).data ?? {};
  return [
    ...Object.entries(properties)
      .filter(([, { description }]) => description === undefined)
      .map(([name]) => `${path}.${name}`),
    ...Object.entries(schema).flatMap(([name, below]) => undescribed(below, `${path}.${name}`)),
  ];
}
