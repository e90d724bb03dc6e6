// Messages that are too long for an entry of the poison queue, verbatim, each in a blob that its entry names.

import { randomUUID } from 'node:crypto';
import { buffer as readBytes } from 'node:stream/consumers';

import type { ContainerClient } from '@azure/storage-blob';

import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { ORIGINALS } from './poison.ts';

export type PoisonOriginals = {
  /** Gives the blob's name. */
  readonly keep: (text: string) => Promise<string>;
  /** Undefined when it is not there. */
  readonly read: (name: string) => Promise<string | undefined>;
  readonly remove: (name: string) => Promise<void>;
};

/** Takes the container (made when missing), gives the originals in it. Its methods throw StorageTrouble. */
export function poisonOriginals(container: ContainerClient): PoisonOriginals {
  return {
    keep(text) {
      const name = `${ORIGINALS}${randomUUID()}.txt`;
      const upload = (abortSignal: AbortSignal): Promise<unknown> =>
        container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text), {
          blobHTTPHeaders: { blobContentType: 'text/plain; charset=utf-8' },
          abortSignal,
        });
      return callStorage('keep a poisoned message', async (abortSignal) => {
        try {
          await upload(abortSignal);
        } catch (error) {
          if (storageErrorCode(error) !== 'ContainerNotFound') throw error;
          await container.createIfNotExists({ abortSignal });
          await upload(abortSignal);
        }
        return name;
      });
    },

    read: (name) =>
      callStorage('read a poisoned message', async (abortSignal) => {
        try {
          const { readableStreamBody } = await container
            .getBlobClient(name)
            .download(0, undefined, { abortSignal });
          if (readableStreamBody === undefined) return undefined;
          // Not as text: that would leave a byte order mark out.
          return (await readBytes(readableStreamBody)).toString('utf8');
        } catch (error) {
          if (NOT_THERE.has(storageErrorCode(error) ?? '')) return undefined;
          throw error;
        }
      }),

    async remove(name) {
      await callStorage('remove a poisoned message', (abortSignal) =>
        container.getBlobClient(name).deleteIfExists({ deleteSnapshots: 'include', abortSignal }),
      );
    },
  };
}

const NOT_THERE: ReadonlySet<string> = new Set(['BlobNotFound', 'ContainerNotFound']);
