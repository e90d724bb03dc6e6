// One record as one small JSON blob: read with its ETag, written under a condition.

import { text as readText } from 'node:stream/consumers';

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import * as z from 'zod';

import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { StorageTrouble } from '../use-cases/ports.ts';

export type WriteOptions = {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  /** Names in lower case: storage does not keep their case everywhere. */
  readonly metadata?: Readonly<Record<string, string>>;
};

/** A record that is there, and that this version cannot read: a newer one may have written it. */
export class UnreadableRecord extends StorageTrouble {}

const CONDITION_NOT_MET: ReadonlySet<string> = new Set(['ConditionNotMet', 'BlobAlreadyExists']);

/** False when the condition did not hold. Makes the container at its first use. Throws StorageTrouble. */
export async function writeJson(
  container: ContainerClient,
  blob: BlockBlobClient,
  content: object,
  options: WriteOptions = {},
): Promise<boolean> {
  const bytes = Buffer.from(JSON.stringify(content), 'utf8');
  const etag = await writeBlob(container, blob, bytes, { ...options, contentType: 'application/json' });
  return etag !== undefined;
}

/** Gives the new ETag; undefined when the condition did not hold. Otherwise like `writeJson`. */
export async function writeBlob(
  container: ContainerClient,
  blob: BlockBlobClient,
  bytes: Buffer,
  options: WriteOptions & { readonly contentType: string },
): Promise<string | undefined> {
  const { metadata, contentType, ...conditions } = options;
  const upload = (abortSignal: AbortSignal): Promise<{ etag?: string }> =>
    blob.upload(bytes, bytes.length, {
      conditions,
      abortSignal,
      blobHTTPHeaders: { blobContentType: contentType },
      ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
    });
  return callStorage('write a record', async (abortSignal) => {
    try {
      return etagOf(await upload(abortSignal));
    } catch (error) {
      const code = storageErrorCode(error) ?? '';
      if (CONDITION_NOT_MET.has(code)) return undefined;
      if (code !== 'ContainerNotFound') throw error;
    }
    await container.createIfNotExists({ abortSignal });
    // Once more with its condition: others who found no container may have written meanwhile.
    return writeBlob(container, blob, bytes, options);
  });
}

function etagOf({ etag }: { readonly etag?: string }): string {
  if (etag === undefined) throw new Error('storage gave no ETag for what it wrote');
  return etag;
}

const NOT_THERE: ReadonlySet<string> = new Set(['BlobNotFound', 'ContainerNotFound']);

/** Whether an error of storage says that there is no such blob. */
export function isNotThere(error: unknown): boolean {
  return NOT_THERE.has(storageErrorCode(error) ?? '');
}

/**
 * Undefined when there is no such record. One that this version cannot read is trouble too, not a bug: a newer
 * version may have written it, and what needs it waits for that version without stopping the rest.
 */
export async function readJson<S extends z.ZodType>(
  blob: BlockBlobClient,
  schema: S,
): Promise<{ value: z.output<S>; etag: string } | undefined> {
  return callStorage('read a record', async (abortSignal) => {
    try {
      const { etag, readableStreamBody } = await blob.download(0, undefined, { abortSignal });
      if (readableStreamBody === undefined || etag === undefined)
        throw new Error('a record came without content');
      return { value: parseRecord(schema, await readText(readableStreamBody)), etag };
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw error;
    }
  });
}

function parseRecord<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  try {
    return z.decode(schema, JSON.parse(text));
  } catch (cause) {
    throw new UnreadableRecord('a record is invalid to this version of the app', { cause });
  }
}
