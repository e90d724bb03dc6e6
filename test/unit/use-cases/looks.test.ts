// How closely a tick looks at what waits.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { createLooks } from '../../../src/lib/use-cases/looks.ts';
import { aConfiguration } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const FIVE_MINUTES_MS = 5 * 60_000;
const later = (ms: number) => instant(START_AT + ms);

describe('a tick', () => {
  const configuration = aConfiguration();

  it('looks at everything at the first flush of a process, and at the quota every five minutes', () => {
    const looks = createLooks();
    const times = [0, 1, FIVE_MINUTES_MS - 1, FIVE_MINUTES_MS, 2 * FIVE_MINUTES_MS - 1, 2 * FIVE_MINUTES_MS];
    expect(times.map((ms) => looks.look(false, configuration, later(ms)))).toEqual([
      'all',
      'due',
      'due',
      'quota',
      'due',
      'quota',
    ]);
  });

  it('looks at the quota when something came: that is planned together with what waits', () => {
    const looks = createLooks();
    looks.look(false, configuration, START_AT);
    expect(looks.look(true, configuration, later(1))).toBe('quota');
    expect(looks.look(false, configuration, later(2))).toBe('due');
  });

  it('looks at the quota five minutes after the last look, whatever that was for', () => {
    const looks = createLooks();
    looks.look(false, configuration, START_AT);
    looks.look(true, configuration, later(60_000));
    expect(looks.look(false, configuration, later(FIVE_MINUTES_MS))).toBe('due');
    expect(looks.look(false, configuration, later(FIVE_MINUTES_MS + 60_000))).toBe('quota');
  });

  it.each([
    ['nothing came', false],
    ['something came', true],
  ])('looks at everything once when another configuration is in force, and %s', (_what, somethingCame) => {
    const looks = createLooks();
    looks.look(false, configuration, START_AT);
    const other = aConfiguration();
    expect(looks.look(somethingCame, other, later(1))).toBe('all');
    expect(looks.look(false, other, later(2))).toBe('due');
  });
});
