// What Event Grid puts into the buffer itself ends as what the function buffers does.

import { describe, expect, it } from 'vitest';

import {
  ACCOUNT,
  aChange,
  aConfiguration,
  aFailure,
  anAcceptance,
  anItemRefusal,
  aRule,
  HOST,
  TRACEPARENT,
} from '../../support/builders.ts';
import { createWorld, VISIBILITY_MS, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const topicOf = (account: string): string =>
  `/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/${account}`;
const subjectOf = (name: string, container = 'media'): string =>
  `/blobServices/default/containers/${container}/blobs/${name}`;
const blobUrl = (name: string): string => `https://${ACCOUNT}.blob.core.chinacloudapi.cn/media/${name}`;
const url = (name: string): string => `http://${HOST}/media/${name}`;

type Parts = Readonly<Record<string, unknown>>;

const rawEvent = (parts: Parts = {}): Parts => ({
  topic: topicOf(ACCOUNT),
  subject: subjectOf('a'),
  eventType: 'Microsoft.Storage.BlobCreated',
  id: 'event-1',
  data: { api: 'PutBlob' },
  eventTime: '2024-01-15T08:09:10Z',
  ...parts,
});
const inQueue = (event: unknown): string => Buffer.from(JSON.stringify(event), 'utf8').toString('base64');
const rawOf = (name: string, parts: Parts = {}): string =>
  inQueue(rawEvent({ id: `event ${name}`, subject: subjectOf(name), ...parts }));

const nothingPurged = (world: World): void => {
  expect(world.cdn.purgedUrls()).toEqual([]);
  expect(world.buffer.stored()).toEqual([]);
  expect(world.buffer.poisoned).toEqual([]);
};

describe('a raw event in the buffer', () => {
  it('is purged beside messages of the app, and its purge names it as the cause', async () => {
    const world = createWorld();
    world.buffer.addText(
      inQueue({
        specversion: '1.0',
        source: topicOf(ACCOUNT),
        subject: subjectOf('raw #?%20.txt'),
        type: 'Microsoft.Storage.BlobDeleted',
        id: 'raw-1',
        time: '2024-01-15T08:09:10Z',
        data: {},
        traceparent: TRACEPARENT,
      }),
    );
    await world.buffered(aChange({ name: 'own', eventId: 'own-1' }));
    await world.flush();
    expect(world.cdn.purgedUrls().toSorted()).toEqual([url('own'), url('raw%20%23%3F%2520.txt')]);
    const [purge] = await world.records.findPurgesSince(world.clock.now(), 1, () => false);
    expect(purge?.causes).toMatchObject([
      { type: 'change', eventId: 'raw-1', traceparent: TRACEPARENT },
      { type: 'change', eventId: 'own-1' },
    ]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.telemetry.events).not.toContainEqual(expect.objectContaining({ name: 'changes-not-taken' }));
  });

  it('leaves without a purge when it stands for none, and is counted once for all', async () => {
    const world = createWorld({ configuration: aConfiguration({ rules: [aRule({ strip: 'site/' })] }) });
    for (const parts of [
      { eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent', subject: '' },
      { eventType: 'Microsoft.Storage.BlobTierChanged' },
      { data: { api: 'CreateFile' } },
      { topic: topicOf('stranger') },
      { subject: subjectOf('site/../a') },
      { subject: subjectOf('elsewhere/a') },
      { subject: subjectOf('purges/x.json', 'purge-records') },
    ]) {
      world.buffer.addText(inQueue(rawEvent(parts)));
    }
    await world.flush();
    nothingPurged(world);
    expect(world.telemetry.events).toEqual([
      {
        name: 'changes-not-taken',
        ignored: 3,
        refused: 2,
        reasons: 'other-event-type=2 incomplete-write=1 unknown-account=1 dot-segment=1',
        unserved: 1,
      },
    ]);
    expect(world.log.at('warn').map(({ details }) => details?.['reason'])).toEqual([
      'unknown-account',
      'dot-segment',
    ]);
    expect(world.telemetry.spans).toEqual([]);
    await world.flush();
    expect(world.telemetry.events).toHaveLength(1);
  });

  it('purges the one name of a rename that can be purged', async () => {
    const world = createWorld();
    const data = { api: 'RenameFile', sourceUrl: blobUrl('old'), destinationUrl: blobUrl('x/../new') };
    world.buffer.addText(rawOf('old', { eventType: 'Microsoft.Storage.BlobRenamed', data }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('old')]);
    expect(world.telemetry.events).toContainEqual(
      expect.objectContaining({ name: 'changes-not-taken', refused: 1 }),
    );
    expect(world.buffer.stored()).toEqual([]);
  });

  it.each([
    ['an event without a subject', inQueue({ ...rawEvent(), subject: undefined })],
    ['more than one event', inQueue([rawEvent(), rawEvent()])],
    ['half of an event', rawOf('a').slice(0, 40)],
  ])('goes to the poison queue, verbatim, when it cannot be read: %s', async (_what, text) => {
    const world = createWorld();
    world.buffer.addText(text);
    await world.flush();
    expect(world.buffer.poisoned).toMatchObject([{ text, reason: expect.stringMatching(/\S/u) }]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('waits in the backlog, and goes to the poison queue verbatim when the CDN refuses it; a replay takes it up', async () => {
    const world = createWorld();
    const text = rawOf('a');
    world.buffer.addText(text);
    const bufferedAt = world.clock.now();
    world.clock.advance(5_000);
    world.cdn.answerBy(() => aFailure());
    await world.flush();
    expect(world.buffer.stored()).toEqual([]);
    expect([...world.backlog.stored().entries.values()]).toMatchObject([
      { since: bufferedAt, failedAttempts: 1, messages: [{ text }] },
    ]);

    world.clock.advance(10_000);
    world.cdn.answerBy(() => anItemRefusal());
    await world.flush();
    expect(world.buffer.poisoned).toMatchObject([{ text, url: url('a'), failedAttempts: 1 }]);

    world.cdn.answerBy(() => anAcceptance());
    world.buffer.addText(text);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
  });

  it('is not purged again when only its deletion failed', async () => {
    const world = createWorld();
    world.buffer.addText(rawOf('a'));
    world.journal.failBy(storageOutFor(['complete']));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);

    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('comes again when it stands for no purge and cannot be deleted; others are purged', async () => {
    const world = createWorld();
    world.buffer.addText(rawOf('a', { topic: topicOf('stranger') }));
    world.buffer.addText(rawOf('b'));
    world.journal.failBy(storageOutFor(['complete']));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('b')]);

    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.buffer.stored()).toEqual([]);
    expect(world.cdn.purgedUrls()).toEqual([url('b')]);
  });
});
