// Patterns over blob and container names, compiled once into predicates.

import picomatch from 'picomatch/posix.js';

/** Takes globs, gives whether a whole blob name matches any of them. Throws for a pattern with a fault. */
export function matchesAny(patterns: readonly string[]): (name: string) => boolean {
  const matches = picomatch([...patterns], OPTIONS);
  return (name) => matches(name);
}

/**
 * Takes globs that exclude, gives whether they certainly match every name below a directory (without its
 * trailing slash). Only `**` and patterns that end in `/**` can; when in doubt the answer is false, because a
 * purge too many does less harm than a stale directory.
 */
export function excludesEverythingBelow(patterns: readonly string[]): (directory: string) => boolean {
  if (patterns.includes('**')) return () => true;
  const roots = patterns
    .filter((pattern) => pattern.endsWith('/**'))
    .map((pattern) => pattern.slice(0, -'/**'.length))
    .filter((root) => root !== '' && !UNCERTAIN.test(root) && findGlobFault(root) === undefined)
    // By expression: the matcher also accepts a name that equals its pattern, where names below do not match.
    .map((root) => picomatch.makeRe(root, OPTIONS));
  return (directory) =>
    selfAndAncestors(directory).some((ancestor) => roots.some((root) => root.test(ancestor)));
}

/**
 * Takes a container's name or a pattern in which `*` stands for any characters, gives whether a container is meant.
 * `*` does not stand for the `$` of Azure's special containers ($web, $root, $logs): those are named, or else a
 * rule for every container would purge the web site a second time, under a path where nobody reads it.
 */
export function matchesContainer(pattern: string): (container: string) => boolean {
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.pop();
  if (end === undefined) return (container) => container === pattern;
  return (container) => {
    if (container.startsWith('$') && !start.startsWith('$')) return false;
    const inner = container.slice(start.length, container.length - end.length);
    if (container !== start + inner + end) return false;
    // The first occurrence of each part leaves the most room for the next.
    let from = 0;
    return rest.every((part) => {
      const at = inner.indexOf(part, from);
      from = at + part.length;
      return at >= 0;
    });
  };
}

/** Takes a glob, gives what is wrong with it, or undefined. */
export function findGlobFault(pattern: string): string | undefined {
  if (pattern === '') return 'an empty pattern matches nothing';
  if (pattern.length > LONGEST_PATTERN) return `a pattern has at most ${LONGEST_PATTERN} characters`;
  if (pattern.startsWith('!') && !pattern.startsWith('!(')) {
    return 'a pattern cannot be negated with !: write it in the other list (include, exclude)';
  }
  if (pattern.startsWith('/')) return 'a blob name has no leading slash: leave it out of the pattern';
  // The library would read `{1..12}` as the characters 1 to 1 and 2.
  if (/\{[^{}]*\.\.[^{}]*\}/u.test(pattern))
    return 'ranges in braces are not supported: list them as {1,2,3}';
  try {
    picomatch.makeRe(pattern, OPTIONS);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    if (reason.startsWith('Missing ')) return `is not a valid pattern: ${reason}`;
    return 'is not a valid pattern: special characters that stand for themselves need a \\ before them';
  }
}

const LONGEST_PATTERN = 1024;

/** `debug` makes a faulty expression throw instead of matching nothing; `s` as a name may hold any character. */
const OPTIONS = { dot: true, flags: 's', strictBrackets: true, strictSlashes: true, debug: true } as const;

/** Extended globs, groups, quotes and escapes: a root that holds one may match otherwise than the whole pattern. */
const UNCERTAIN = /[()!"\\]/u;

function selfAndAncestors(directory: string): string[] {
  const ends = [...directory.matchAll(/\//gu)].map((slash) => slash.index);
  return [directory, ...ends.map((end) => directory.slice(0, end))];
}
