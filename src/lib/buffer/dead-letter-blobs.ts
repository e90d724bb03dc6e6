// Event Grid's dead letters as it writes them: blobs of events in a container of its subscription.
//
// Names end in `/<year>/<month>/<day>/<hour>/<uuid>.json`, without leading zeros:
// learn.microsoft.com/azure/event-grid/manage-event-delivery. What is named otherwise is not touched.

import { text as readText } from 'node:stream/consumers';

import type { BlobItem, ContainerClient, ContainerListBlobFlatSegmentResponse } from '@azure/storage-blob';

import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import type { DeadLetterStore, FoundDeadLetter } from '../use-cases/ports.ts';

const WRITTEN_BY_EVENT_GRID = /\/\d{4}\/\d{1,2}\/\d{1,2}\/\d{1,2}\/[^/]+\.json$/u;
/** Metadata of a blob that was read and of which something stayed: ISO 8601. Names of metadata are in lower case. */
const READ_AT = 'purgereadat';
/** Why it stayed, for the people who look at it. */
const REASONS = 'purgereasons';
/** A page holds up to 5,000 blobs. */
const PAGES_MAX = 20;

const NOT_THERE: ReadonlySet<string> = new Set(['BlobNotFound', 'ContainerNotFound']);
const SETTLED_BY_OTHERS: ReadonlySet<string> = new Set([...NOT_THERE, 'ConditionNotMet']);

/** Takes the container (made when missing, since Event Grid drops what it has no place for), gives the blobs in it. */
export function deadLetterBlobs(container: ContainerClient): DeadLetterStore {
  return {
    async find(which, most) {
      const pages = container.listBlobsFlat({ includeMetadata: true }).byPage();
      const found: BlobItem[] = [];
      for (let page = 0; page < PAGES_MAX && found.length < most; page += 1) {
        const blobs = await nextPage(pages, container);
        if (blobs === undefined) break;
        found.push(...blobs.filter((blob) => isDeadLetter(blob) && isKept(blob) === (which === 'kept')));
      }
      const oldestFirst = found.toSorted((a, b) => +a.properties.lastModified - +b.properties.lastModified);
      return oldestFirst.slice(0, most).map(describe);
    },

    async count() {
      const pages = container.listBlobsFlat({ includeMetadata: true }).byPage();
      const blobs = ((await nextPage(pages, container)) ?? []).filter(isDeadLetter);
      const kept = blobs.filter(isKept).length;
      return { unread: blobs.length - kept, kept };
    },

    read: (name) =>
      callStorage('read a dead letter', async (abortSignal) => {
        try {
          const blob = container.getBlobClient(name);
          const { etag, readableStreamBody } = await blob.download(0, undefined, { abortSignal });
          if (etag === undefined || readableStreamBody === undefined) return undefined;
          return { text: await readText(readableStreamBody), version: etag };
        } catch (error) {
          if (NOT_THERE.has(storageErrorCode(error) ?? '')) return undefined;
          throw error;
        }
      }),

    remove: (name, version) =>
      unlessSettled('remove a dead letter', (abortSignal) =>
        container
          .getBlobClient(name)
          .delete({ conditions: { ifMatch: version }, deleteSnapshots: 'include', abortSignal }),
      ),

    keep(name, { version, text, reasons, at }) {
      const blob = container.getBlockBlobClient(name);
      const metadata = { [READ_AT]: new Date(at).toISOString(), [REASONS]: reasons };
      const conditions = version === undefined ? {} : { ifMatch: version };
      return unlessSettled('keep a dead letter', (abortSignal) =>
        text === undefined
          ? blob.setMetadata(metadata, { conditions, abortSignal })
          : blob.upload(text, Buffer.byteLength(text), {
              conditions,
              metadata,
              blobHTTPHeaders: { blobContentType: 'application/json' },
              abortSignal,
            }),
      );
    },

    async release(name) {
      await unlessSettled('release a dead letter', (abortSignal) =>
        container.getBlobClient(name).setMetadata({}, { abortSignal }),
      );
    },
  };
}

const isDeadLetter = ({ name }: BlobItem): boolean => WRITTEN_BY_EVENT_GRID.test(name);
const isKept = ({ metadata }: BlobItem): boolean => metadata?.[READ_AT] !== undefined;
const describe = ({ name, properties }: BlobItem): FoundDeadLetter => ({
  name,
  bytes: properties.contentLength ?? 0,
});

type Pages = AsyncIterator<ContainerListBlobFlatSegmentResponse>;

/** Undefined after the last. */
function nextPage(pages: Pages, container: ContainerClient): Promise<readonly BlobItem[] | undefined> {
  return callStorage('list the dead letters', async (abortSignal) => {
    try {
      const page = await pages.next();
      return page.done === true ? undefined : page.value.segment.blobItems;
    } catch (error) {
      if (storageErrorCode(error) !== 'ContainerNotFound') throw error;
      await container.createIfNotExists({ abortSignal });
      return undefined;
    }
  });
}

/** False when there is no such blob any more, or another one. */
function unlessSettled(
  doing: string,
  call: (abortSignal: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  return callStorage(doing, async (abortSignal) => {
    try {
      await call(abortSignal);
      return true;
    } catch (error) {
      if (SETTLED_BY_OTHERS.has(storageErrorCode(error) ?? '')) return false;
      throw error;
    }
  });
}
