// Events as Event Grid writes them when it gives up.

import { ACCOUNT, TRACEPARENT } from './builders.ts';

type Parts = {
  readonly id?: string;
  readonly name?: string;
  readonly container?: string;
  readonly account?: string;
  readonly type?: string;
  readonly outcome?: string;
};

type Json = Readonly<Record<string, unknown>>;

const topicOf = (account: string): string =>
  `/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/${account}`;
const subjectOf = (container: string, name: string): string =>
  `/blobServices/default/containers/${container}/blobs/${name}`;

/** By the example in learn.microsoft.com/azure/event-grid/delivery-and-retry */
export function aDeadLetter({
  id = 'event-1',
  name = 'a.txt',
  container = 'media',
  account = ACCOUNT,
  type = 'Microsoft.Storage.BlobCreated',
  outcome = 'NotFound',
}: Parts = {}): Json {
  return {
    id,
    eventTime: '2024-01-15T08:00:00.1234567Z',
    eventType: type,
    dataVersion: '',
    metadataVersion: '1',
    topic: topicOf(account),
    subject: subjectOf(container, name),
    data: { api: 'PutBlob', eTag: '0x8D83FACDC0C3402', contentLength: 0, blobType: 'BlockBlob' },
    deadLetterReason: 'MaxDeliveryAttemptsExceeded',
    deliveryAttempts: 30,
    lastDeliveryOutcome: outcome,
    publishTime: '2024-01-15T08:00:00.2345678Z',
    lastDeliveryAttemptTime: '2024-01-15T08:05:00.3456789Z',
  };
}

/** The same as a CloudEvent, whose additions are in lower case. */
export function aCloudDeadLetter({
  id = 'event-1',
  name = 'a.txt',
  container = 'media',
  account = ACCOUNT,
  type = 'Microsoft.Storage.BlobCreated',
  outcome = 'NotFound',
}: Parts = {}): Json {
  return {
    id,
    source: topicOf(account),
    specversion: '1.0',
    type,
    subject: subjectOf(container, name),
    time: '2024-01-15T08:00:00.1234567Z',
    traceparent: TRACEPARENT,
    data: { api: 'PutBlob', eTag: '0x8D83FACDC0C3402' },
    deadletterreason: 'MaxDeliveryAttemptsExceeded',
    deliveryattempts: 30,
    lastdeliveryoutcome: outcome,
    publishtime: '2024-01-15T08:00:00.2345678Z',
  };
}

/** As Event Grid names its blobs. */
export function deadLetterName(id: string): string {
  return `PURGE-WEB/2024/1/15/8/${id}.json`;
}
