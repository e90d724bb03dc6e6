// What explain says of an event must be what intake does with it.

import { describe, expect, it } from 'vitest';

import { parseConfiguration } from '../../../src/lib/config/configuration.ts';
import { explainPath, purgedUrls } from '../../../src/lib/config/explain-path.ts';
import { bufferBlobChanges } from '../../../src/lib/use-cases/buffer-blob-changes.ts';
import { aChange } from '../../support/builders.ts';
import { createWorld } from '../../support/in-memory-world.ts';
import { aDocumentWithContainer } from './documents.ts';
import { taken } from './outcome.ts';

const everyContainer = taken(parseConfiguration(aDocumentWithContainer({ container: '*' })));
const RECORDS = 'purge-records';

describe('explain and intake agree', () => {
  it.each([
    { container: 'media', ownPlace: undefined, kept: 1 },
    { container: 'azure-webjobs-hosts', ownPlace: 'host', kept: 0 },
    { container: 'azure-webjobs-secrets', ownPlace: 'host', kept: 0 },
    { container: 'azure-webjobs', ownPlace: undefined, kept: 1 },
    { container: 'my-azure-webjobs-hosts', ownPlace: undefined, kept: 1 },
    { container: '$web', ownPlace: undefined, kept: 0 },
  ])('on container $container', async ({ container, ownPlace, kept }) => {
    const change = aChange({ account: 'contoso', container, name: 'a' });
    const own = { account: 'contoso', recordsContainer: RECORDS };
    const { buffer, run } = createWorld();
    const buffered = await bufferBlobChanges([{ kind: 'change', change }], everyContainer, own, buffer, run);

    const path = { account: 'contoso', container, name: 'a', extent: 'blob' } as const;
    const explanation = explainPath(path, everyContainer, RECORDS);

    expect({ buffered, urls: purgedUrls(explanation).length }).toEqual({ buffered: kept, urls: kept });
    expect(explanation.ownPlace).toBe(ownPlace);
  });

  it.each([
    ['the account of PURGE_STORAGE', 'contoso', 0],
    ['another account', 'contosopurge', 1],
  ])('on the records container, as far as anybody can know: it is in %s', async (_what, account, kept) => {
    const change = aChange({ account: 'contoso', container: RECORDS, name: 'a' });
    const own = { account, recordsContainer: RECORDS };
    const { buffer, run } = createWorld();
    expect(await bufferBlobChanges([{ kind: 'change', change }], everyContainer, own, buffer, run)).toBe(
      kept,
    );

    const path = { account: 'contoso', container: RECORDS, name: 'a', extent: 'blob' } as const;
    expect(explainPath(path, everyContainer, RECORDS).ownPlace).toBe('records');
  });

  it.each([
    ['the account of PURGE_STORAGE', 'contoso', 0],
    ['another account', 'contosopurge', 1],
  ])('on the container of dead letters, in the same way: it is in %s', async (_what, account, kept) => {
    const change = aChange({ account: 'contoso', container: 'dead-letters', name: 'a' });
    const own = { account, recordsContainer: RECORDS, deadLetterContainer: 'dead-letters' };
    const { buffer, run } = createWorld();
    expect(await bufferBlobChanges([{ kind: 'change', change }], everyContainer, own, buffer, run)).toBe(
      kept,
    );

    const path = { account: 'contoso', container: 'dead-letters', name: 'a', extent: 'blob' } as const;
    expect(explainPath(path, everyContainer, RECORDS, 'dead-letters').ownPlace).toBe('dead-letters');
    expect(explainPath(path, everyContainer, RECORDS).ownPlace).toBeUndefined();
  });
});
