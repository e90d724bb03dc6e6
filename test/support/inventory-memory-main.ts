// Lists many blobs from a paged stub whose names are cut from the page's text, as the XML parser does it, and says
// what heap that keeps.
//
// node --expose-gc test/support/inventory-memory-main.ts

import { createDirectoryTree } from '../../src/lib/core/inventory/directory-tree.ts';
import { beginListing, withPage, type Listing } from '../../src/lib/core/inventory/listing.ts';
import { instant } from '../../src/lib/core/instant.ts';

const PAGES = 100;
const BLOBS_PER_PAGE = 1_000;
const DIRECTORIES_PER_PAGE = 50;
/** Of XML, beside the name. */
const REST = ' '.repeat(600);

const collect = globalThis.gc;
if (collect === undefined) throw new Error('start with --expose-gc');
const keptMb = (): number => {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
};

function namesOf(page: number): string[] {
  const lines: string[] = [];
  for (let blob = 0; blob < BLOBS_PER_PAGE; blob += 1) {
    const directory = page * DIRECTORIES_PER_PAGE + (blob % DIRECTORIES_PER_PAGE);
    lines.push(`documentation/section-about-something-${directory}/page-${blob}.html${REST}`);
  }
  // One flat text, of which every name is a slice.
  const text = Buffer.from(lines.join('\n')).toString('latin1');
  return text.split('\n').map((line) => line.slice(0, line.indexOf(' ')));
}

createDirectoryTree(); // loaded before it is measured
const beforeMb = keptMb();
let listing: Listing = beginListing(instant(0));
for (let page = 0; page < PAGES && !listing.isComplete; page += 1) {
  const blobs = namesOf(page).map((name) => ({ name, bytes: 1 }));
  listing = withPage(listing, { blobs, next: page === PAGES - 1 ? undefined : `${page}` }, instant(0));
}
const heapMb = keptMb() - beforeMb;
const { objects } = listing.tree.below('') ?? { objects: 0 };
process.stdout.write(JSON.stringify({ heapMb, objects, directories: listing.tree.size() }));
