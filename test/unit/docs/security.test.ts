// docs/security.md: each threat names what stands against it and a test that is there.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = new URL('../../../docs/security.md', import.meta.url);
const text = readFileSync(page, 'utf8');

const sectionOf = (heading: string): string =>
  text.split(/^## /mu).find((part) => part.startsWith(heading)) ?? '';

const threats = sectionOf('Threats\n')
  .split(/^### /mu)
  .slice(1)
  .map((part) => [part.split('\n', 1)[0] ?? '', part] as const);

describe('docs/security.md', () => {
  it('has the threats', () => {
    expect(threats.length).toBeGreaterThanOrEqual(10);
  });

  it.each(threats)('says of %s what stands against it, and names tests that are there', (_heading, part) => {
    expect(part).toMatch(/^- \S/mu);
    const [, shown = ''] = part.split('\nShown by: ');
    const files = [...shown.matchAll(/\]\((?<path>[^)]+)\)/gu)].map(({ groups }) => groups?.['path'] ?? '');
    expect(files).not.toEqual([]);
    for (const file of files) {
      expect(file).toMatch(/^\.\.\/test\/.+\.test\.ts$/u);
      expect(existsSync(new URL(file, page)), file).toBe(true);
    }
  });

  it('gives the roles that the templates give, to those whom they give them', () => {
    const made = readFileSync(new URL('../../../infra/README.md', import.meta.url), 'utf8');
    const rows = [
      ...sectionOf('Least roles').matchAll(
        /^\| (?<who>app|system topic|operator) \|[^|]+\| (?<role>[^|]+) \|/gmu,
      ),
    ];
    expect(rows.length).toBeGreaterThan(5);
    for (const { groups: { who = '', role = '' } = {} } of rows) {
      const theirs = made.split('\n').filter((line) => line.startsWith(`| ${who} |`));
      expect(theirs.join('\n')).toContain(role);
    }
  });
});
