// The message of a request, kept from the flush for as long as the request's own invocation is sending.

import type { BufferMessage } from '../core/buffer-message.ts';
import type { Instant } from '../core/instant.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { Clock, PurgeBuffer, PurgeProvider, Receipt } from './ports.ts';

/**
 * One call to a CDN may take 65 seconds until all its time-outs are over, and may have to wait for another's call
 * to the same endpoint before. An invocation that dies is taken over by the flush after this at most.
 */
export const HIDDEN_FOR_MS = 3 * 60_000;
/** So a request of many quick calls costs no storage call for each, and any call begins with most of the time left. */
const RENEW_AFTER_MS = 20_000;

export type HiddenMessage = {
  /** Gives the provider, hiding the message anew before each purge that it sends. Then `submit` may throw StorageTrouble. */
  readonly renewedBy: (provider: PurgeProvider) => PurgeProvider;
  readonly complete: () => Promise<void>;
  readonly putBack: (message: BufferMessage, visibleAfterMs: number) => Promise<void>;
};

/** Takes the receipt of a message that was hidden at that time for `HIDDEN_FOR_MS`. */
export function keepHidden(
  first: Receipt,
  hiddenAt: Instant,
  { buffer, clock }: { readonly buffer: PurgeBuffer; readonly clock: Clock },
): HiddenMessage {
  // Endpoints are served side by side, but a receipt counts only until the next one is given.
  const { run } = oneAtATime();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => run('message', work);
  let receipt = first;
  let renewedAt = hiddenAt;
  const renew = async (): Promise<void> => {
    const now = clock.now();
    if (now - renewedAt <= RENEW_AFTER_MS) return;
    receipt = await buffer.hide(receipt, HIDDEN_FOR_MS);
    renewedAt = now;
  };
  return {
    renewedBy: (provider) => ({
      ...provider,
      async submit(purge) {
        await inTurn(renew);
        return provider.submit(purge);
      },
    }),
    complete: () => inTurn(() => buffer.complete(receipt)),
    putBack: (message, visibleAfterMs) => inTurn(() => buffer.putBack(receipt, message, visibleAfterMs)),
  };
}
