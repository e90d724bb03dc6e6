// The configuration document and its last good copy as blobs.

import { text as readText } from 'node:stream/consumers';

import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';

import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import type { BlobConfigurationOptions, ConfigurationBlob } from './configuration-source.ts';

/** In the records' container: the document's own container may be one that the app only reads. */
const LAST_GOOD_BLOB = 'configuration/last-good.json';

type BlobDocuments = Pick<BlobConfigurationOptions, 'readBlob' | 'readLastGood' | 'writeLastGood'>;

/** Takes where the document stands and the records' container, gives how to read and keep it. Throws StorageTrouble. */
export function blobDocuments(
  blobs: BlobServiceClient,
  place: { readonly container: string; readonly blob: string },
  records: ContainerClient,
): BlobDocuments {
  const document = blobs.getContainerClient(place.container).getBlobClient(place.blob);
  const lastGood = records.getBlockBlobClient(LAST_GOOD_BLOB);
  return {
    readBlob: (unlessEtag) =>
      callStorage('read the configuration', async (abortSignal): Promise<ConfigurationBlob> => {
        try {
          const conditions = unlessEtag === undefined ? {} : { ifNoneMatch: unlessEtag };
          const { etag, readableStreamBody } = await document.download(0, undefined, {
            conditions,
            abortSignal,
          });
          if (etag === undefined || readableStreamBody === undefined) return { kind: 'missing' };
          return { kind: 'read', text: await readText(readableStreamBody), etag };
        } catch (error) {
          const code = storageErrorCode(error) ?? '';
          if (code === 'ConditionNotMet' || code === '304') return { kind: 'unchanged' };
          if (NOT_THERE.has(code)) return { kind: 'missing' };
          throw error;
        }
      }),

    readLastGood: () =>
      callStorage('read the last good configuration', async (abortSignal) => {
        try {
          const { readableStreamBody } = await lastGood.download(0, undefined, { abortSignal });
          return readableStreamBody === undefined ? undefined : await readText(readableStreamBody);
        } catch (error) {
          if (NOT_THERE.has(storageErrorCode(error) ?? '')) return undefined;
          throw error;
        }
      }),

    writeLastGood: (document) =>
      callStorage('keep the last good configuration', async (abortSignal) => {
        await records.createIfNotExists({ abortSignal });
        await lastGood.upload(document, Buffer.byteLength(document), {
          blobHTTPHeaders: { blobContentType: 'application/json' },
          abortSignal,
        });
      }),
  };
}

const NOT_THERE: ReadonlySet<string> = new Set(['BlobNotFound', 'ContainerNotFound']);
