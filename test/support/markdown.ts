// What the tests of the documents read in a page of Markdown.

import { readFileSync } from 'node:fs';

export type MarkdownPage = {
  /** Each with how many `#` it has and the anchor that GitHub gives it, in the page's order. */
  readonly headings: readonly { readonly level: number; readonly title: string; readonly anchor: string }[];
  /** Fenced blocks, fences included. */
  readonly codeBlocks: readonly string[];
  /** What is between two headings, blocks of code left out; the first part is what stands before any heading. */
  readonly sections: readonly string[];
  /** Targets of links and images, as they are written. */
  readonly links: readonly string[];
};

const CODE_BLOCK = /^(?<indent> *)(?<fence>`{3,})[^\n]*\n.*?^\k<indent>\k<fence> *$/gmsu;
const HEADING = /^(?<marks>#{1,6}) (?<title>.+)$/gmu;
const INLINE_CODE = /(?<ticks>`+)(?!`)(?<code>.+?)(?<!`)\k<ticks>(?!`)/gu;
const LINK = /\]\((?<target>[^()\s]+(?:\([^()\s]*\)[^()\s]*)*)(?: "[^"]*")?\)/gu;

export function readMarkdown(file: URL): MarkdownPage {
  const text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  const codeBlocks = [...text.matchAll(CODE_BLOCK)].map(([block]) => block);
  const prose = text.replaceAll(CODE_BLOCK, '');
  const seen = new Map<string, number>();
  const headings = [...prose.matchAll(HEADING)].map(({ groups }) => {
    const { marks = '', title = '' } = groups ?? {};
    const slug = slugOf(title);
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return { level: marks.length, title, anchor: times === 0 ? slug : `${slug}-${times}` };
  });
  const links = [...prose.replaceAll(INLINE_CODE, 'code').matchAll(LINK)].map(
    ({ groups }) => groups?.['target'] ?? '',
  );
  return { headings, codeBlocks, sections: prose.split(/^#{1,6} .+$/mu), links };
}

/** Takes a part of a page, gives what stands in backticks, in its order. */
export function inlineCode(part: string): readonly string[] {
  return [...part.matchAll(INLINE_CODE)].map(({ groups }) => groups?.['code']?.trim() ?? '');
}

/** As GitHub makes anchors: github.com/Flet/github-slugger. */
function slugOf(title: string): string {
  return title
    .replaceAll(/\[(?<text>[^\]]*)\]\([^)]*\)/gu, '$<text>')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
