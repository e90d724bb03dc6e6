// The Chinese pages follow the English ones. What can be compared without reading is compared, section by section.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { inlineCode, readMarkdown } from '../../support/markdown.ts';

const root = new URL('../../../', import.meta.url);
const TRANSLATED = [
  ['README.md', 'docs/zh-CN/README.md'],
  ['docs/configuration.md', 'docs/zh-CN/configuration.md'],
  ['docs/operations.md', 'docs/zh-CN/operations.md'],
  ['docs/runbook.md', 'docs/zh-CN/runbook.md'],
] as const;
const englishOf = new Map<string, string>(TRANSLATED.map(([english, chinese]) => [chinese, english]));

describe.each(TRANSLATED)('%s and %s', (englishPath, chinesePath) => {
  const english = readMarkdown(new URL(englishPath, root));
  const chinese = readMarkdown(new URL(chinesePath, root));
  const sections = ['before any heading', ...english.headings.map(({ title }) => title)];

  it('have the same headings', () => {
    const told = chinese.headings.map(({ level, title }) => `${level} ${title}`);
    expect(
      chinese.headings.map(({ level }) => level),
      told.join('\n'),
    ).toEqual(english.headings.map(({ level }) => level));
  });

  it('have the same blocks of code', () => {
    expect(chinese.codeBlocks).toEqual(english.codeBlocks);
  });

  it.each(sections.map((title, index) => [title, index] as const))(
    'have in “%s” the same terms, rows and items',
    (_title, index) => {
      expect(shapeOf(chinese.sections[index] ?? '')).toEqual(shapeOf(english.sections[index] ?? ''));
    },
  );

  it('link to the same places', () => {
    expect(placesOf(chinese.links, chinesePath)).toEqual(placesOf(english.links, englishPath));
  });

  it('are in their languages', () => {
    const notYet = sections.filter(
      (_title, index) => han(chinese.sections[index] ?? '') < words(english.sections[index] ?? '') / 2,
    );
    expect(notYet).toEqual([]);
    expect(han(english.sections.join(''))).toBeLessThan(10);
  });
});

describe('docs/zh-CN/alerts.md', () => {
  const template = readFileSync(new URL('infra/modules/monitoring.bicep', root), 'utf8');
  const alerts = [
    ...template.matchAll(/^ +name: '(?<name>[a-z-]+)'\n +title: '(?<title>(?:[^'\\]|\\.)+)'$/gmu),
  ].map(({ groups }) => [groups?.['name'] ?? '', (groups?.['title'] ?? '').replaceAll('\\', '')] as const);
  const page = readFileSync(new URL('docs/zh-CN/alerts.md', root), 'utf8');

  it('knows the alerts', () => {
    expect(alerts.length).toBeGreaterThan(10);
    const rows = page.match(/^\| `/gmu) ?? [];
    // That of the system topic's metric has no query, and stands apart in the template.
    expect(rows).toHaveLength(alerts.length + 1);
  });

  it.each([...alerts, ['events-dropped', 'Event Grid dropped events']] as const)(
    'has the text of %s, and where the runbook has more of it',
    (name, title) => {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` | ${title} | `)) ?? '';
      expect(row).toMatch(/\| [^|]*\p{Script=Han}[^|]* \| \[[^\]]+\]\(runbook\.md#[^)]+\) \|$/u);
      expect(row).toContain(`${name})`);
    },
  );
});

const han = (text: string): number => told(text).match(/\p{Script=Han}/gu)?.length ?? 0;
const words = (text: string): number => told(text).match(/[a-z]+/giu)?.length ?? 0;

/** Without what is the same in every language: code, and the names of links. */
function told(text: string): string {
  return text.replaceAll(/`[^`]*`/gu, '').replaceAll(/\[[^\]]*\]\([^)]*\)/gu, '');
}

function placesOf(links: readonly string[], path: string): readonly string[] {
  return links.map((link) => placeOf(link, new URL(path, root))).toSorted((a, b) => a.localeCompare(b));
}

function shapeOf(section: string): object {
  return {
    terms: inlineCode(section).toSorted((a, b) => a.localeCompare(b)),
    rows: section.match(/^ *\|/gmu)?.length ?? 0,
    items: section.match(/^ *(?:-|\d+\.) /gmu)?.length ?? 0,
  };
}

/** The page, by its English name if it has two, and which of its headings. */
function placeOf(link: string, page: URL): string {
  if (/^[a-z]+:/u.test(link)) return link;
  const target = new URL(link, page);
  const anchor = decodeURIComponent(target.hash.slice(1));
  target.hash = '';
  const path = fileURLToPath(target).slice(fileURLToPath(root).length);
  const name = englishOf.get(path) ?? path;
  if (anchor === '' || !existsSync(target)) return name;
  const at = readMarkdown(target).headings.findIndex((heading) => heading.anchor === anchor);
  return `${name} heading ${at}`;
}
