// What happened to a blob or a directory: one parsed event.

import type { Instant } from './instant.ts';

/** Where a blob or directory stands in its account. `name` is raw: never percent-encoded, no leading slash. */
export type BlobPath = { readonly container: string; readonly name: string };

type Happening =
  | { readonly kind: 'created' | 'deleted'; readonly blob: BlobPath }
  | { readonly kind: 'renamed'; readonly from: BlobPath; readonly to: BlobPath }
  | { readonly kind: 'directory-deleted'; readonly directory: BlobPath }
  | { readonly kind: 'directory-renamed'; readonly from: BlobPath; readonly to: BlobPath };

export type BlobChange = Happening & {
  readonly account: string;
  readonly eventId: string;
  readonly eventAt: Instant;
  readonly eTag?: string | undefined;
  /** Orders two changes of one blob; opaque across blobs. */
  readonly sequencer?: string | undefined;
  /** W3C trace context of the delivery: joins event, queue message, purge record and telemetry. */
  readonly traceparent?: string | undefined;
};

/** A path whose copies at the edge may be stale; a directory stands for everything below it. */
export type AffectedPath = BlobPath & { readonly account: string; readonly extent: 'blob' | 'directory' };

/** Takes a change, gives every path that it made stale: a rename has two. */
export function affectedPaths(change: BlobChange): readonly AffectedPath[] {
  const affected = (path: BlobPath, extent: AffectedPath['extent']): AffectedPath => ({
    account: change.account,
    container: path.container,
    name: path.name,
    extent,
  });
  switch (change.kind) {
    case 'created':
    case 'deleted':
      return [affected(change.blob, 'blob')];
    case 'renamed':
      return [affected(change.from, 'blob'), affected(change.to, 'blob')];
    case 'directory-deleted':
      return [affected(change.directory, 'directory')];
    case 'directory-renamed':
      return [affected(change.from, 'directory'), affected(change.to, 'directory')];
  }
}
