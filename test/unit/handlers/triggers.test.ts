// The Event Grid and timer triggers: from what the host hands over to the use case.

import type { EventGridEvent, Timer } from '@azure/functions';
import { describe, expect, it } from 'vitest';

import { handleBlobChanged } from '../../../src/lib/handlers/blob-changed.ts';
import { handleDeadLetters } from '../../../src/lib/handlers/read-dead-letters.ts';
import { handleReplay } from '../../../src/lib/handlers/replay-poison.ts';
import { handleFlush } from '../../../src/lib/handlers/flush-purge-buffer.ts';
import { handleTracking } from '../../../src/lib/handlers/track-purges.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import { aChange, TRACEPARENT } from '../../support/builders.ts';
import { aDeadLetter, deadLetterName } from '../../support/dead-letters.ts';
import { createInMemoryDeadLetters } from '../../support/in-memory-dead-letters.ts';
import { callHttp, createInvocation } from '../../support/in-memory-invocation.ts';
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

describe('the timer of dead letters', () => {
  it('takes over what Event Grid could not deliver, and tells it on one line each, whatever the words are', async () => {
    const world = createWorld();
    const deadLetters = createInMemoryDeadLetters();
    deadLetters.put(deadLetterName('1'), [aDeadLetter(), aDeadLetter({ name: '../a\nforged line' })]);
    const invocation = createInvocation();
    await handleDeadLetters(async () => ({ ...world.services, deadLetters }))(timer, invocation.context);
    expect(world.buffer.messages()).toHaveLength(1);
    expect(invocation.lines.filter((line) => line.startsWith('error'))).toHaveLength(2);
    expect(invocation.lines.join('')).not.toContain('\n');
  });

  it('remembers between ticks what it has buffered and could not settle', async () => {
    const world = createWorld();
    const deadLetters = createInMemoryDeadLetters();
    deadLetters.put(deadLetterName('1'), [aDeadLetter()]);
    deadLetters.fail(`remove ${deadLetterName('1')}`);
    const handler = handleDeadLetters(async () => ({ ...world.services, deadLetters }));
    for (let tick = 0; tick < 2; tick += 1) await handler(timer, createInvocation().context);
    expect(world.buffer.messages()).toHaveLength(1);
  });

  it('does nothing where no container is set', async () => {
    const invocation = createInvocation();
    await handleDeadLetters(async () => createWorld().services)(timer, invocation.context);
    expect(invocation.lines).toEqual([]);
  });
});

describe('a replay over HTTP', () => {
  it('says what it put back, and what of the dead letters was taken or stays', async () => {
    const world = createWorld();
    const deadLetters = createInMemoryDeadLetters();
    deadLetters.put(deadLetterName('1'), [aDeadLetter({ account: 'fabrikam' })]);
    const services = async () => ({ ...world.services, deadLetters });
    await handleDeadLetters(services)(timer, createInvocation().context);

    const answer = await callHttp(handleReplay(services), {});

    expect(answer).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      json: {
        replayed: 0,
        left: 0,
        interrupted: false,
        deadLetters: { released: 1, buffered: 0, kept: 1, interrupted: false },
      },
    });
  });

  it('says nothing of dead letters where no container is set', async () => {
    const answer = await callHttp(
      handleReplay(async () => createWorld().services),
      {},
    );
    expect(answer).toMatchObject({ status: 200, json: { replayed: 0, left: 0, interrupted: false } });
    expect(answer.text).not.toContain('deadLetters');
  });

  it('is 503 when dead letters were in trouble', async () => {
    const deadLetters = createInMemoryDeadLetters();
    deadLetters.fail('find kept');
    const services = async () => ({ ...createWorld().services, deadLetters });
    expect(await callHttp(handleReplay(services), {})).toMatchObject({ status: 503 });
  });
});
