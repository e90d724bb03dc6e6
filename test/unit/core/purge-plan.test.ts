// Which targets go in which request.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { RequestLimits } from '../../../src/lib/core/configuration.ts';
import { planBatches } from '../../../src/lib/core/purge-plan.ts';
import { describePurge } from '../../../src/lib/providers/azure-china-cdn/request.ts';
import { aCdn, aLocated, CAPABILITIES, ENDPOINT, LIMITS, OTHER_ENDPOINT } from '../../support/builders.ts';

const many = (count: number, endpointId = ENDPOINT) =>
  Array.from({ length: count }, (_, index) => aLocated(`/media/${`${index}`.padStart(6, '0')}`, endpointId));

const bodyBytes = (batch: Parameters<typeof describePurge>[1]): number =>
  Buffer.byteLength(describePurge(aCdn(), batch).body ?? '', 'utf8');

describe('a plan', () => {
  it('is empty for nothing', () => {
    expect(planBatches([], LIMITS, CAPABILITIES)).toEqual([]);
  });

  it('puts files and directories of an endpoint in one request', () => {
    const targets = [aLocated('/a'), aLocated('/b/'), aLocated('/c')];
    expect(planBatches(targets, LIMITS, CAPABILITIES)).toEqual([
      {
        cdn: 'china',
        endpointId: ENDPOINT,
        files: ['http://www.example.cn/a', 'http://www.example.cn/c'],
        directories: ['http://www.example.cn/b/'],
        targets,
      },
    ]);
  });

  it('keeps endpoints apart, and each in its order', () => {
    const targets = [aLocated('/a'), aLocated('/b', OTHER_ENDPOINT), aLocated('/c')];
    expect(
      planBatches(targets, LIMITS, CAPABILITIES).map(({ endpointId, files }) => [endpointId, files]),
    ).toEqual([
      [ENDPOINT, ['http://www.example.cn/a', 'http://www.example.cn/c']],
      [OTHER_ENDPOINT, ['http://www.example.cn/b']],
    ]);
  });

  it.each([
    [1, [1]],
    [99, [99]],
    [100, [100]],
    [101, [100, 1]],
    [250, [100, 100, 50]],
  ])('sends %i URLs as requests of %j', (count, sizes) => {
    expect(planBatches(many(count), LIMITS, CAPABILITIES).map(({ files }) => files.length)).toEqual(sizes);
  });

  it('sends the oldest first', () => {
    const files = planBatches(many(250), LIMITS, CAPABILITIES).flatMap((batch) => batch.files);
    expect(files).toEqual(many(250).map(({ target }) => target.url));
  });

  it('gives a URL that alone is over the limit a request of its own', () => {
    const long = aLocated(`/${'x'.repeat(600)}`);
    const limits = { urlsPerRequest: 100, bytesPerRequest: 400 };
    const batches = planBatches([aLocated('/a'), long, aLocated('/b')], limits, CAPABILITIES);
    expect(batches.map(({ targets }) => targets.length)).toEqual([1, 1, 1]);
  });

  it('keeps the longest names within the bytes, not only the number', () => {
    const targets = Array.from({ length: 100 }, (_, index) =>
      aLocated(`/${index}-${'%F0%9F%8E%89'.repeat(1024)}`),
    );
    const batches = planBatches(targets, LIMITS, CAPABILITIES);
    expect(batches.length).toBeGreaterThan(1);
    for (const batch of batches) expect(bodyBytes(batch)).toBeLessThanOrEqual(LIMITS.bytesPerRequest);
  });
});

describe('whatever is planned', () => {
  const limits: fc.Arbitrary<RequestLimits> = fc.record({
    urlsPerRequest: fc.integer({ min: 1, max: 12 }),
    bytesPerRequest: fc.integer({ min: 256, max: 2_000 }),
  });
  const path = fc
    .tuple(
      fc.nat(99),
      fc.integer({ min: 0, max: 120 }),
      fc.constantFrom('', '/'),
      fc.constantFrom('a', '首', '"'),
    )
    .map(([id, length, end, letter]) => `/${id}${letter.repeat(length)}${end}`);
  const targets = fc.uniqueArray(path, { maxLength: 60 }).chain((paths) =>
    fc
      .array(fc.constantFrom(ENDPOINT, OTHER_ENDPOINT), {
        minLength: paths.length,
        maxLength: paths.length,
      })
      .map((endpoints) => paths.map((text, index) => aLocated(text, endpoints[index]))),
  );

  it('loses nothing and repeats nothing', () => {
    fc.assert(
      fc.property(targets, limits, (all, within) => {
        const batches = planBatches(all, within, CAPABILITIES);
        expect(new Set(batches.flatMap((batch) => batch.targets))).toEqual(new Set(all));
        expect(batches.flatMap((batch) => batch.targets)).toHaveLength(all.length);
        for (const { endpointId, files, directories, targets: ofBatch } of batches) {
          const here = new Set<object>(all.filter((one) => one.endpointId === endpointId));
          expect(ofBatch.filter((one) => !here.has(one))).toEqual([]);
          expect(new Set<string>([...files, ...directories])).toEqual(
            new Set(ofBatch.map(({ target }) => target.url)),
          );
        }
      }),
    );
  });

  it('stays within the limits, by the bytes of the real body', () => {
    fc.assert(
      fc.property(targets, limits, (all, within) => {
        for (const batch of planBatches(all, within, CAPABILITIES)) {
          expect(batch.targets.length).toBeLessThanOrEqual(within.urlsPerRequest);
          const isAlone = batch.targets.length === 1;
          expect(isAlone ? 0 : bodyBytes(batch)).toBeLessThanOrEqual(within.bytesPerRequest);
        }
      }),
    );
  });

  it('takes as few requests as equal URLs allow, a small margin for the envelope aside', () => {
    fc.assert(
      fc.property(fc.nat(300), limits, (count, within) => {
        const all = many(count);
        const bytesEach = `"${all[0]?.target.url ?? ''}",`.length;
        const perRequest = Math.min(
          within.urlsPerRequest,
          Math.floor((within.bytesPerRequest - 64) / bytesEach),
        );
        expect(planBatches(all, within, CAPABILITIES)).toHaveLength(Math.ceil(count / perRequest));
      }),
    );
  });
});
