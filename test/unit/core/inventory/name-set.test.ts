// Which names have been seen.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createNameSet } from '../../../../src/lib/core/inventory/name-set.ts';
import { anyName } from '../../../support/names.ts';

describe('a set of names', () => {
  it('has every name that was added, also when it is made again from its hashes', () => {
    fc.assert(
      fc.property(fc.array(anyName), (names) => {
        const set = createNameSet();
        for (const name of names) set.add(name);
        const again = createNameSet(set.hashes());
        expect(names.every((name) => set.has(name) && again.has(name))).toBe(true);
        expect(again.size()).toBe(names.length);
      }),
    );
  });

  it('can be added to between two questions', () => {
    const set = createNameSet();
    set.add('a');
    expect([set.has('a'), set.has('b')]).toEqual([true, false]);
    set.add('b');
    expect([set.has('a'), set.has('b')]).toEqual([true, true]);
    expect([...set.hashes()]).toEqual([...set.hashes()].toSorted((one, other) => one - other));
  });

  it('takes hardly any other name for one of its own', () => {
    const set = createNameSet();
    for (let index = 0; index < 100_000; index += 1) set.add(`docs/section-${index}/index.html`);
    let mistaken = 0;
    for (let index = 0; index < 100_000; index += 1) {
      if (set.has(`docs/section-${index}/other.html`)) mistaken += 1;
    }
    // 100,000 × 100,000 / 2^32 is 2.3.
    expect(mistaken).toBeLessThan(15);
  });

  it('hashes names as it always did: the hashes are stored', () => {
    const set = createNameSet();
    for (const name of ['', 'index.html', 'docs/a.html', '图片/首页.png']) set.add(name);
    expect([...set.hashes()]).toMatchInlineSnapshot(`
      [
        0,
        1303229059,
        3334632215,
        4208677751,
      ]
    `);
  });
});
