// What stands in the buffer, by whom it was written.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { encodeMessage } from '../../../src/lib/buffer/message.schema.ts';
import { readMessage } from '../../../src/lib/buffer/read-message.ts';
import { ACCOUNT, aMessage } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { ODD_NAMES, usableName } from '../../support/names.ts';

const buffered = (text: string) => ({
  receipt: { messageId: 'message-1', popReceipt: 'receipt-1' },
  bufferedAt: START_AT,
  text,
});

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

const eventNamed = (name: string): string =>
  JSON.stringify({
    topic: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/${ACCOUNT}`,
    subject: `/blobServices/default/containers/media/blobs/${name}`,
    eventType: 'Microsoft.Storage.BlobCreated',
    id: 'event-1',
    data: { api: 'PutBlob' },
    eventTime: '2024-01-15T08:09:10Z',
  });

/** The name that the app reads in an event of the queue. */
function nameIn(text: string): string {
  const received = readMessage(buffered(text), false);
  if (received.kind !== 'event') throw new Error(received.kind);
  const [event] = received.parse(new Set([ACCOUNT]));
  if (event?.kind !== 'change' || event.change.kind !== 'created') throw new Error(event?.kind);
  return event.change.blob.name;
}

describe('what stands in the buffer', () => {
  it('is a message of the app, with all that the queue says of it', () => {
    const text = buffered(encodeMessage(aMessage()));
    expect(readMessage(text, true)).toEqual({
      kind: 'readable',
      ...text,
      message: aMessage(),
      isRepeated: true,
    });
  });

  it.each(ODD_NAMES)('is an event of Event Grid, its name as it is: %s', (_what, name) => {
    expect(nameIn(base64(eventNamed(name)))).toBe(name);
  });

  it('is an event of Event Grid, whatever its name', () => {
    fc.assert(
      fc.property(usableName, (name) => {
        expect(nameIn(base64(eventNamed(name)))).toBe(name);
      }),
    );
  });

  it('is an event, too, where it is not in base64', () => {
    expect(nameIn(eventNamed('中 #.txt'))).toBe('中 #.txt');
  });

  it('says of an event what the queue says of it', () => {
    const text = buffered(base64(eventNamed('a')));
    expect(readMessage(text, true)).toMatchObject({ kind: 'event', ...text, isRepeated: true });
  });

  it.each(['', '{', 'e30=', base64('"text"'), base64(`[${eventNamed('a')}]`)])(
    'is neither, and is said to be unreadable: %s',
    (text) => {
      expect(readMessage(buffered(text), false)).toMatchObject({ kind: 'unreadable', text });
    },
  );

  it('is of a newer version of the app', () => {
    expect(readMessage(buffered(base64('{"v":99}')), false)).toMatchObject({ kind: 'newer', version: 99 });
  });
});
