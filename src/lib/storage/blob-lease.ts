// A lease on a blob, renewed while it is held: who has it may flush.

import { randomUUID } from 'node:crypto';

import { isRestError, type ContainerClient } from '@azure/storage-blob';

import { StorageTrouble, type FlushLease, type HeldLease } from '../use-cases/ports.ts';
import { callStorage, storageErrorCode } from './trouble.ts';

const PATH = 'flush.lease';

/** Takes the container (made when missing) and how long a lease lasts when nobody renews it: 15 to 60 seconds. */
export function createBlobLease(container: ContainerClient, leaseSeconds: number): FlushLease {
  const blob = container.getBlockBlobClient(PATH);
  const create = async (abortSignal: AbortSignal): Promise<void> => {
    await container.createIfNotExists({ abortSignal });
    // An empty blob, unless somebody else has just made it.
    await blob.upload('', 0, { abortSignal, conditions: { ifNoneMatch: '*' } }).catch((error: unknown) => {
      if (!EXISTS.has(storageErrorCode(error) ?? '')) throw error;
    });
  };
  const acquire = async (abortSignal: AbortSignal): Promise<HeldLease | 'taken' | 'missing'> => {
    // Its id is its own: a try whose answer was lost may be repeated.
    const lease = blob.getBlobLeaseClient(randomUUID());
    const askedAt = performance.now();
    try {
      await lease.acquireLease(leaseSeconds, { abortSignal });
    } catch (error) {
      const code = storageErrorCode(error) ?? '';
      if (TAKEN.has(code)) return 'taken';
      if (MISSING.has(code)) return 'missing';
      throw error;
    }
    return keepRenewed(lease, leaseSeconds * 1000, askedAt);
  };
  return {
    acquire: () =>
      callStorage('lease the flush', async (abortSignal) => {
        let acquired = await acquire(abortSignal);
        if (acquired === 'missing') {
          await create(abortSignal);
          acquired = await acquire(abortSignal);
        }
        // Missing again: somebody deletes it, and no lease keeps two flushes apart.
        if (acquired === 'missing') throw new StorageTrouble(`the blob ${PATH} is deleted again and again`);
        return acquired === 'taken' ? undefined : acquired;
      }),
  };
}

const EXISTS: ReadonlySet<string> = new Set(['BlobAlreadyExists', 'LeaseIdMissing']);
const TAKEN: ReadonlySet<string> = new Set(['LeaseAlreadyPresent', 'LeaseIsBreakingAndCannotBeAcquired']);
const MISSING: ReadonlySet<string> = new Set(['BlobNotFound', 'ContainerNotFound']);

type LeaseClient = ReturnType<ReturnType<ContainerClient['getBlockBlobClient']>['getBlobLeaseClient']>;

/** Twice what the host lets an invocation run. */
const LONGEST_LEASE_MS = 10 * 60_000;

/** Three tries fit into the time that a lease lasts. It is counted from the asking: storage began later. */
function keepRenewed(lease: LeaseClient, leaseMs: number, acquiredAt: number): HeldLease {
  let heldUntil = acquiredAt + leaseMs;
  const renew = async (): Promise<void> => {
    const askedAt = performance.now();
    try {
      await callStorage('renew the lease of the flush', (abortSignal) => lease.renewLease({ abortSignal }));
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      if (isLost(error.cause)) end();
      // Any other trouble is tried again at the next turn; meanwhile the lease runs out by itself.
      return;
    }
    if (!isEnded) heldUntil = Math.max(heldUntil, askedAt + leaseMs);
  };
  let isEnded = false;
  const timer = setInterval(() => {
    // No flush runs so long: one that hangs must not keep the others out for ever.
    if (performance.now() - acquiredAt > LONGEST_LEASE_MS) end();
    else renew().catch(end);
  }, leaseMs / 3);
  timer.unref();
  const end = (): void => {
    isEnded = true;
    clearInterval(timer);
  };
  return {
    isHeld: () => !isEnded && performance.now() < heldUntil,
    async release() {
      if (isEnded) return;
      end();
      try {
        await callStorage('release the lease of the flush', (abortSignal) =>
          lease.releaseLease({ abortSignal }),
        );
      } catch (error) {
        // It runs out by itself.
        if (!(error instanceof StorageTrouble)) throw error;
      }
    },
  };
}

/** Storage answers so when somebody broke the lease, took it after it ran out, or deleted the blob. */
const LOST: ReadonlySet<number | undefined> = new Set([404, 409, 412]);

const isLost = (cause: unknown): boolean => isRestError(cause) && LOST.has(cause.statusCode);
