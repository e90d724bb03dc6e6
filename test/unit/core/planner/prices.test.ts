import { describe, expect, it } from 'vitest';

import { defaultOnlineSettings as settings } from '../../../../src/lib/core/planner/online.ts';
import { filesToSpare, pricesAt, type PacedBudget } from '../../../../src/lib/core/planner/prices.ts';
import { LEAST_PRICE } from '../../../../src/lib/core/planner/problem.ts';

const china = (files: number, directories: number, usualADay?: number): readonly PacedBudget[] => [
  { perFile: 1, perDirectory: 0, left: files, limit: 2000, per: 'day', usualADay },
  { perFile: 0, perDirectory: 1, left: directories, limit: 500, per: 'day' },
];
const frontDoor: readonly PacedBudget[] = [
  { perFile: 1, perDirectory: 1, left: 100, limit: 100, per: 'call' },
];

describe('base prices', () => {
  it.each([
    { files: 2000, directories: 500, ratio: 4 },
    { files: 2000, directories: 100, ratio: 20 },
    { files: 500, directories: 500, ratio: 1 },
    { files: 2000, directories: 0, ratio: 1024 },
  ])('stand in the ratio of what is left: $files to $directories is $ratio files a directory', (left) => {
    // At the reset nothing is kept back any more.
    const { file, directory } = pricesAt(china(left.files, left.directories), 0, settings);
    expect(file).toBe(LEAST_PRICE);
    expect(directory / file).toBe(left.ratio);
  });

  it('are the same for both kinds where they share one budget', () => {
    expect(pricesAt(frontDoor, 1, settings)).toEqual({ file: LEAST_PRICE, directory: LEAST_PRICE });
  });
});

describe('prices through the day', () => {
  it('stay at their base on the clock', () => {
    for (const shareLeft of [1, 0.75, 0.5, 0.25, 0]) {
      expect(pricesAt(china(2000 * shareLeft, 500), shareLeft, settings).file).toBe(LEAST_PRICE);
    }
  });

  it('rise the faster, the further spending runs ahead of the clock', () => {
    const at = [400, 300, 200, 100].map((left) => pricesAt(china(left, 500), 0.5, settings).file);
    const steps = at.slice(1).map((price, index) => price - (at[index] ?? 0));
    expect(at[0]).toBe(LEAST_PRICE);
    expect(steps.every((step) => step > 0)).toBe(true);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it('fall to their base towards the reset, if nobody spends', () => {
    const prices = [1, 0.6, 0.3, 0.1, 0.01].map((share) => pricesAt(china(20, 500), share, settings).file);
    expect(prices).toEqual(prices.toSorted((a, b) => b - a));
    expect(prices.at(-1)).toBe(LEAST_PRICE);
  });

  it('rise earlier after days that took much than after days that took little', () => {
    const [much, little, unknown] = [1600, 300, undefined].map(
      (usual) => pricesAt(china(700, 500, usual), 0.5, settings).file,
    );
    expect(much).toBeGreaterThan(LEAST_PRICE);
    expect(little).toBe(LEAST_PRICE);
    expect(unknown).toBe(LEAST_PRICE);
  });

  it('keep files and directories apart: spent files do not make directories dear', () => {
    const { file, directory } = pricesAt(china(1, 500), 0.5, settings);
    expect(file).toBeGreaterThan(1);
    expect(directory).toBeLessThan(0.01);
  });

  it('end somewhere, with nothing left at all', () => {
    const { file } = pricesAt(china(0, 0), 1, settings);
    expect(file).toBeCloseTo(settings.dearest);
  });
});

describe('files to spare', () => {
  it.each([
    { left: 2000, shareLeft: 1, spare: 1200 },
    { left: 1000, shareLeft: 0.5, spare: 600 },
    { left: 100, shareLeft: 0.5, spare: 0 },
    { left: 100, shareLeft: 0, spare: 100 },
  ])('$left left with $shareLeft of the day to go: $spare', ({ left, shareLeft, spare }) => {
    expect(filesToSpare(china(left, 500), shareLeft, settings)).toBe(spare);
  });

  it('are a whole call where the limit is for a call', () => {
    expect(filesToSpare(frontDoor, 1, settings)).toBe(100);
  });
});
