// How many events a second are parsed and mapped to URLs?

import { asCloudEvent, blobEvent, blobName } from './blob-events.ts';
import { median, rounded } from './measure.ts';
import { affectedPaths } from '../src/lib/core/blob-change.ts';
import type { Configuration } from '../src/lib/core/configuration.ts';
import { mapToTargets } from '../src/lib/core/url-mapping.ts';
import { parseConfiguration } from '../src/lib/config/configuration.ts';
import { parseBlobEvents } from '../src/lib/event-grid/parse-blob-events.ts';

const EVENTS = 10_000;
const ROUNDS = 9;

export function measureEvents(): Record<string, unknown> {
  const configuration = twentyRules();
  // One event a delivery, as Event Grid does unless told otherwise. Every other one in the CloudEvents schema.
  const deliveries = Array.from({ length: EVENTS }, (_, index) => {
    const container = CONTAINERS[index % CONTAINERS.length] ?? '$web';
    const event = blobEvent(index % 10 === 9 ? 'deleted' : 'created', container, blobName(index), index);
    return index % 2 === 0 ? event : asCloudEvent(event);
  });
  const warmUp = parseAndMap(deliveries, configuration);
  const perEventUs = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    parseAndMap(deliveries, configuration);
    return ((performance.now() - startedAt) * 1000) / EVENTS;
  });
  const middleUs = median(perEventUs);
  return {
    rounds: ROUNDS,
    eventsPerRound: EVENTS,
    rules: configuration.rules.length,
    parsed: warmUp.changes,
    targetsPerEvent: rounded(warmUp.targets / EVENTS, 2),
    eventsPerSecond: rounded(1_000_000 / middleUs),
    microsecondsPerEvent: rounded(middleUs, 2),
  };
}

function parseAndMap(
  deliveries: readonly unknown[],
  { accounts, rules }: Configuration,
): { readonly changes: number; readonly targets: number } {
  let changes = 0;
  let targets = 0;
  for (const delivery of deliveries) {
    for (const event of parseBlobEvents(delivery, accounts, undefined)) {
      if (event.kind !== 'change') continue;
      changes += 1;
      for (const path of affectedPaths(event.change)) targets += mapToTargets(path, rules).length;
    }
  }
  return { changes, targets };
}

const CONTAINERS = ['$web', 'media', 'downloads', 'site-3', 'site-7', 'thumbs-small'];

/** Ten sites of two containers, in the ways that operators write them: globs, prefixes, patterns, two hosts. */
function twentyRules(): Configuration {
  const account = 'devstoreaccount1';
  const sites = Array.from({ length: 8 }, (_, index) => [
    `site-${index}`,
    {
      containers: [
        { account, container: `site-${index}`, path: '/', exclude: ['**/*.map', 'drafts/**'] },
        { account, container: `archive-${index}`, include: ['**/*.{html,pdf}'] },
      ],
      hosts: [`site-${index}.contoso.cn`],
    },
  ]);
  const parsed = parseConfiguration({
    cdns: {
      china: {
        provider: 'azure-china-cdn',
        subscription: '11112222-3333-4444-5555-666677778888',
        keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
      },
    },
    defaults: { cdn: 'china' },
    sites: {
      www: {
        containers: [
          { account, container: '$web', indexWithoutSlash: true, exclude: ['**/*.map', 'drafts/**'] },
          { account, container: 'downloads', path: '/files/' },
        ],
        hosts: ['www.contoso.cn', 'www.contoso.com.cn'],
      },
      media: {
        containers: [
          { account, container: 'media', path: '/', exclude: ['raw/**'], spellings: ['link', 'component'] },
          { account, container: 'thumbs-*' },
        ],
        hosts: ['media.contoso.cn'],
      },
      ...Object.fromEntries(sites),
    },
  });
  if (!parsed.ok)
    throw new Error(`the question's own configuration is wrong: ${JSON.stringify(parsed.error)}`);
  return parsed.value;
}
