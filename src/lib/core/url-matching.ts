// URLs as an edge compares them when it purges: which are one to it, and which lie in a directory.

import { EXACT_MATCHING, type UrlMatching } from './capabilities.ts';

/**
 * Takes a purge URL and what its CDN ignores (undefined: nothing), gives a text that is equal for URLs which are one
 * to the edge, and differs from that under any other matching. Percent-encoding stays as it is, and of letters only
 * those of ASCII are folded: that an edge takes more for the same is not known, and two purges where one would do
 * lose nothing.
 */
export function comparableUrl(url: string, matching: UrlMatching | undefined): string {
  if (matching === undefined) return url;
  const { ignoresCase, ignoresQuery, ignoresScheme } = matching;
  const ignored = `${ignoresCase ? 'case ' : ''}${ignoresQuery ? 'query ' : ''}${ignoresScheme ? 'scheme ' : ''}`;
  if (ignored === '') return url;
  const pathEnd = endOfPath(url);
  const written = url.slice(ignoresScheme ? url.indexOf('//') : 0, pathEnd);
  const path = ignoresCase ? foldCase(written) : written;
  return `any ${ignored}${path}${ignoresQuery ? '' : url.slice(pathEnd)}`;
}

/** Of letters those of ASCII only. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]+/gu, (letters) => letters.toLowerCase());
}

/**
 * Takes a URL that begins with a directory's, both comparable, gives whether it lies in the directory itself and not
 * further below. Whoever decodes `%2F` takes it for a slash, and many do a backslash.
 */
export function isDirectlyIn(url: string, directory: string): boolean {
  return !/[/\\]|%2f|%5c/iu.test(url.slice(directory.length, endOfPath(url)));
}

/** Takes an absolute URL, or a comparable one, gives where its path begins: right after scheme and host. */
export function startOfPath(url: string): number {
  return url.indexOf('/', url.indexOf('//') + 2);
}

/** Takes a URL, gives that of the directory which its path names or lies in. */
export function directoryOf(url: string): string {
  return url.slice(0, url.lastIndexOf('/', endOfPath(url) - 1) + 1);
}

/** Undefined counts as `EXACT_MATCHING`. */
export function isSameMatching(
  one: UrlMatching = EXACT_MATCHING,
  other: UrlMatching = EXACT_MATCHING,
): boolean {
  return (
    one.ignoresCase === other.ignoresCase &&
    one.ignoresQuery === other.ignoresQuery &&
    one.ignoresScheme === other.ignoresScheme &&
    one.reachesBelow === other.reachesBelow
  );
}

function endOfPath(url: string): number {
  const query = url.indexOf('?');
  return query === -1 ? url.length : query;
}
