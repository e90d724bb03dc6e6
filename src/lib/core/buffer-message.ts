// What waits in the purge buffer: a change, or the name of a person's request.

import type { BlobChange } from './blob-change.ts';

export type BufferMessage = ChangeMessage | RequestMessage;

export type ChangeMessage = {
  readonly type: 'change';
  readonly change: BlobChange;
  /** Failed attempts with a real outcome; waiting, or a host that died, is none. */
  readonly failedAttempts: number;
};

/** The request itself is in its record, which can be larger than a message. */
export type RequestMessage = {
  readonly type: 'request';
  readonly requestId: string;
  readonly traceparent?: string | undefined;
  readonly failedAttempts: number;
};
