// What a directory purge would evict although it did not change.

import { describe, expect, it } from 'vitest';

import { containerInventory } from '../../../../src/lib/core/inventory/container-inventory.ts';
import {
  inventoryEvents,
  NO_CHANGES,
  withEvents,
} from '../../../../src/lib/core/inventory/inventory-changes.ts';
import { evictionsOf, standingBelow, type Inventory } from '../../../../src/lib/core/inventory/inventory.ts';
import { servedContainers, siteOf } from '../../../../src/lib/core/inventory/served-containers.ts';
import { instant } from '../../../../src/lib/core/instant.ts';
import type { MappingRule } from '../../../../src/lib/core/url-mapping.ts';
import type { BlobChange } from '../../../../src/lib/core/blob-change.ts';
import { ACCOUNT, aChange, aRule, CDN, HOST } from '../../../support/builders.ts';
import { aCompleteListing } from '../../../support/in-memory-inventory.ts';

const SITE = siteOf(CDN, 'http', HOST);
const LISTED = instant(Date.UTC(2026, 10, 22, 12));
const later = instant(LISTED + 3_600_000);
const only = (container: string) => ({ matchesContainer: (name: string) => name === container });

type Contents = Readonly<Record<string, readonly string[]>>;

function inventoryOf(
  contents: Contents,
  rules: readonly MappingRule[],
  changes: readonly BlobChange[] = [],
  notListed: readonly string[] = [],
): Inventory {
  const events = changes.flatMap(inventoryEvents);
  const containers = new Map(
    Object.entries(contents).map(([container, names], index) => {
      const at = instant(LISTED + index * 1_000);
      const listing = aCompleteListing(names, at);
      const own = events.filter((event) => event.container === container);
      return [container, containerInventory(listing, withEvents(NO_CHANGES, own))] as const;
    }),
  );
  const known = new Map([[ACCOUNT, new Set([...containers.keys(), ...notListed])]]);
  return {
    served: servedContainers(rules, new Set([ACCOUNT]), known),
    of: ({ container }) => containers.get(container),
  };
}

const due = (...paths: readonly string[]) => paths.map((path) => ({ site: SITE, path }));

describe('what a directory purge evicts', () => {
  const docs = { media: ['docs/a.html', 'docs/b.html', 'docs/deep/c.html', 'x.html'] };
  const media = [aRule({ ...only('media'), servedUnder: '/' })];

  it.each<[string, readonly string[], string, number | undefined]>([
    ['everything, with nothing due', [], '/docs/', 3],
    ['what is not due', ['/docs/a.html'], '/docs/', 2],
    ['what is not due, subdirectories included', ['/docs/deep/c.html'], '/docs/', 2],
    ['nothing, when all is due', ['/docs/a.html', '/docs/b.html', '/docs/deep/c.html'], '/docs/', 0],
    ['as much, whatever is due elsewhere', ['/x.html'], '/docs/', 3],
    ['as much, with a deleted blob due', ['/docs/gone.html'], '/docs/', 3],
    ['as much, with a URL due that an index document answers', ['/docs/'], '/docs/', 3],
    ['each blob once, in whatever spelling it is due', ['/docs/a.html', '/docs/%61.html'], '/docs/', 2],
    ['nobody knows what, where nothing was ever seen', ['/new/a.html'], '/new/', undefined],
    ['of all directories, at the root', ['/x.html'], '/', 3],
  ])('is %s', (_what, paths, directory, expected) => {
    expect(evictionsOf(due(...paths), inventoryOf(docs, media))(SITE, directory)?.evicts).toBe(expected);
  });

  it('is nothing in a new directory in which all is due', () => {
    const changes = ['new/a', 'new/b'].map((name) => aChange({ name, eventAt: later }));
    const evictions = evictionsOf(due('/new/a', '/new/b'), inventoryOf(docs, media, changes));
    expect(evictions(SITE, '/new/')?.evicts).toBe(0);
  });

  it('is the sum over all containers that the directory is served from', () => {
    const rules = [
      aRule({ ...only('media'), servedUnder: '/docs/' }),
      aRule({ ...only('web'), servedUnder: '/' }),
    ];
    const contents = { media: ['a', 'b'], web: ['docs/c', 'other/d'] };
    const inventory = inventoryOf(contents, rules);
    expect(evictionsOf(due('/docs/a', '/docs/c'), inventory)(SITE, '/docs/')).toEqual({
      evicts: 1,
      listedAt: LISTED,
    });
    expect(standingBelow(SITE, '/docs/', inventory)).toEqual({ objects: 3, bytes: 30, listedAt: LISTED });
  });

  it('is not known while one of the containers was never listed', () => {
    const rules = [
      aRule({ ...only('media'), servedUnder: '/docs/' }),
      aRule({ ...only('web'), servedUnder: '/' }),
    ];
    const inventory = inventoryOf({ media: ['a', 'b'] }, rules, [], ['web']);
    expect(evictionsOf([], inventory)(SITE, '/docs/')).toBeUndefined();
  });

  it('counts blobs that the rules never purge, too: the edge may hold them', () => {
    const rules = [
      aRule({ ...only('media'), servedUnder: '/', excludes: (name) => name.endsWith('b.html') }),
    ];
    expect(evictionsOf([], inventoryOf(docs, rules))(SITE, '/docs/')?.evicts).toBe(3);
  });
});
