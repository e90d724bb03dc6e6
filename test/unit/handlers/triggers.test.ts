// The Event Grid and timer triggers: from what the host hands over to the use case.

import type { EventGridEvent, Timer } from '@azure/functions';
import { describe, expect, it } from 'vitest';

import { handleBlobChanged } from '../../../src/lib/handlers/blob-changed.ts';
import { handleFlush } from '../../../src/lib/handlers/flush-purge-buffer.ts';
import { handleTracking } from '../../../src/lib/handlers/track-purges.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import { aChange, TRACEPARENT } from '../../support/builders.ts';
import { createInvocation } from '../../support/in-memory-invocation.ts';
import { createWorld } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const event: EventGridEvent = {
  topic:
    '/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/contoso',
  subject: '/blobServices/default/containers/media/blobs/a.txt',
  eventType: 'Microsoft.Storage.BlobCreated',
  id: 'event-1',
  data: { api: 'PutBlob' },
  dataVersion: '',
  metadataVersion: '1',
  eventTime: '2024-01-15T08:09:10Z',
};

const timer: Timer = {
  isPastDue: false,
  schedule: { adjustForDST: false },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
};

describe('the Event Grid trigger', () => {
  it('buffers the change in the trace of its delivery', async () => {
    const world = createWorld();
    await handleBlobChanged(async () => world.services)(event, createInvocation().context);
    expect(world.buffer.messages()).toMatchObject([
      { type: 'change', change: { eventId: 'event-1', traceparent: TRACEPARENT }, failedAttempts: 0 },
    ]);
  });

  it('answers well for an event that it does not take: it would only come again', async () => {
    const world = createWorld();
    const invocation = createInvocation();
    const subject = '/blobServices/default/containers/media/blobs/../a\nforged line';
    await handleBlobChanged(async () => world.services)({ ...event, subject }, invocation.context);
    expect(world.buffer.messages()).toEqual([]);
    expect(invocation.lines.filter((line) => line.startsWith('warning'))).toHaveLength(1);
    expect(invocation.lines.join('')).not.toContain('\n');
  });

  it('throws when the change cannot be buffered, so that it comes again', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['add']));
    const delivering = handleBlobChanged(async () => world.services)(event, createInvocation().context);
    await expect(delivering).rejects.toThrow(StorageTrouble);
  });
});

describe('the timer trigger', () => {
  it('flushes the buffer', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    await handleFlush(async () => world.services)(timer, createInvocation().context);
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('says nothing when there is nothing to do', async () => {
    const world = createWorld();
    const invocation = createInvocation();
    await handleFlush(async () => world.services)(timer, invocation.context);
    expect(invocation.lines).toEqual([]);
  });
});

describe('the tracking timer', () => {
  it('follows accepted purges', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    await world.flush();
    world.clock.advance(15_000);
    const invocation = createInvocation();
    await handleTracking(async () => world.services)(timer, invocation.context);
    expect(world.records.purges()).toMatchObject([{ state: 'succeeded' }]);
    expect(invocation.lines).toEqual([
      'information Accepted purges came to their end. {"asked":1,"succeeded":1,"failed":0,"unknown":0}',
    ]);
  });

  it('says nothing when there is nothing to do', async () => {
    const invocation = createInvocation();
    await handleTracking(async () => createWorld().services)(timer, invocation.context);
    expect(invocation.lines).toEqual([]);
  });
});
