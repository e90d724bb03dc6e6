// Tells trouble with the storage service, which passes, from a bug, which must be seen.

import { isRestError } from '@azure/storage-blob';

import { StorageTrouble } from '../use-cases/ports.ts';

/** Answers of storage that an adapter deals with itself, by the service's error code. */
export function storageErrorCode(error: unknown): string | undefined {
  return isRestError(error) ? (error.code ?? `${error.statusCode}`) : undefined;
}

/**
 * How long a call may take, tries and body included. The SDK's `tryTimeoutInMs` only asks the service to hurry; a
 * service that hangs would be waited for without end.
 */
const CALL_TIMEOUT_MS = 20_000;

/**
 * Runs one storage call; what the service or the network did wrong comes out as StorageTrouble. `call` gets the
 * signal that ends it; it is left behind if it does not heed it.
 */
export async function callStorage<T>(
  doing: string,
  call: (abortSignal: AbortSignal) => Promise<T>,
  timeoutMs: number = CALL_TIMEOUT_MS,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    return await Promise.race([call(deadline.signal), untilAborted(deadline.signal)]);
  } catch (error) {
    if (!isRestError(error) && !isAbort(error)) throw error;
    // The SDK's message can hold a whole request: the code says enough, the cause keeps the rest.
    const code = deadline.signal.aborted ? 'it did not answer in time' : storageErrorCode(error);
    throw new StorageTrouble(`storage could not ${doing}: ${code}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () =>
      reject(new DOMException('the storage call took too long', 'AbortError')),
    );
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
