// How the CDN of a history differs from the usual one: what it takes for the same URL, how it is told of hosts, and
// whether it has a quota. Found without the code under test.

import { EXACT_MATCHING, type Capabilities, type UrlMatching } from '../../src/lib/core/capabilities.ts';
import { createRandom } from './random.ts';
import { covers } from './site.ts';

export type Purged = { readonly files: readonly string[]; readonly directories: readonly string[] };

export type Manner = {
  readonly matching: UrlMatching | undefined;
  readonly hosts: Capabilities['hosts'];
  readonly hasQuota: boolean;
  readonly purgesInFlight: number | undefined;
  /** Writes a blob's name as somebody else may. */
  readonly spell: (name: string) => string;
  /** Equal for URLs that are one to the CDN. */
  readonly fold: (url: string) => string;
  /** Whether a purge took the URL: itself, or a directory that holds it. */
  readonly covers: (purged: Purged, url: string) => boolean;
};

const PLAIN: Manner = {
  matching: undefined,
  hosts: 'in-url',
  hasQuota: true,
  purgesInFlight: undefined,
  spell: (name) => name,
  fold: (url) => url,
  covers,
};

const SHALLOW: Manner = {
  ...PLAIN,
  matching: { ...EXACT_MATCHING, reachesBelow: false },
  covers: ({ files, directories }, url) =>
    files.includes(url) ||
    directories.some((directory) => url.startsWith(directory) && !url.slice(directory.length).includes('/')),
};

/** Of chance of its own, so that the histories of the usual CDN are what they were. */
export function drawManner(seed: number): Manner {
  const random = createRandom(-seed);
  switch (seed % 8) {
    case 0:
      return { ...PLAIN, purgesInFlight: random.pick([1, 2]) };
    case 3:
      return random.pick([SHALLOW, inAnyCase(random.chance)]);
    case 5: {
      // As Front Door is.
      const purgesInFlight = random.pick([undefined, 1, 2]);
      return { ...inAnyCase(random.chance), hosts: 'listed', hasQuota: false, purgesInFlight };
    }
    default:
      return PLAIN;
  }
}

/** It ignores case and scheme. */
function inAnyCase(chance: (probability: number) => boolean): Manner {
  return {
    ...PLAIN,
    matching: { ignoresCase: true, ignoresQuery: true, ignoresScheme: true, reachesBelow: true },
    spell: (name) => (chance(0.5) ? name.toUpperCase() : name),
    fold: foldCase,
    covers: ({ files, directories }, url) =>
      covers({ files: files.map(foldCase), directories: directories.map(foldCase) }, foldCase(url)),
  };
}

const foldCase = (url: string): string => url.slice(url.indexOf('//')).toLowerCase();
