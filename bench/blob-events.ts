// Blob events as Event Grid delivers them, for the questions that start at the app's door.

import type { EventGridEvent } from '@azure/functions';

import { localAccount, localTopic } from '../dev/azurite/account.ts';

export type BlobEventKind = 'created' | 'deleted';

/** Takes what happened and a number that tells events apart, gives the event in Event Grid's own schema. */
export function blobEvent(
  kind: BlobEventKind,
  container: string,
  name: string,
  index: number,
  at = new Date(),
): EventGridEvent {
  const hex = index.toString(16);
  return {
    id: `00000000-0000-4000-8000-${hex.padStart(12, '0')}`,
    topic: localTopic,
    subject: `/blobServices/default/containers/${container}/blobs/${name}`,
    eventType: kind === 'created' ? 'Microsoft.Storage.BlobCreated' : 'Microsoft.Storage.BlobDeleted',
    eventTime: at.toISOString(),
    dataVersion: '',
    metadataVersion: '1',
    data: {
      api: kind === 'created' ? 'PutBlob' : 'DeleteBlob',
      clientRequestId: `10000000-0000-4000-8000-${hex.padStart(12, '0')}`,
      requestId: `20000000-001e-0000-0000-${hex.padStart(12, '0')}`,
      ...(kind === 'created' ? { eTag: `0x8D${hex.padStart(13, '0')}`, contentLength: 4096 } : {}),
      contentType: 'text/html',
      blobType: 'BlockBlob',
      url: `https://${localAccount.name}.blob.core.windows.net/${container}/${name}`,
      sequencer: hex.padStart(48, '0'),
      storageDiagnostics: { batchId: '30000000-0006-0000-0000-000000000000' },
    },
  };
}

/** The same event as CloudEvents 1.0. */
export function asCloudEvent(event: EventGridEvent): Readonly<Record<string, unknown>> {
  const { id, topic: source, subject, eventType: type, eventTime: time, data } = event;
  return { specversion: '1.0', id, source, subject, type, time, data };
}

/** Names as web sites have them: nested, with index documents, some with spaces and characters beyond ASCII. */
export function blobName(index: number): string {
  const directory = `section-${index % 37}/topic-${index % 211}`;
  switch (index % 10) {
    case 0:
      return `${directory}/page-${index}/index.html`;
    case 1:
      return `${directory}/产品 介绍 ${index}.html`;
    case 2:
      return `${directory}/annual report ${index}.pdf`;
    case 3:
      return `assets/js/app.${index.toString(16).padStart(8, '0')}.js`;
    default:
      return `${directory}/image-${index}.jpg`;
  }
}
