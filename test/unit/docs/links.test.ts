// No document links to a page or to a heading that is not there.

import { existsSync, globSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { readMarkdown } from '../../support/markdown.ts';

const root = new URL('../../../', import.meta.url);
const pages = globSync(['*.md', '{docs,infra,dev,bench,test,packaging,examples,.github}/**/*.md'], {
  cwd: root,
}).map((path) => path.replaceAll('\\', '/'));

describe('the documents', () => {
  it('are there', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/configuration.md', 'docs/costs.md']));
  });

  it.each(pages)('%s links only to what is there', (path) => {
    const page = new URL(path, root);
    const dead = readMarkdown(page).links.filter((link) => isDead(link, page));
    expect(dead).toEqual([]);
  });

  it('list every decision', () => {
    const decisions = globSync('docs/adr/*.md', { cwd: root }).map((path) =>
      path.replaceAll('\\', '/').split('/').at(-1),
    );
    const listed = readMarkdown(new URL('docs/adr/0001-record-decisions.md', root)).links;
    expect(new Set(listed)).toEqual(new Set(decisions.filter((file) => file !== '0001-record-decisions.md')));
  });

  it.each([
    ['a page that is not there', 'docs/none.md', true],
    ['a heading that is not there', 'docs/costs.md#none', true],
    ['a heading of its own that is not there', '#none', true],
    ['a page', 'docs/costs.md', false],
    ['a heading', 'docs/costs.md#the-bill', false],
    ['a folder', 'docs/adr', false],
    ['an address', 'https://learn.microsoft.com/azure', false],
  ])('would find a link to %s dead or not: %j', (_what, link, dead) => {
    expect(isDead(link, new URL('README.md', root))).toBe(dead);
  });
});

function isDead(link: string, page: URL): boolean {
  if (/^[a-z]+:/u.test(link)) return false;
  const target = new URL(link, page);
  const anchor = decodeURIComponent(target.hash.slice(1));
  target.hash = '';
  if (!existsSync(target)) return true;
  if (anchor === '' || !target.pathname.endsWith('.md')) return false;
  return readMarkdown(target).headings.every((heading) => heading.anchor !== anchor);
}
