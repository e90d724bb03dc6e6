// Tells trouble with the storage service, which passes, from a bug, which must be seen.

import { isRestError } from '@azure/storage-blob';

import { StorageTrouble } from '../use-cases/ports.ts';

/** Answers of storage that an adapter deals with itself, by the service's error code. */
export function storageErrorCode(error: unknown): string | undefined {
  return isRestError(error) ? (error.code ?? `${error.statusCode}`) : undefined;
}

/** Runs one storage call; what the service or the network did wrong comes out as StorageTrouble. */
export async function callStorage<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isRestError(error) && !isAbort(error)) throw error;
    // The SDK's message can hold a whole request: the code says enough, the cause keeps the rest.
    throw new StorageTrouble(`storage could not ${doing}: ${storageErrorCode(error) ?? 'timed out'}`, {
      cause: error,
    });
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
