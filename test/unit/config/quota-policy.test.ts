// Quotas in the document: what the ledger is to keep, and what nobody could keep.

import { describe, expect, it } from 'vitest';

import { parseConfiguration } from '../../../src/lib/config/configuration.ts';
import type { QuotaPolicy } from '../../../src/lib/core/quota-ledger.ts';
import { aDocument, aDocumentWithCdn, aDocumentWithSite, cdn, site } from './documents.ts';
import { problems, taken } from './outcome.ts';

const HOUR_MS = 3_600_000;

/** Gives the policy of the document's one CDN. */
function policyOf(document: unknown): QuotaPolicy {
  const { cdns } = taken(parseConfiguration(document));
  const china = cdns.get('china');
  if (china?.quota === undefined) throw new Error('there is no such CDN, or none with a quota');
  return china.quota;
}

describe('a quota', () => {
  it('is what the CDN documents, with a tenth kept for people, where nothing is said', () => {
    expect(policyOf(aDocument())).toEqual({
      budgets: [
        { perFile: 1, perDirectory: 0, limit: 2_000, per: 'day', keptForPeople: 200 },
        { perFile: 0, perDirectory: 1, limit: 500, per: 'day', keptForPeople: 50 },
      ],
      resetUtcOffsetHours: undefined,
      resetMarginMs: HOUR_MS / 6,
      spentAfterThrottledMs: HOUR_MS / 4,
      probeEveryMs: HOUR_MS / 2,
      sites: new Map([
        [
          'www',
          {
            reserve: { files: 0, directories: 0 },
            max: { files: Infinity, directories: Infinity },
            priority: 50,
          },
        ],
      ]),
    });
  });

  it('is what the document says, the share of people rounded up', () => {
    const quota = {
      files: 5_001,
      directories: 7,
      manualReservePercent: 12.5,
      resetUtcOffsetHours: 8,
      resetMarginMinutes: 60,
      spentAfterThrottledMinutes: 45,
      probeEveryMinutes: 120,
    };
    expect(policyOf(aDocumentWithCdn({ quota }))).toMatchObject({
      budgets: [
        { limit: 5_001, keptForPeople: 626 },
        { limit: 7, keptForPeople: 1 },
      ],
      resetUtcOffsetHours: 8,
      resetMarginMs: HOUR_MS,
      spentAfterThrottledMs: 0.75 * HOUR_MS,
      probeEveryMs: 2 * HOUR_MS,
    });
  });

  it('has each site’s share, in the unit that it names', () => {
    const quota = { reserve: { files: 300 }, max: { files: 900, directories: 0 } };
    const sites = { www: { ...site, priority: 80, quota }, media: site };
    expect(policyOf(aDocument({ sites })).sites).toEqual(
      new Map([
        [
          'www',
          {
            reserve: { files: 300, directories: 0 },
            max: { files: 900, directories: 0 },
            priority: 80,
          },
        ],
        [
          'media',
          {
            reserve: { files: 0, directories: 0 },
            max: { files: Infinity, directories: Infinity },
            priority: 50,
          },
        ],
      ]),
    );
  });

  it('may be one that events may spend nothing of', () => {
    expect(policyOf(aDocumentWithCdn({ quota: { manualReservePercent: 100 } })).budgets).toMatchObject([
      { keptForPeople: 2_000 },
      { keptForPeople: 500 },
    ]);
  });

  it('may be promised to the last unit', () => {
    const reserve = { files: 1_000, directories: 250 };
    const sites = {
      www: { ...site, quota: { reserve: { files: 800, directories: 200 }, max: { files: 800 } } },
      media: { ...site, quota: { reserve } },
    };
    expect(problems(parseConfiguration(aDocument({ sites })))).toEqual([]);
  });
});

describe('a quota is refused', () => {
  it.each([
    ['a limit that is no number', { files: '2000' }, 'cdns.china.quota.files'],
    ['a limit below nothing', { directories: -1 }, 'cdns.china.quota.directories'],
    ['part of a purge', { files: 0.5 }, 'cdns.china.quota.files'],
    ['more than all for people', { manualReservePercent: 101 }, 'cdns.china.quota.manualReservePercent'],
    ['a place that is not on Earth', { resetUtcOffsetHours: 15 }, 'cdns.china.quota.resetUtcOffsetHours'],
    [
      'a margin within which a flush may send past the reset',
      { resetMarginMinutes: 5 },
      'cdns.china.quota.resetMarginMinutes',
    ],
    ['a margin of half a day', { resetMarginMinutes: 720 }, 'cdns.china.quota.resetMarginMinutes'],
    [
      'no time at all of throttling',
      { spentAfterThrottledMinutes: 0 },
      'cdns.china.quota.spentAfterThrottledMinutes',
    ],
    ['probes without end', { probeEveryMinutes: 0 }, 'cdns.china.quota.probeEveryMinutes'],
    ['a probe after the reset', { probeEveryMinutes: 1_441 }, 'cdns.china.quota.probeEveryMinutes'],
    ['a mistyped name', { file: 1 }, 'cdns.china.quota.file: unknown key: did you mean files?'],
  ])('for %s', (_what, quota, expected) => {
    const found = problems(parseConfiguration(aDocumentWithCdn({ quota })));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it('where a site’s most is below its reserve, in either unit', () => {
    const quota = { reserve: { files: 10, directories: 5 }, max: { files: 9, directories: 4 } };
    expect(problems(parseConfiguration(aDocumentWithSite({ quota })))).toEqual([
      'sites.www.quota.max.files: is less than the reserve',
      'sites.www.quota.max.directories: is less than the reserve',
    ]);
  });

  it('where the sites reserve more than people leave, in either unit', () => {
    const sites = {
      www: { ...site, quota: { reserve: { files: 1_000, directories: 450 } } },
      media: { ...site, quota: { reserve: { files: 801, directories: 1 } } },
    };
    expect(problems(parseConfiguration(aDocument({ sites })))).toEqual([
      'cdns.china.quota.files: 1800 files are left for events, but the sites reserve 1801 together',
      'cdns.china.quota.directories: 450 directories are left for events, but the sites reserve 451 together',
    ]);
  });

  it('where two CDNs of one subscription state it differently, however the id is written', () => {
    const subscription = 'AAAABBBB-3333-4444-5555-666677778888';
    const cdns = {
      china: { ...cdn, subscription },
      second: { ...cdn, subscription: subscription.toLowerCase(), quota: { files: 3_000 } },
      other: { ...cdn, subscription: '99992222-3333-4444-5555-666677778888', quota: { files: 4_000 } },
    };
    expect(problems(parseConfiguration(aDocument({ cdns })))).toEqual([
      'cdns.second.quota: differs from the quota of china, which has the same subscription: state the same',
    ]);
  });

  it('not where one CDN writes out what is built in', () => {
    const quota = { directories: 500, files: 2_000 };
    const cdns = { china: cdn, second: { ...cdn, quota } };
    expect(problems(parseConfiguration(aDocument({ cdns })))).toEqual([]);
  });
});

describe('sites on two subscriptions', () => {
  it('share only the quota of the subscription that serves them', () => {
    const other = { ...cdn, subscription: '99998888-7777-6666-5555-444433332222' };
    const reserving = { quota: { reserve: { files: 1_700 } } };

    const { cdns } = taken(
      parseConfiguration(
        aDocument({
          cdns: { china: cdn, other },
          sites: {
            one: { ...site, ...reserving },
            two: { ...site, ...reserving, hosts: ['two.example.cn'], cdn: 'other' },
          },
        }),
      ),
    );

    expect([...(cdns.get('china')?.quota?.sites.keys() ?? [])]).toEqual(['one']);
    expect([...(cdns.get('other')?.quota?.sites.keys() ?? [])]).toEqual(['two']);
  });
});
