// What is purged again after the CDN failed, and how often.

import { describe, expect, it } from 'vitest';

import { EXACT_MATCHING, type UrlMatching } from '../../../src/lib/core/capabilities.ts';
import type { RequestRecord } from '../../../src/lib/core/purge-request.ts';
import { askAgain, planRepurges } from '../../../src/lib/core/repurge.ts';
import { aRequest, aUrlAsk, CDN } from '../../support/builders.ts';

const [A, B, DIR] = [
  'http://www.example.cn/a',
  'http://www.example.cn/b',
  'http://www.example.cn/dir/',
] as const;

/** A request of the app's own, for URLs that failed before. */
const again = (repurges: number, ...files: readonly string[]) =>
  aRequest({ id: `again-${repurges}`, origin: 'tracker', repurges, ask: aUrlAsk({ files }) });

const plan = (
  failedUrls: readonly string[],
  served: readonly RequestRecord[],
  matching?: Partial<UrlMatching>,
) => planRepurges({ failedUrls }, served, matching && { ...EXACT_MATCHING, ...matching });

describe('a URL that the CDN failed to purge', () => {
  it('is purged again', () => {
    expect(plan([A, B], [])).toEqual({
      again: [{ times: 1, urls: [A, B] }],
      forGood: [],
    });
  });

  it('is purged again a second time', () => {
    expect(plan([A], [again(1, A)])).toEqual({
      again: [{ times: 2, urls: [A] }],
      forGood: [],
    });
  });

  it('has failed for good after that', () => {
    expect(plan([A], [again(2, A)])).toEqual({ again: [], forGood: [A] });
  });

  it('is counted for itself where a purge served several requests', () => {
    const served = [again(1, A), again(2, DIR), aRequest({ ask: aUrlAsk({ files: [A, B] }) })];
    expect(plan([A, B, DIR], served)).toEqual({
      again: [
        { times: 2, urls: [A] },
        { times: 1, urls: [B] },
      ],
      forGood: [DIR],
    });
  });

  it('is counted by the request that had it most often', () => {
    expect(plan([A], [again(2, A), again(1, A)])).toMatchObject({ forGood: [A] });
  });

  it.each([
    { as: 'in another case', asked: 'http://www.example.cn/A', matching: { ignoresCase: true } },
    { as: 'with another query', asked: `${A}?v=2`, matching: { ignoresQuery: true } },
    { as: 'under another scheme', asked: 'https://www.example.cn/a', matching: { ignoresScheme: true } },
  ])('is counted where it was asked for $as, if the CDN takes that for the same', ({ asked, matching }) => {
    expect(plan([A], [again(2, asked)], matching)).toEqual({ again: [], forGood: [A] });
    expect(plan([A], [again(2, asked)])).toEqual({ again: [{ times: 1, urls: [A] }], forGood: [] });
  });
});

describe('nothing that failed', () => {
  it('asks for nothing', () => {
    expect(plan([], [again(1, A)])).toEqual({ again: [], forGood: [] });
  });
});

describe('the ask', () => {
  it('is for the URLs as they were sent, on the same CDN, the root of a host included', () => {
    expect(askAgain([A, DIR], { cdn: CDN, directories: [DIR] })).toEqual({
      by: 'url',
      files: [A],
      directories: [DIR],
      everything: true,
      asSent: { cdn: CDN },
    });
  });
});
