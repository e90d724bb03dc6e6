// The tables of functions, app settings and events name what the code has, with its defaults.

import { globSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { DEFAULT_RECORDS_CONTAINER } from '../../../src/lib/config/environment.ts';
import { EVENT_PROPERTIES } from '../../../src/lib/use-cases/telemetry-contract.ts';
import { inlineCode } from '../../support/markdown.ts';

const root = new URL('../../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('the table of functions', () => {
  const page = textOf('docs/operations.md');
  const registered = globSync('src/functions/*.ts', { cwd: root }).flatMap((path) =>
    [...textOf(path).matchAll(/\bapp\.(?:http|timer|eventGrid)\('(?<name>[a-z-]+)'/gu)].map(
      ({ groups }) => groups?.['name'] ?? '',
    ),
  );

  it('is read from code that registers some', () => {
    expect(registered.length).toBeGreaterThan(10);
  });

  it('has each of them, and no other', () => {
    const [, section = ''] = page.split('## Functions\n');
    const rows = [...(section.split('\n## ', 1)[0] ?? '').matchAll(/^\| `(?<name>[a-z-]+)` \|/gmu)];
    expect(sorted(rows.map(({ groups }) => groups?.['name'] ?? ''))).toEqual(sorted(registered));
  });
});

describe('the table of app settings', () => {
  const rows = [
    ...textOf('docs/configuration.md').matchAll(/^\| `(?<name>[A-Z_<>]+)` \| (?<standard>[^|]+) \|/gmu),
  ];
  const documented = new Map(rows.map(({ groups }) => [groups?.['name'] ?? '', groups?.['standard'] ?? '']));
  const code = textOf('src/lib/config/environment.ts');
  /** Each is one property of the schema; its default, if it has one, is the last call on it. */
  const settings = [
    ...code.matchAll(/^ {2}(?<name>PURGE_[A-Z_]+): (?<made>[^;]*?)(?=,\n {2}(?:\/\/|[A-Z])|,\n\}\))/gmsu),
  ].map(({ groups }) => {
    const { made = '' } = groups ?? {};
    return [groups?.['name'] ?? '', /\.default\((?<value>[^)]+)\)$/u.exec(made)?.groups?.['value']] as const;
  });

  it('is read from code that has some', () => {
    expect(settings.length).toBeGreaterThan(10);
  });

  it.each(settings)('has %s, with its default %s', (name, value) => {
    const named = value === 'DEFAULT_RECORDS_CONTAINER' ? DEFAULT_RECORDS_CONTAINER : value;
    const shown = documented.get(name)?.replaceAll('`', '');
    expect(shown).toBeDefined();
    // One without a default is needed or left out: the table says which in words.
    expect(shown).toBe(named?.replaceAll(/^'|'$/gu, '') ?? shown);
  });
});

describe('the table of events', () => {
  it('has each of them, and no other', () => {
    const [, section = ''] = textOf('docs/operations.md').split('custom events and no others');
    const cells = [...section.matchAll(/^\| (?<names>`[^|]+) \|/gmu)].map(
      ({ groups }) => groups?.['names'] ?? '',
    );
    expect(sorted(cells.flatMap(inlineCode))).toEqual(sorted(Object.keys(EVENT_PROPERTIES)));
  });
});

const sorted = (names: readonly string[]): readonly string[] => names.toSorted((a, b) => a.localeCompare(b));
